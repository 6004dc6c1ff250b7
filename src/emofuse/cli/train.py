"""`emofuse train`: a recipe and a corpus folder in, a run folder out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

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
    "--devices",
    type=click.IntRange(1),
    help="Graphics cards of each machine, or processes without any. Default: all, or 1.",
)
@click.option("--num-nodes", type=click.IntRange(1), default=1, show_default=True, help="Machines.")
@click.option(
    "--strategy",
    type=click.Choice(["auto", "ddp", "ddp_find_unused_parameters_true"]),
    default="auto",
    show_default=True,
    help="Of Lightning; auto is ddp for several processes.",
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
    num_nodes: int,
    strategy: Literal["auto", "ddp", "ddp_find_unused_parameters_true"],
) -> None:
    """Train the model of a RECIPE on the corpora below --data-root.

    Several processes share each batch: train.batch_size of the recipe is that of all together.
    """
    if init_from is not None:
        overrides = (*overrides, f"init_from={json.dumps(init_from)}")  # JSON is YAML
    with needs_extra("train"):
        from emofuse.train import Processes, train_recipe  # noqa: PLC0415 - an extra

        processes = Processes(devices=devices or "auto", num_nodes=num_nodes, strategy=strategy)
        best = train_recipe(
            recipe, data_root, run_dir, overrides=overrides, resume=resume, processes=processes
        )
        from emofuse.train.processes import is_first  # noqa: PLC0415

    if not is_first():
        return  # one of several processes speaks for all
    click.echo(f"Best checkpoint: {best}")
    click.echo(f"Next: emofuse export {best.parent.parent} -o BUNDLE")
