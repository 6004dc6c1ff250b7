"""XED: English film subtitles with any number of Plutchik's eight emotions, or neutral."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from emofuse.datasets.adapter import check_split, find_file, hash_share, malformed, read_lines
from emofuse.taxonomy import load_mapping, load_taxonomy
from emofuse.types import Sample

__all__ = ["XedAdapter"]

_NEUTRAL_IDS = ("0", "9")
_FILLER = re.compile(r"\W+")


class XedAdapter:
    """`AnnotatedData/en-annotated.tsv` (text, emotion ids) and `AnnotatedData/neu_en.txt` (0 or 9, text).

    - `ekman7`: anger, disgust, fear, joy, sadness and surprise as annotated, neutral from its own file.
      Anticipation and trust, which this set lacks, are passed over beside one of the six; alone they become
      shares by the table `plutchik8` -> `ekman7`, half joy and half neutral.
    - `plutchik8`: the emotions as annotated. It has no neutral, so neutral lines have no label in this set.

    There is no official split. Lines are split here by the SHA-256 of their words, without case and
    punctuation, so that equal lines stay together: the first tenth is `test`, the next `validation`, the
    rest `train`. Repeated neutral lines are read once; texts that stand in both files are left out.

    Source: Öhman et al. 2020, "XED: A Multilingual Dataset for Sentiment Analysis and Emotion Detection".
    """

    name = "xed"
    taxonomies = ("ekman7", "plutchik8")
    multi_label = True
    licence = "CC BY 4.0"
    commercial_use = "yes"
    splits = ("train", "validation", "test")

    def iter_samples(self, root: Path, split: str) -> Iterator[Sample]:
        """Read a split; see `DatasetAdapter.iter_samples`."""
        check_split(self, split)
        path = find_file(root, "AnnotatedData/en-annotated.tsv", "en-annotated.tsv", folder="xed")
        emotional = list(_read_emotional(path))
        neutral = {text: line for line, text in _read_neutral(find_file(path.parent, "neu_en.txt"))}
        conflicting = {text for _, text, _ in emotional} & set(neutral)
        for line, text, emotions in emotional:
            if text not in conflicting and _split_of(text) == split:
                labels = {"ekman7": _map_emotions(emotions), "plutchik8": dict.fromkeys(emotions, 1.0)}
                yield Sample(id=f"{split}:emotion:{line}", text=text, labels=labels)
        for text, line in neutral.items():
            if text not in conflicting and _split_of(text) == split:
                yield Sample(id=f"{split}:neutral:{line}", text=text, labels={"ekman7": {"neutral": 1.0}})


def _read_emotional(path: Path) -> Iterator[tuple[int, str, list[str]]]:
    by_id = {str(number): label for number, label in enumerate(load_taxonomy("plutchik8").labels, 1)}
    for number, line in read_lines(path):
        text, _, ids = line.rpartition("\t")
        emotions = [by_id.get(part.strip(), "") for part in ids.split(",")]
        if not text.strip() or not all(emotions):
            raise malformed(path, number, "expected text, a tab, and emotion ids of 1 to 8 between commas.")
        yield number, text.strip(), emotions


def _read_neutral(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in read_lines(path):
        label, _, text = line.rstrip().partition("\t")
        if label not in _NEUTRAL_IDS or not text.strip():
            raise malformed(path, number, "expected 0 or 9, a tab, and text.")
        yield number, text.strip()


def _map_emotions(emotions: Sequence[str]) -> dict[str, float]:
    shared = set(load_taxonomy("ekman7").labels)
    if whole := [emotion for emotion in emotions if emotion in shared]:
        return dict.fromkeys(whole, 1.0)
    share = 1 / len(emotions)
    return load_mapping("plutchik8", "ekman7").map_labels(dict.fromkeys(emotions, share))


def _split_of(text: str) -> str:
    words = _FILLER.sub(" ", text.lower()).strip()
    share = hash_share(words)
    if share < 0.10:
        return "test"
    return "validation" if share < 0.20 else "train"
