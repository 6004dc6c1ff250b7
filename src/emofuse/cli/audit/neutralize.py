"""`emofuse audit neutralize`: a copy of a text model whose heads read persons more alike."""

from __future__ import annotations

from pathlib import Path

import click

from emofuse.cli.extras import needs_extra
from emofuse.errors import ConfigError
from emofuse.runtime.bundle import load_bundle


@click.command()
@click.argument("model")
@click.option(
    "--keep",
    "kept",
    multiple=True,
    required=True,
    metavar="CORPUS=FOLDER",
    help="Corpus whose answers are to stay; may be repeated.",
)
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--strength", type=click.FloatRange(min=0, min_open=True), default=3.0, show_default=True)
def neutralize(model: str, kept: tuple[str, ...], output: Path, strength: float) -> None:
    """Write a copy of text MODEL (name or folder) whose heads read persons more alike.

    Learns from sentences that are not in the Equity Evaluation Corpus; measure the copy with `audit text` and
    `evaluate`.
    """
    corpora = {}
    for pair in kept:
        name, found, folder = pair.partition("=")
        if not found:
            raise ConfigError(f"--keep takes CORPUS=FOLDER, not {pair!r}.", item=pair)
        corpora[name] = Path(folder)
    bundle = load_bundle(model)
    with needs_extra("train"):
        from emofuse.export.neutral_heads import neutralize as write  # noqa: PLC0415 - an extra

        manifest = write(bundle, corpora, output, strength=strength)
    click.echo(f"Wrote {manifest['name']} to {output}.")
