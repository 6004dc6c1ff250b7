"""`emofuse monitor report`: predictions of late beside what the models are used to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from emofuse.cli.extras import needs_extra
from emofuse.cli.output import prepare_folder

if TYPE_CHECKING:
    from emofuse.runtime.drift import FeatureDrift


@click.command()
@click.option(
    "--predictions",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="JSON lines, as `emofuse predict --json` writes them.",
)
@click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Predictions of a good time, instead of the models' validation samples.",
)
@click.option("--models", metavar="A,B", help="Folders of bundles that are not embedded.")
@click.option("--json", "output", type=click.Path(dir_okay=False, path_type=Path), help="Also write JSON.")
@click.option(
    "-o", "--output", "page", type=click.Path(dir_okay=False, path_type=Path), help="Also write a page, HTML."
)
def report(
    predictions: Path, *, baseline: Path | None, models: str | None, output: Path | None, page: Path | None
) -> None:
    """Compare inputs and answers of late with what the models are used to.

    A line may hold the `text` beside its prediction; lengths and spelling are then compared, too.
    """
    for path in (output, page):
        if path is not None:
            prepare_folder(path.parent)
    names = [name for name in (models or "").split(",") if name]
    with needs_extra("eval"):
        from emofuse.evaluate.drift_report import render_drift, report_drift  # noqa: PLC0415 - an extra

        found = report_drift(predictions, models=names, baseline=baseline)
        if page is not None:
            page.write_text(render_drift(found), encoding="utf-8")
    click.echo(f"{found.lines} predictions ({found.errors} errors) beside {found.reference}")
    for model in dict.fromkeys(own.model for own in found.features):
        click.echo(f"{model}\n  {'feature':20} {'n':>6}   PSI  (chance)     KS        p  verdict")
        for own in found.features:
            if own.model == model:
                click.echo(f"  {_line(own)}")
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(found.words)
    if output is not None:
        output.write_text(json.dumps(found.to_dict(), indent=1) + "\n", encoding="utf-8")


def _line(own: FeatureDrift) -> str:
    distance = (
        f"{'–':>6} {'–':>8}" if own.ks is None or own.ks_p is None else f"{own.ks:6.3f} {own.ks_p:8.2g}"
    )
    index = f"{own.psi:6.3f}  ({own.psi_by_chance:.3f})"
    return f"{own.feature:20} {own.n:6} {index}  {distance}  {own.verdict:8} {own.largest_change}"
