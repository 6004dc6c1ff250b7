"""`emofuse monitor reference`: what a bundle reads and answers when all is well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from emofuse.cli.extras import needs_extra
from emofuse.runtime.bundle import load_bundle


@click.command()
@click.argument("bundle")
@click.option(
    "--run",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The run it was exported from.",
)
@click.option(
    "--predictions",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Predictions of a good time, as for `emofuse monitor report`.",
)
def reference(bundle: str, run: Path | None, predictions: Path | None) -> None:
    """Write into a BUNDLE what it reads and answers when all is well.

    With --run that is counted on the run's validation samples, as an export does; with --predictions it is
    counted in a file. The model stays as it is.
    """
    if (run is None) == (predictions is None):
        raise click.UsageError("Give either --run or --predictions.")
    loaded = load_bundle(bundle)
    found: dict[str, Any] = {}
    if run is not None:
        with needs_extra("train"):
            from emofuse.export.reference import add_reference  # noqa: PLC0415 - an extra

            found = add_reference(run, loaded.path)
    if predictions is not None:
        with needs_extra("eval"):
            from emofuse.evaluate.drift_report import count_predictions  # noqa: PLC0415 - an extra
            from emofuse.export.bundle_writer import update_manifest  # noqa: PLC0415

            found = count_predictions(loaded, predictions)
            update_manifest(loaded.path, {"reference": found})
    click.echo(
        f"Wrote {', '.join(found['features'])} of {found['n']} samples to {loaded.path / 'bundle.json'}"
    )
