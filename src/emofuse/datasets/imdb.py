"""IMDB: long film reviews, negative or positive."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from emofuse.datasets.adapter import check_split, find_file, hash_share, malformed, read_lines
from emofuse.types import Sample

__all__ = ["ImdbAdapter"]

_LABELS = {"neg": "negative", "pos": "positive"}
_BREAKS = re.compile(r"(?:<br />)+")


class ImdbAdapter:
    """`aclImdb/{train,test}/{neg,pos}/*.txt`, or `{train,test}.jsonl.gz` with keys id, label and text.

    There is no official validation set: `validation` is a tenth of the training reviews, those whose text
    hashes lowest, so that equal reviews stay together. The training reviews whose text also stands in the
    test set, 123 of them, are left out of `train` and `validation`. Line-break tags become a space.

    Source: Maas et al. 2011, "Learning Word Vectors for Sentiment Analysis".
    """

    name = "imdb"
    taxonomies = ("polarity2",)
    multi_label = False
    licence = "none stated; cite Maas et al. 2011"
    commercial_use = "unclear"
    splits = ("train", "validation", "test")

    def iter_samples(self, root: Path, split: str) -> Iterator[Sample]:
        """Read a split; see `DatasetAdapter.iter_samples`."""
        check_split(self, split)
        reviews = _read_reviews(root, "test" if split == "test" else "train")
        if split != "test":
            held_back = {text for _, _, text in _read_reviews(root, "test")}
            reviews = (
                review
                for review in reviews
                if review[2] not in held_back and (hash_share(review[2]) < 0.1) == (split == "validation")
            )
        for name, label, text in reviews:
            yield Sample(id=f"{split}:{name}", text=text, labels={"polarity2": {label: 1.0}})


def _read_reviews(root: Path, part: str) -> Iterator[tuple[str, str, str]]:
    path = find_file(root, f"{part}/neg", f"{part}.jsonl.gz", f"aclImdb/{part}/neg", folder="imdb")
    reviews = _read_json(path) if path.is_file() else _read_folder(path.parent)
    for name, label, text in reviews:
        yield name, label, _BREAKS.sub(" ", text).strip()


def _read_folder(folder: Path) -> Iterator[tuple[str, str, str]]:
    for short, label in _LABELS.items():
        for path in sorted(find_file(folder, short).glob("*.txt")):
            text = " ".join(line for _, line in read_lines(path))
            if not text:
                raise malformed(path, 1, "the review is empty.")
            yield f"{short}/{path.stem}", label, text


def _read_json(path: Path) -> Iterator[tuple[str, str, str]]:
    line = 0
    try:
        with gzip.open(path) as file:
            for line, data in enumerate(file, 1):
                if data.strip():
                    yield _parse_review(path, line, data)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise malformed(path, line + 1, f"not readable as gzip ({error}).") from error


def _parse_review(path: Path, line: int, data: bytes) -> tuple[str, str, str]:
    try:
        row = json.loads(data)
        name, label, text = row["id"], _LABELS[row["label"]], row["text"]
    except (KeyError, TypeError, ValueError) as error:
        raise malformed(path, line, "expected JSON in UTF-8 with id, label neg or pos, and text.") from error
    if not isinstance(name, str) or not isinstance(text, str) or not text.strip():
        raise malformed(path, line, "id and text must be strings, and text not empty.")
    return name, label, text
