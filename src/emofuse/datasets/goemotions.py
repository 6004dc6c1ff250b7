"""GoEmotions: Reddit comments with any number of 27 emotions or neutral, or their Ekman groups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from emofuse.datasets.adapter import check_split, find_file, malformed, read_lines
from emofuse.errors import CorpusFormatError
from emofuse.taxonomy import load_taxonomy
from emofuse.types import Sample

__all__ = ["GoEmotionsAdapter"]


class GoEmotionsAdapter:
    """`labels.txt` and `{train,dev,test}.tsv` with columns text, comma-separated label ids, comment id.

    Args:
        name: Name on the command line.
        taxonomy: `goemotions28` for the folder `original`, `ekman7` for the folder `ekman`.
        folder: Sub-folder of the corpus.

    Source: Demszky et al. 2020, "GoEmotions: A Dataset of Fine-Grained Emotions".
    """

    multi_label = True
    licence = "Apache-2.0 (repository)"
    commercial_use = "yes"
    splits = ("train", "validation", "test")
    _files: ClassVar = {"train": "train.tsv", "validation": "dev.tsv", "test": "test.tsv"}

    def __init__(self, name: str, taxonomy: str, folder: str) -> None:
        self.name = name
        self.taxonomies = (taxonomy,)
        self.folder = folder

    def iter_samples(self, root: Path, split: str) -> Iterator[Sample]:
        """Read a split; see `DatasetAdapter.iter_samples`."""
        check_split(self, split)
        file = self._files[split]
        path = find_file(root, f"{self.folder}/{file}", file, folder="goemotions")
        names = [name.strip() for _, name in read_lines(find_file(path.parent, "labels.txt"))]
        taxonomy = load_taxonomy(self.taxonomies[0])
        if set(names) != set(taxonomy.labels):
            raise CorpusFormatError(
                f"{path.parent / 'labels.txt'} does not hold the labels of {taxonomy.name}.", item=str(path)
            )
        by_id = {str(label): name for label, name in enumerate(names)}
        for number, line in read_lines(path):
            try:
                text, ids, comment = line.split("\t")
                labels = {by_id[label]: 1.0 for label in ids.split(",")}
            except (ValueError, KeyError) as error:
                raise malformed(
                    path,
                    number,
                    f"expected text, label ids below {len(names)} and comment id, separated by tabs.",
                ) from error
            yield Sample(id=f"{split}:{number}:{comment}", text=text, labels={taxonomy.name: labels})
