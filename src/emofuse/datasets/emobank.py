"""EmoBank: sentences of many genres with how pleasant readers found them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from emofuse.datasets.adapter import VALENCE, check_split, find_file, malformed, read_table
from emofuse.types import Sample

__all__ = ["EmoBankAdapter"]

COLUMNS = ("id", "split", "V", "text")


class EmoBankAdapter:
    """`emobank.csv` with the columns id, split, V, A, D and text.

    V runs from 1 (unpleasant) to 5 (pleasant) and becomes -1 to 1. Arousal and dominance, which nothing here
    predicts, are not read.

    Source: Buechel and Hahn 2017, "EmoBank: Studying the Impact of Annotation Perspective and Representation
    Format on Dimensional Emotion Analysis".
    """

    name = "emobank"
    taxonomies = (VALENCE,)
    multi_label = False
    licence = "CC BY-SA 4.0"
    commercial_use = "yes"
    splits = ("train", "validation", "test")
    _parts: ClassVar = {"train": "train", "validation": "dev", "test": "test"}

    def iter_samples(self, root: Path, split: str) -> Iterator[Sample]:
        """Read a split; see `DatasetAdapter.iter_samples`."""
        check_split(self, split)
        path = find_file(root, "emobank.csv", folder="emobank")
        for line, row in read_table(path, COLUMNS):
            if not row.get("text"):
                raise malformed(path, line, "the row has no text.")
            if row["split"] != self._parts[split]:
                continue
            try:
                valence = float(row["V"])
            except ValueError:
                valence = 0.0
            if not 1 <= valence <= 5:
                raise malformed(path, line, f"V is {row['V']!r}, not a number from 1 to 5.")
            yield Sample(id=row["id"], text=row["text"], labels={VALENCE: {VALENCE: (valence - 3) / 2}})
