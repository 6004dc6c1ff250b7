"""`emofuse evaluate`: a bundle and a corpus in, figures out."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from emofuse.cli.extras import needs_extra
from emofuse.runtime.bundle import load_bundle


@click.command()
@click.argument("bundle")
@click.option("--corpus", required=True, metavar="NAME", help="See `emofuse data list`.")
@click.option("--root", required=True, type=click.Path(path_type=Path), help="Folder of the corpus.")
@click.option("--split", default="test", show_default=True)
@click.option("--taxonomy", metavar="NAME", help="Which labels of the corpus; default: its main ones.")
@click.option("--labels", metavar="A,B", help="Only samples with these labels, chosen among these alone.")
@click.option("--json", "output", type=click.Path(dir_okay=False, path_type=Path), help="Also write JSON.")
def evaluate(  # noqa: PLR0913 - one parameter per option of the command
    bundle: str,
    corpus: str,
    root: Path,
    *,
    split: str,
    taxonomy: str | None,
    labels: str | None,
    output: Path | None,
) -> None:
    """Score a BUNDLE (name or folder) on a split of a corpus."""
    opened = load_bundle(bundle)
    chosen = [label for label in (labels or "").split(",") if label]
    with needs_extra("eval"):
        from emofuse.evaluate import evaluate_bundle  # noqa: PLC0415 - an extra

        result = evaluate_bundle(opened, corpus, root, split=split, labels=chosen, taxonomy=taxonomy)
    if output is not None:
        record = {
            "command": f"emofuse evaluate {bundle} --corpus {corpus} --root ROOT --split {split}"
            + (f" --taxonomy {taxonomy}" if taxonomy else "")
            + (f" --labels {labels}" if labels else ""),
            "date": datetime.now(UTC).date().isoformat(),
            "model_sha256": hashlib.sha256(opened.model_path.read_bytes()).hexdigest(),
            "python": sys.version.split()[0],
            **result.to_dict(),
        }
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    click.echo(f"{result.bundle} {result.version} on {corpus} {split}: {result.samples} samples")
    for name, value in result.scores.items():
        click.echo(f"  {name:24} {value:.4f}")
    click.echo(f"  {'label':16} precision  recall      f1  support")
    for label, row in result.per_class.items():
        figures = f"{row['precision']:9.3f} {row['recall']:7.3f} {row['f1']:7.3f} {row['support']:8.0f}"
        click.echo(f"  {label:16} {figures}")
    if result.unreadable:
        click.echo(
            f"  {len(result.unreadable)} samples could not be read; see `unreadable` in the JSON.", err=True
        )
