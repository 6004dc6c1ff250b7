"""RAF-DB, basic emotions: aligned faces of 100 x 100 px from the web, one of seven labels each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from emofuse.datasets.adapter import check_split, find_file, hash_share, malformed, read_lines
from emofuse.types import Sample

__all__ = ["RafDbAdapter"]

_LIST = "list_patition_label.txt"
_ROW = re.compile(r"((train|test)_\w+)\.jpg\s+([1-7])\s*")


class RafDbAdapter:
    """`EmoLabel/list_patition_label.txt` and `Image/aligned/*_aligned.jpg`, or the same without the folders.

    The list's name is misspelt by its authors. Its rows are a file name and a label of 1 to 7. There is no
    official validation set: `validation` is a tenth of the training faces, those whose file name hashes
    lowest. Samples carry the picture's path; every picture listed for the split must be there.

    Source: Li et al. 2017, "Reliable Crowdsourcing and Deep Locality-Preserving Learning for Expression
    Recognition in the Wild". The authors give the corpus out on request.
    """

    name = "rafdb"
    taxonomies = ("fer7",)
    multi_label = False
    licence = "on request, for non-commercial research only"
    commercial_use = "no"
    splits = ("train", "validation", "test")
    _labels: ClassVar = {
        "1": "surprise",
        "2": "fear",
        "3": "disgust",
        "4": "happy",
        "5": "sad",
        "6": "angry",
        "7": "neutral",
    }

    def iter_samples(self, root: Path, split: str) -> Iterator[Sample]:
        """Read a split; see `DatasetAdapter.iter_samples`."""
        check_split(self, split)
        path = find_file(root, f"EmoLabel/{_LIST}", _LIST, folder="basic")
        base = path.parent.parent if path.parent.name == "EmoLabel" else path.parent
        pictures = find_file(base, "Image/aligned", "aligned")
        for number, line in read_lines(path):
            row = _ROW.fullmatch(line)
            if row is None:
                raise malformed(path, number, "expected `train_00001.jpg 5`, train or test, label 1 to 7.")
            stem, part, label = row.groups()
            if part == "train" and hash_share(f"{stem}.jpg") < 0.1:
                part = "validation"
            if part == split:
                picture = find_file(pictures, f"{stem}_aligned.jpg")
                yield Sample(id=stem, image=picture, labels={"fer7": {self._labels[label]: 1.0}})
