"""`emofuse train`: a recipe and a corpus folder in, a run folder out."""

from __future__ import annotations

from pathlib import Path

import click

from emofuse.cli.extras import needs_extra


@click.command()
@click.argument("recipe", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--data-root", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--run-dir", type=click.Path(file_okay=False, path_type=Path), help="Default: runs/NAME.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one key of the recipe.")
@click.option("--resume", is_flag=True, help="Go on from the last finished epoch.")
def train(
    recipe: Path, data_root: Path, run_dir: Path | None, overrides: tuple[str, ...], resume: bool
) -> None:
    """Train the model of a RECIPE on the corpora below --data-root."""
    with needs_extra("train"):
        from emofuse.train import train_recipe  # noqa: PLC0415 - an extra

        best = train_recipe(recipe, data_root, run_dir, overrides=overrides, resume=resume)
    click.echo(f"Best checkpoint: {best}")
    click.echo(f"Next: emofuse export {best.parent.parent} -o BUNDLE")
