"""Sentiment140: tweets labelled by their emoticons, and a hand-labelled test set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from emofuse.datasets.adapter import check_split, find_file, hash_share, malformed, read_csv, read_lines
from emofuse.taxonomy import load_taxonomy
from emofuse.types import Sample

__all__ = ["Sentiment140Adapter", "Sentiment140PolarityAdapter"]

_POLARITY = {"0": "negative", "2": "neutral", "4": "positive"}
_COLUMNS = 6
_FOLDER = "sentiment140"
_TEST_FILES = ("testdata.manual.2009.06.14.csv", "testdata.manual.498.csv")


class Sentiment140Adapter:
    """The official CSV files, or `tweets_100k/{negative,positive}.txt` as a smaller training set.

    Training labels are distant (the emoticon was removed), negative or positive only. `validation` is a
    tenth of the training tweets, those whose text hashes lowest; `test` is the hand-labelled file, with
    neutral.

    Source: Go et al. 2009, "Twitter Sentiment Classification using Distant Supervision".
    """

    name = "sentiment140"
    taxonomies = ("sentiment3",)
    multi_label = False
    licence = "not stated"
    commercial_use = "unclear"
    splits = ("train", "validation", "test")

    def iter_samples(self, root: Path, split: str) -> Iterator[Sample]:
        """Read a split; see `DatasetAdapter.iter_samples`."""
        check_split(self, split)
        taxonomy = load_taxonomy(self.taxonomies[0])
        if split == "test":
            rows = _read_csv(find_file(root, *_TEST_FILES, folder=_FOLDER))
        else:
            rows = (
                row for row in _read_training(root) if (hash_share(row[2]) < 0.1) == (split == "validation")
            )
        for name, label, text in rows:
            if label in taxonomy.labels:
                yield Sample(id=f"{split}:{name}", text=text, labels={taxonomy.name: {label: 1.0}})


class Sentiment140PolarityAdapter(Sentiment140Adapter):
    """The same files without a middle: neutral test tweets are left out, as in the paper.

    What remains of the hand-labelled file are the usual 359 tweets, 177 negative and 182 positive.

    Source: Go et al. 2009, "Twitter Sentiment Classification using Distant Supervision".
    """

    name = "sentiment140_polarity"
    taxonomies = ("polarity2",)


def _read_training(root: Path) -> Iterator[tuple[str, str, str]]:
    path = find_file(root, "training.1600000.processed.noemoticon.csv", "tweets_100k", folder=_FOLDER)
    if path.is_file():
        yield from _read_csv(path)
        return
    for label in ("negative", "positive"):
        for number, line in read_lines(find_file(path, f"{label}.txt")):
            yield f"{label}:{number}", label, line


def _read_csv(path: Path) -> Iterator[tuple[str, str, str]]:
    for number, (line, row) in enumerate(read_csv(path, encoding="latin-1")):
        if number == 0 and row[0] == "polarity":
            continue
        if len(row) != _COLUMNS or row[0] not in _POLARITY:
            raise malformed(path, line, f"expected {_COLUMNS} columns with polarity 0, 2 or 4.")
        yield f"{number}:{row[1]}", _POLARITY[row[0]], row[5]
