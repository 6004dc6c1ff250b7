"""MELD: turns of dialogue from a television series, with seven emotions and three sentiments."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from emofuse.datasets.adapter import check_split, find_file
from emofuse.errors import CorpusFormatError
from emofuse.taxonomy import load_taxonomy
from emofuse.types import Sample

__all__ = ["MeldAdapter"]


class MeldAdapter:
    """`{train,dev,test}_sent_emo.csv`.

    Source: Poria et al. 2019, "MELD: A Multimodal Multi-Party Dataset". Short turns repeat across splits.
    """

    name = "meld"
    taxonomies = ("ekman7", "sentiment3")
    multi_label = False
    licence = "GPL-3.0 (repository)"
    commercial_use = "unclear"
    splits = ("train", "validation", "test")
    _files: ClassVar = {"train": "train", "validation": "dev", "test": "test"}

    def iter_samples(self, root: Path, split: str) -> Iterator[Sample]:
        """Read a split; see `DatasetAdapter.iter_samples`."""
        check_split(self, split)
        path = find_file(root, f"{self._files[split]}_sent_emo.csv")
        emotions, sentiments = load_taxonomy("ekman7").labels, load_taxonomy("sentiment3").labels
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            for row in reader:
                emotion, sentiment, text = (row.get(c) for c in ("Emotion", "Sentiment", "Utterance"))
                if emotion not in emotions or sentiment not in sentiments or not text:
                    raise CorpusFormatError(
                        f"{path} line {reader.line_num}: needs Utterance and known Emotion and Sentiment.",
                        item=f"{path}:{reader.line_num}",
                    )
                yield Sample(
                    id=f"{split}:{row['Dialogue_ID']}:{row['Utterance_ID']}",
                    text=text,
                    labels={"ekman7": {emotion: 1.0}, "sentiment3": {sentiment: 1.0}},
                )
