"""SemEval-2017 Task 4, subtask A: tweets that are negative, neutral or positive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from emofuse.datasets.adapter import check_split, hash_share, malformed, read_lines
from emofuse.errors import CorpusNotFoundError
from emofuse.taxonomy import load_taxonomy
from emofuse.types import Sample

__all__ = ["SemEval2017Adapter"]

_FILLER = re.compile(r"https?://\S+|@\w+|\W+")


class SemEval2017Adapter:
    """The `twitter-*-A.tsv` files: tweet id, label, text.

    The task's own test set is not part of these files, so the splits are made here: a tweet belongs to
    `test` when the SHA-256 of its id falls into the first tenth, to `validation` in the next twentieth, else
    to `train`. Rows that repeat a tweet id are read once; ids with conflicting labels are dropped, and so
    are training (or validation) tweets whose words equal those of a held-back tweet.

    Source: Rosenthal et al. 2017, "SemEval-2017 Task 4: Sentiment Analysis in Twitter".
    """

    name = "semeval2017"
    taxonomies = ("sentiment3",)
    multi_label = False
    licence = "not stated; platform terms"
    commercial_use = "unclear"
    splits = ("train", "validation", "test")

    def iter_samples(self, root: Path, split: str) -> Iterator[Sample]:
        """Read a split; see `DatasetAdapter.iter_samples`."""
        check_split(self, split)
        tweets = _read_tweets(root)
        held_back: dict[str, set[str]] = {"test": set(), "validation": set()}
        for tweet, (_, text) in tweets.items():
            if (own := _split_of(tweet)) != "train":
                held_back[own].add(_words(text))
        forbidden: set[str] = set()
        if split != "test":
            forbidden |= held_back["test"]
        if split == "train":
            forbidden |= held_back["validation"]
        for tweet, (label, text) in tweets.items():
            if _split_of(tweet) == split and _words(text) not in forbidden:
                yield Sample(id=tweet, text=text, labels={"sentiment3": {label: 1.0}})


def _read_tweets(root: Path) -> dict[str, tuple[str, str]]:
    paths = sorted(root.glob("**/twitter-*-A.tsv")) or sorted(root.glob("**/twitter-*-A.txt"))
    if not paths:
        raise CorpusNotFoundError(
            f"Found no twitter-*-A.tsv under {root}. Give the folder that holds the task's files.",
            item=str(root),
        )
    labels = load_taxonomy("sentiment3").labels
    tweets: dict[str, tuple[str, str]] = {}
    conflicting = set()
    for path in paths:
        for number, line in read_lines(path):
            parts = line.split("\t", 2)
            if len(parts) != 3 or parts[1] not in labels:
                raise malformed(path, number, "expected tweet id, label and text, separated by tabs.")
            tweet, label, text = parts
            if tweets.setdefault(tweet, (label, text))[0] != label:
                conflicting.add(tweet)
    return {tweet: row for tweet, row in tweets.items() if tweet not in conflicting}


def _split_of(tweet: str) -> str:
    share = hash_share(tweet)
    if share < 0.10:
        return "test"
    return "validation" if share < 0.15 else "train"


def _words(text: str) -> str:
    return _FILLER.sub(" ", text.lower()).strip()
