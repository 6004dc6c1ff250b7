"""MSED: photographs with a title and a caption, each with an emotion and a sentiment."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emofuse.datasets.adapter import check_split, find_file, malformed, read_table
from emofuse.errors import CorpusNotFoundError
from emofuse.types import Sample

__all__ = ["MsedAdapter"]

NEAR = 0.6  # Jaccard similarity of their words from which two texts say the same
_FOLDERS = {"train": "train", "validation": "dev", "test": "test", "test_clean": "test"}
_EMOTIONS = {
    "happiness": "joy",
    "sad": "sadness",
    "neutral": "neutral",
    "disgust": "disgust",
    "anger": "anger",
    "fear": "fear",
}
_SENTIMENTS = ("positive", "negative", "neutral")
_WORD = re.compile(r"\w\w+")


@dataclass(frozen=True)
class _Row:
    number: int
    text: str
    words: frozenset[str]
    picture: Path
    emotion: str
    sentiment: str


class MsedAdapter:
    """`{train,dev,test}/<split>.csv` with `images/<row>.jpg`, rows counted from 1.

    The text of a pair is its title and its caption, or one of them where they are the same. Left out of
    `train` and `validation` are pairs whose text stands in the test split, and pairs whose picture stands in
    the corpus twice, byte for byte, with different emotions; validation pairs that are near a training pair
    stay. `test` is whole. `test_clean` leaves out test pairs whose words are shared to 0.6 or more (Jaccard)
    with a text of the other splits, and those whose picture stands there.

    Emotions are given in `ekman7`; the corpus has no surprise. Its sentiment follows from the emotion.

    Source: Jia et al. 2022, "Beyond Emotion: A Multi-Modal Dataset for Human Desire Understanding". For
    research only; it may not be passed on.
    """

    name = "msed"
    taxonomies = ("ekman7", "sentiment3")
    multi_label = False
    licence = "research only, not to be passed on"
    commercial_use = "no"
    splits = ("train", "validation", "test", "test_clean")

    def iter_samples(self, root: Path, split: str) -> Iterator[Sample]:
        """Read a split; see `DatasetAdapter.iter_samples`."""
        check_split(self, split)
        rows = {part: _read_rows(root, part) for part in ("train", "validation", "test")}
        kept = rows["test" if split == "test_clean" else split]
        if split != "test":
            prints = {part: [_print_of(row.picture) for row in own] for part, own in rows.items()}
        if split == "test_clean":
            kept = _unlike(rows, prints)
        elif split != "test":
            held_back = {row.text for row in rows["test"]}
            disputed = _disputed(rows, prints)
            kept = [
                row
                for row, own in zip(kept, prints[split], strict=True)
                if row.text not in held_back and own not in disputed
            ]
        for row in kept:
            yield Sample(
                id=f"{split}:{row.number}",
                text=row.text,
                image=row.picture,
                labels={"ekman7": {row.emotion: 1.0}, "sentiment3": {row.sentiment: 1.0}},
            )


def _read_rows(root: Path, split: str) -> list[_Row]:
    folder = _FOLDERS[split]
    path = find_file(root, f"{folder}/{folder}.csv", folder="msed")
    rows = []
    columns = ("Title", "Caption", "Sentiment", "Emotion")
    for number, (line, row) in enumerate(read_table(path, columns), 1):
        emotion, sentiment = row.get("Emotion", ""), row.get("Sentiment", "")
        if emotion not in _EMOTIONS or sentiment not in _SENTIMENTS:
            raise malformed(
                path, line, f"needs an emotion of {', '.join(_EMOTIONS)} and one of {', '.join(_SENTIMENTS)}."
            )
        picture = path.parent / "images" / f"{number}.jpg"
        if not picture.is_file():
            raise CorpusNotFoundError(f"{path} line {line}: there is no {picture}.", item=str(picture))
        title, caption = row["Title"].strip(), row["Caption"].strip()
        text = caption if title == caption or not title else f"{title}. {caption}"
        words = frozenset(_WORD.findall(text.lower()))
        rows.append(_Row(number, text, words, picture, _EMOTIONS[emotion], sentiment))
    return rows


def _print_of(picture: Path) -> bytes:
    return hashlib.sha1(picture.read_bytes(), usedforsecurity=False).digest()


def _disputed(rows: Mapping[str, Sequence[_Row]], prints: Mapping[str, Sequence[bytes]]) -> set[bytes]:
    emotions = defaultdict(set)
    for part, own in rows.items():
        for row, print_ in zip(own, prints[part], strict=True):
            emotions[print_].add(row.emotion)
    return {print_ for print_, found in emotions.items() if len(found) > 1}


def _unlike(rows: Mapping[str, Sequence[_Row]], prints: Mapping[str, Sequence[bytes]]) -> list[_Row]:
    others = [row.words for part in ("train", "validation") for row in rows[part]]
    pictures = {*prints["train"], *prints["validation"]}
    having: dict[str, list[int]] = defaultdict(list)
    for index, words in enumerate(others):
        for word in words:
            having[word].append(index)
    return [
        row
        for row, print_ in zip(rows["test"], prints["test"], strict=True)
        if print_ not in pictures and _nearest(row.words, others, having) < NEAR
    ]


def _nearest(
    words: Collection[str], others: Sequence[Collection[str]], having: Mapping[str, Sequence[int]]
) -> float:
    shared = Counter(index for word in words for index in having.get(word, ()))
    return max(
        (both / (len(words) + len(others[index]) - both) for index, both in shared.items()), default=0.0
    )
