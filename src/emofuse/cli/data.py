"""`emofuse data`: which corpora can be read, and whether one is where it should be."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from emofuse.datasets import list_adapters, load_adapter
from emofuse.errors import CorpusFormatError


@click.group()
def data() -> None:
    """Look at corpora."""


@data.command(name="list")
def list_() -> None:
    """Names, label sets, splits and licences of the corpora that can be read."""
    names = list_adapters()
    width = max(map(len, names))
    for name in names:
        adapter = load_adapter(name)
        taxonomies = ",".join(adapter.taxonomies)
        click.echo(f"{name:{width}}  {taxonomies:18}  {','.join(adapter.splits)}  [{adapter.licence}]")


@data.command()
@click.argument("name")
@click.option("--root", required=True, type=click.Path(path_type=Path))
@click.option("--split", "only", help="Default: every split.")
def check(name: str, root: Path, only: str | None) -> None:
    """Read every sample of corpus NAME and count its labels."""
    adapter = load_adapter(name)
    for split in (only,) if only else adapter.splits:
        counts: Counter[str] = Counter()
        samples = 0
        for sample in adapter.iter_samples(root, split):
            samples += 1
            labels = sample.labels.get(adapter.taxonomies[0], {})
            counts[max(labels, key=lambda label: labels[label]) if labels else "(unlabelled)"] += 1
        if not samples:
            raise CorpusFormatError(f"{name} {split} holds no sample below {root}.", item=str(root))
        shown = ", ".join(f"{label} {count}" for label, count in counts.most_common())
        click.echo(f"{name} {split}: {samples} samples; {shown}")
