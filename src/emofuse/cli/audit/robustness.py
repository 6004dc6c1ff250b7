"""`emofuse audit robustness`: a bundle and a corpus in, curves out."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from emofuse.cli.extras import needs_extra
from emofuse.cli.output import prepare_folder
from emofuse.runtime.bundle import load_bundle

if TYPE_CHECKING:
    from emofuse.evaluate.robustness import Curve


@click.command()
@click.argument("bundle")
@click.option("--corpus", required=True, metavar="NAME", help="See `emofuse data list`.")
@click.option("--root", required=True, type=click.Path(path_type=Path), help="Folder of the corpus.")
@click.option("--split", default="test", show_default=True)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Draw at most N samples.")
@click.option("--only", metavar="A,B", help="Only these corruptions, by the names that are printed.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of the samples drawn and of the corruptions.",
)
@click.option("--json", "output", type=click.Path(dir_okay=False, path_type=Path), help="Also write JSON.")
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Also write the curves as HTML."
)
def robustness(  # noqa: PLR0913 - one parameter per option of the command
    bundle: str,
    corpus: str,
    root: Path,
    *,
    split: str,
    limit: int | None,
    only: str | None,
    seed: int,
    output: Path | None,
    report: Path | None,
) -> None:
    """Score a BUNDLE (name or folder) on texts and pictures that get worse and worse.

    Each line is a corruption: accuracy (macro-F1 where several labels may hold) of the clean samples, then at
    each level.
    """
    opened = load_bundle(bundle)
    names = [name for name in (only or "").split(",") if name]
    for file in (output, report):
        if file is not None:
            prepare_folder(file.parent)
    with needs_extra("eval"):
        from emofuse.evaluate.robustness import evaluate_robustness  # noqa: PLC0415 - an extra
        from emofuse.evaluate.robustness_report import render_robustness  # noqa: PLC0415

        result = evaluate_robustness(
            opened, corpus, root, split=split, limit=limit, only=names, seed=seed, tell=_print_curve
        )
        if report is not None:
            report.write_text(render_robustness(result), encoding="utf-8")
    if output is not None:
        command = f"emofuse audit robustness {opened.name} --corpus {corpus} --root ROOT --split {split}"
        record = {
            "command": command
            + (f" --limit {limit}" if limit else "")
            + (f" --only '{only}'" if names else "")
            + f" --seed {seed}",
            "date": datetime.now(UTC).date().isoformat(),
            "model_sha256": hashlib.sha256(opened.model_path.read_bytes()).hexdigest(),
            **result.to_dict(),
        }
        output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    click.echo(f"{result.bundle} {result.version} on {corpus} {split}: {result.samples} samples, seed {seed}")


def _print_curve(curve: Curve) -> None:
    figures = [level.scores.get("accuracy", level.scores["macro_f1"])[0] for level in curve.levels]
    steps = ", ".join(f"{level.value:g}" for level in curve.levels if level.value is not None)
    line = " ".join(f"{figure:.3f}" for figure in figures)
    click.echo(f"{curve.corruption:20} {line}  n={curve.samples}, {curve.unit}: {steps}")
