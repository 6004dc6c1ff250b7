"""`emofuse train`: a recipe and a corpus folder in, a run folder out."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from emofuse.cli.extras import needs_extra


@click.command()
@click.argument("recipe", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--data-root", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--run-dir", type=click.Path(file_okay=False, path_type=Path), help="Default: runs/NAME.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one key of the recipe.")
@click.option(
    "--init-from",
    metavar="BUNDLE_OR_RUN",
    help="Start from the weights of an embedded bundle, a bundle folder or a run folder.",
)
@click.option("--resume", is_flag=True, help="Go on from the last finished epoch.")
@click.option(
    "--devices", type=click.IntRange(1), help="Graphics cards, or processes without any. Default: all, or 1."
)
def train(  # noqa: PLR0913 - one parameter per option of the command
    recipe: Path,
    data_root: Path,
    run_dir: Path | None,
    *,
    overrides: tuple[str, ...],
    init_from: str | None,
    resume: bool,
    devices: int | None,
) -> None:
    """Train the model of a RECIPE on the corpora below --data-root."""
    if init_from is not None:
        overrides = (*overrides, f"init_from={json.dumps(init_from)}")  # JSON is YAML
    with needs_extra("train"):
        from emofuse.train import train_recipe  # noqa: PLC0415 - an extra

        best = train_recipe(
            recipe, data_root, run_dir, overrides=overrides, resume=resume, devices=devices or "auto"
        )
    if os.environ.get("LOCAL_RANK", "0") != "0":
        return  # one of several processes speaks for all
    click.echo(f"Best checkpoint: {best}")
    click.echo(f"Next: emofuse export {best.parent.parent} -o BUNDLE")
