"""`emofuse monitor reference`: what a bundle reads and answers when all is well."""

from __future__ import annotations

from pathlib import Path

import click

from emofuse.cli.extras import needs_extra
from emofuse.runtime.bundle import load_bundle


@click.command()
@click.argument("bundle")
@click.option(
    "--run",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The run it was exported from.",
)
def reference(bundle: str, run: Path) -> None:
    """Write into a BUNDLE what it reads and answers on the validation samples of its run.

    A new export does so itself; this is for older bundles. The model stays as it is.
    """
    folder = load_bundle(bundle).path
    with needs_extra("train"):
        from emofuse.export.reference import add_reference  # noqa: PLC0415 - an extra

        found = add_reference(run, folder)
    click.echo(f"Wrote {', '.join(found['features'])} of {found['n']} samples to {folder / 'bundle.json'}")
