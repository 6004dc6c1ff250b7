"""`emofuse audit table`: does a model serve every group of a user's own table equally well?"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from emofuse.cli.extras import needs_extra
from emofuse.cli.output import prepare_folder
from emofuse.errors import ConfigError

if TYPE_CHECKING:
    from emofuse.evaluate.group_audit import TableAudit
    from emofuse.evaluate.group_table import Columns, GroupTable
    from emofuse.evaluate.threshold_repair import Repair

SHOWN = 12


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--label", required=True, metavar="COLUMN", help="Column of the truth.")
@click.option("--group", "groups", multiple=True, required=True, metavar="COLUMN", help="May be repeated.")
@click.option(
    "--prediction", metavar="COLUMN", help="Column of the answer; without it, models read the rows."
)
@click.option("--confidence", metavar="COLUMN", help="Probability of the answer, for calibration.")
@click.option("--text-column", show_default="text", metavar="COLUMN")
@click.option("--image-column", show_default="image", metavar="COLUMN")
@click.option("--models", metavar="A,B", help="As for `emofuse predict`.")
@click.option("--taxonomy", metavar="NAME", help="Label set of the truth; default: sentiment3 or ekman7.")
@click.option("--mitigate", metavar="LABEL", help="Also try a threshold per group for this label.")
@click.option(
    "--equalize",
    type=click.Choice(["recall", "selection_rate"]),
    show_default="recall",
    help="What the thresholds make equal.",
)
@click.option("--json", "output", type=click.Path(dir_okay=False, path_type=Path), help="Also write JSON.")
def table(  # noqa: PLR0913 - one parameter per option of the command
    file: Path,
    label: str,
    groups: tuple[str, ...],
    *,
    prediction: str | None,
    confidence: str | None,
    text_column: str | None,
    image_column: str | None,
    models: str | None,
    taxonomy: str | None,
    mitigate: str | None,
    equalize: str | None,
    output: Path | None,
) -> None:
    """Compare groups of people in a FILE (.csv, .jsonl or .parquet) of one's own.

    Of several --group columns their intersection is compared too. Groups of fewer than 30 rows are marked.
    """
    if confidence is not None and prediction is None:
        raise ConfigError("--confidence is the probability of a --prediction column.", item=confidence)
    if prediction is not None and (models or taxonomy):
        raise ConfigError("With --prediction no model reads; leave --models and --taxonomy out.", item=models)
    if prediction is not None and (text_column or image_column):
        raise ConfigError(
            "With --prediction no model reads; leave --text-column and --image-column out.", item=prediction
        )
    if equalize is not None and mitigate is None:
        raise ConfigError("--equalize says what --mitigate makes equal. Give --mitigate too.", item=equalize)
    with needs_extra("eval"):
        from emofuse.evaluate.group_audit import audit_table  # noqa: PLC0415 - an extra
        from emofuse.evaluate.group_table import Columns  # noqa: PLC0415
        from emofuse.evaluate.threshold_repair import repair_thresholds  # noqa: PLC0415

        columns = Columns(
            label, groups, prediction, confidence, text_column or "text", image_column or "image"
        )
        answers = _read(file, columns, models, taxonomy)
        result = audit_table(answers)
        repairs = []
        if mitigate is not None:
            repairs = [
                repair_thresholds(answers, mitigate, column, equalize=equalize or "recall")
                for column in answers.groups
            ]
    _print(result)
    for repair in repairs:
        _print_repair(repair)
    if output is not None:
        prepare_folder(output.parent)
        record = {
            "file": file.name,
            "date": datetime.now(UTC).date().isoformat(),
            **result.to_dict(),
            "repairs": [repair.to_dict() for repair in repairs],
        }
        output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _read(file: Path, columns: Columns, models: str | None, taxonomy: str | None) -> GroupTable:
    from emofuse.evaluate.group_table import read_answers, read_group_table  # noqa: PLC0415 - an extra
    from emofuse.runtime.predictor import Predictor  # noqa: PLC0415

    if columns.prediction is not None:
        return read_answers(file, columns)
    names = models.split(",") if models else None

    def load(name: str) -> Predictor:
        # Sentiment is answered whatever the label set of the emotions.
        return Predictor.load(names) if name == "sentiment3" else Predictor.load(names, taxonomy=name)

    return read_group_table(file, columns, lambda name: load(name).predict, taxonomy=taxonomy)


def _print(result: TableAudit) -> None:
    click.echo(f"{result.rows} rows, accuracy {result.accuracy:.3f}")
    if result.unreadable:
        reasons = "; ".join(f"{why} ({n})" for why, n in Counter(result.unreadable.values()).items())
        click.echo(f"{len(result.unreadable)} rows could not be read: {reasons}", err=True)
    for group in result.groups:
        ece = "" if group.ece is None else f"  ECE {group.ece:.3f}"
        mark = "  small group" if group.small else ""
        click.echo(f"  {group.column} = {group.group}: n {group.n}  accuracy {group.accuracy:.3f}{ece}{mark}")
        for label, count in group.support.items():
            found = group.recall[label]
            recall = "    –" if found is None else f"{found:.3f}"
            rate = group.selection_rate[label]
            click.echo(f"    {label:16} true {count:5}  answered {rate:.3f}  recall {recall}")
    click.echo(f"Largest gaps (of {len(result.gaps)}), with 95 % bootstrap intervals:")
    for gap in result.gaps[:SHOWN]:
        span = f"{gap.difference.value:.3f} ({gap.difference.low:.3f}-{gap.difference.high:.3f})"
        name = gap.measure.replace("_", " ") + (f" of {gap.label}" if gap.label else "")
        mark = "  small group" if gap.small else ""
        who = f"{gap.highest} above {gap.lowest}" if gap.difference.value else "no difference"
        click.echo(f"  {name:28} {span}  ratio {gap.ratio.value:.2f}  {gap.column}: {who}{mark}")


def _print_repair(repair: Repair) -> None:
    click.echo(
        f"A threshold per {repair.column} for {repair.label}, chosen on {repair.fitted} rows and judged on "
        f"{repair.judged} others:"
    )
    sides = {"as answered": repair.answered, "one threshold": repair.before, "per group": repair.after}
    measure = repair.equalized.replace("_", " ")
    for name, side in sides.items():
        click.echo(f"  {name:14} gap in {measure} {side.gap:.3f}  accuracy {side.accuracy:.3f}")
