"""`emofuse export`: a finished run in, a bundle out."""

from __future__ import annotations

from pathlib import Path

import click

from emofuse.cli.extras import needs_extra


@click.command()
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--int8/--float32", "int8", default=None, help="Default: what the recipe says; it names the kind of int8."
)
@click.option(
    "--data-root", type=click.Path(file_okay=False, path_type=Path), help="Of an ensemble's corpora."
)
def export(run: Path, output: Path, int8: bool | None, data_root: Path | None) -> None:
    """Write the best network of a RUN, or the ensemble of a recipe file, as a bundle folder."""
    with needs_extra("train"):
        from emofuse.export import export_any  # noqa: PLC0415 - an extra

        manifest = export_any(run, output, int8=int8, data_root=data_root)
    effort = manifest.get("effort") or {}
    if effort.get("finished") is False:
        click.echo(
            f"Warning: {run} was stopped after epoch {effort['epochs']}; its best epoch until then is "
            "exported. `emofuse train --resume` goes on with it.",
            err=True,
        )
    for row in manifest["metrics"]:
        click.echo(f"{row['corpus']} {row['split']} {row['metric']} {row['value']:.4f} (n={row['n']})")
    click.echo(
        f"Wrote {output}: {sum(f.stat().st_size for f in output.rglob('*') if f.is_file()) / 1e6:.1f} MB"
    )
