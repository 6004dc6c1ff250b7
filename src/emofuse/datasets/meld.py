"""MELD: turns of dialogue from a television series, with seven emotions and three sentiments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from emofuse.datasets.adapter import check_split, find_file, malformed, read_table
from emofuse.taxonomy import load_taxonomy
from emofuse.types import Sample

__all__ = ["MeldAdapter"]

_COLUMNS = ("Utterance", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID")


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
        path = find_file(root, f"{self._files[split]}_sent_emo.csv", folder="meld")
        emotions, sentiments = load_taxonomy("ekman7").labels, load_taxonomy("sentiment3").labels
        for line, row in read_table(path, _COLUMNS):
            text, emotion, sentiment, dialogue, turn = (row.get(column, "") for column in _COLUMNS)
            if emotion not in emotions or sentiment not in sentiments or not text or not turn:
                raise malformed(path, line, "needs Utterance, known Emotion and Sentiment, and both ids.")
            yield Sample(
                id=f"{split}:{dialogue}:{turn}",
                text=text,
                labels={"ekman7": {emotion: 1.0}, "sentiment3": {sentiment: 1.0}},
            )
