"""dair-ai emotion: tweets with one of six emotions, `text;label` per line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from emofuse.datasets.adapter import check_split, find_file, malformed, read_lines
from emofuse.taxonomy import load_taxonomy
from emofuse.types import Sample

__all__ = ["EmotionAdapter"]


class EmotionAdapter:
    """`train.txt`, `val.txt`, `test.txt`.

    Source: Saravia et al. 2018, CARER. Nearly every text holds the word "feel": a model trained on it
    alone does not generalise.
    """

    name = "emotion"
    taxonomies = ("emotion6",)
    multi_label = False
    licence = "educational and research use"
    commercial_use = "no"
    splits = ("train", "validation", "test")
    _files: ClassVar = {"train": "train.txt", "validation": "val.txt", "test": "test.txt"}

    def iter_samples(self, root: Path, split: str) -> Iterator[Sample]:
        """Read a split; see `DatasetAdapter.iter_samples`."""
        check_split(self, split)
        path = find_file(root, self._files[split], folder="emotion")
        labels = load_taxonomy("emotion6").labels
        for number, line in read_lines(path):
            text, separator, label = line.rpartition(";")
            if not separator or label not in labels:
                raise malformed(path, number, f"expected `text;label` with a label of {', '.join(labels)}.")
            yield Sample(id=f"{split}:{number}", text=text, labels={"emotion6": {label: 1.0}})
