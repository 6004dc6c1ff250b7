"""`emofuse evaluate`: a bundle and a corpus in, figures out."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from emofuse.cli.extras import needs_extra
from emofuse.cli.output import prepare_folder, show_model, show_task
from emofuse.runtime.bundle import load_bundle

if TYPE_CHECKING:
    from emofuse.evaluate import Evaluation


@click.command()
@click.argument("bundle")
@click.option("--corpus", required=True, metavar="NAME", help="See `emofuse data list`.")
@click.option("--root", required=True, type=click.Path(path_type=Path), help="Folder of the corpus.")
@click.option("--split", default="test", show_default=True)
@click.option("--taxonomy", metavar="NAME", help="Which labels of the corpus; default: its main ones.")
@click.option("--labels", metavar="A,B", help="Only samples with these labels, chosen among these alone.")
@click.option("--json", "output", type=click.Path(dir_okay=False, path_type=Path), help="Also write JSON.")
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also write an HTML page to this folder.",
)
@click.option("--without-inputs", is_flag=True, help="Show no text or picture of the corpus in the page.")
def evaluate(  # noqa: PLR0913 - one parameter per option of the command
    bundle: str,
    corpus: str,
    root: Path,
    *,
    split: str,
    taxonomy: str | None,
    labels: str | None,
    output: Path | None,
    report: Path | None,
    without_inputs: bool,
) -> None:
    """Score a BUNDLE (name or folder) on a split of a corpus."""
    if without_inputs and report is None:
        raise click.UsageError("--without-inputs is for --report.")
    opened = load_bundle(bundle)
    chosen = [label for label in (labels or "").split(",") if label]
    for folder in (output.parent if output else None, report):
        if folder is not None:
            prepare_folder(folder)
    task = show_task(corpus, split, taxonomy, labels)
    command = " ".join(["emofuse evaluate", show_model(bundle), *task])
    with needs_extra("eval"):
        from emofuse.evaluate.answers import answer_corpus  # noqa: PLC0415 - an extra
        from emofuse.evaluate.evaluator import score_answers  # noqa: PLC0415

        answers = answer_corpus(opened, corpus, root, split=split, labels=chosen, taxonomy=taxonomy)
        result = score_answers(answers, opened, corpus, split)
    if output is not None:
        record = {
            "command": command,
            "date": datetime.now(UTC).date().isoformat(),
            "model_sha256": hashlib.sha256(opened.model_path.read_bytes()).hexdigest(),
            "python": sys.version.split()[0],
            **result.to_dict(),
        }
        output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    _show(result)
    if report is not None:
        with needs_extra("eval"):
            from emofuse.evaluate.report import render_report  # noqa: PLC0415

            html = render_report(result, answers, opened, command=command, inputs=not without_inputs)
        parts = [opened.name, corpus, split, *([taxonomy] if taxonomy else []), *chosen, "html"]
        page = report / ".".join(parts)
        page.write_text(html, encoding="utf-8")
        click.echo(f"Report: {page}")


def _show(result: Evaluation) -> None:
    click.echo(
        f"{result.bundle} {result.version} on {result.corpus} {result.split}: {result.samples} samples"
    )
    for name, value in result.scores.items():
        low, high = result.intervals.get(name, (None, None))
        interval = "" if low is None else f"  {low:.4f} to {high:.4f}"
        click.echo(f"  {name:24} {value:7.4f}{interval}")
    if result.per_class:
        click.echo(f"  {'label':16} precision  recall      f1     auc  support")
    for label, row in result.per_class.items():
        auc = f"{row['auc']:7.3f}" if "auc" in row else f"{'-':>7}"
        figures = f"{row['precision']:9.3f} {row['recall']:7.3f} {row['f1']:7.3f} {auc} {row['support']:8.0f}"
        click.echo(f"  {label:16} {figures}")
    if result.unreadable:
        click.echo(
            f"  {len(result.unreadable)} samples could not be read; see `unreadable` in the JSON.", err=True
        )
