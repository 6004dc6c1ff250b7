"""`emofuse tune`: a recipe with a `search` section in, the best values out."""

from __future__ import annotations

from pathlib import Path

import click

from emofuse.cli.extras import needs_extra


@click.command()
@click.argument("recipe", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--data-root", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--study-dir", type=click.Path(file_okay=False, path_type=Path), help="Default: studies/NAME.")
@click.option("--trials", default=20, show_default=True, type=click.IntRange(1), help="Trials to add.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one key of the recipe.")
def tune(
    recipe: Path, data_root: Path, study_dir: Path | None, trials: int, overrides: tuple[str, ...]
) -> None:
    """Try the values of a RECIPE's `search` section; a study in the folder goes on."""
    with needs_extra("train"):
        from emofuse.tune import tune_recipe  # noqa: PLC0415 - an extra

        folder = study_dir or Path("studies") / recipe.stem
        result = tune_recipe(recipe, data_root, folder, trials=trials, overrides=overrides)
    click.echo(f"Best validation score of {result.trials} trials: {result.score:.4f}")
    for key, value in result.changes.items():
        click.echo(f"  {key} = {value}")
    click.echo(f"Recipe: {result.recipe}\nNext: emofuse export {result.run_dir} -o BUNDLE")
