"""`emofuse audit text`: sentences that differ only in the person, and what a model makes of that."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from emofuse.cli.extras import needs_extra
from emofuse.cli.output import prepare_folder
from emofuse.errors import ConfigError
from emofuse.runtime.bundle import load_bundle

if TYPE_CHECKING:
    from emofuse.evaluate.fairness import TextAudit


@click.command()
@click.option(
    "--models",
    default="text_bert_bilstm",
    show_default=True,
    metavar="A,B",
    help="Text models, by name or folder.",
)
@click.option("--root", required=True, type=click.Path(path_type=Path), help="Folder of the corpus.")
@click.option("--json", "output", type=click.Path(dir_okay=False, path_type=Path), help="Also write JSON.")
def text(models: str, root: Path, output: Path | None) -> None:
    """Compare groups of people on the Equity Evaluation Corpus (Kiritchenko and Mohammad 2018).

    Each line is a label: mean difference between the groups, mean absolute difference of the pairs with its
    95 % interval, p-value corrected for all tests, and the same difference with no name averaged.
    """
    bundles = [load_bundle(name) for name in models.split(",") if name]
    if not bundles:
        raise ConfigError("No model is named. Give --models one or more, such as text_bilstm.", item=models)
    if len({bundle.name for bundle in bundles}) < len(bundles):
        raise ConfigError("Two of the models have one name; audit them one after the other.", item=models)
    if output is not None:
        prepare_folder(output.parent)
    with needs_extra("eval"):
        from emofuse.datasets.eec import read_eec  # noqa: PLC0415
        from emofuse.evaluate.fairness import audit_text  # noqa: PLC0415 - an extra

        sentences = read_eec(root)
        results = [audit_text(bundle, sentences) for bundle in bundles]
    for result in results:
        _print(result)
    if output is not None:
        names = ",".join(bundle.name for bundle in bundles)
        record = {
            "command": f"emofuse audit text --models {names} --root ROOT",
            "date": datetime.now(UTC).date().isoformat(),
            "model_sha256": {bundle.name: bundle.sha256 for bundle in bundles},
            "models": {result.bundle: result.to_dict() for result in results},
        }
        output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _print(result: TextAudit) -> None:
    from emofuse.evaluate.fairness import TARGET  # noqa: PLC0415 - an extra

    click.echo(f"{result.bundle} {result.version}: {result.sentences} sentences")
    group = ""
    for gap in result.gaps:
        if gap.group != group:
            group = gap.group
            title = f"{group}: {gap.first} - {gap.second}, {gap.pairs} pairs"
            click.echo(f"  {title:54}    mean  absolute (95 %)        p  one to one")
        interval = f"{gap.absolute.value:.3f} ({gap.absolute.low:.3f}-{gap.absolute.high:.3f})"
        name = f"{gap.taxonomy} {gap.label}"
        single = "-" if gap.one_to_one is None else f"{gap.one_to_one:.3f}"
        click.echo(f"    {name:52} {gap.mean:+.3f}  {interval} {gap.p:8.2g}  {single:>10}")
    for worst in result.worst:
        click.echo(f"  worst: {worst.group}, {worst.label}, {worst.absolute:.3f}: {worst.template}")
    largest = result.largest
    verdict = "at most" if largest.absolute.value <= TARGET else "more than"
    click.echo(
        f"  Largest: {largest.group}, {largest.label}: {largest.absolute.value:.4f}, {verdict} {TARGET}."
    )
