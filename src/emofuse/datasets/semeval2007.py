"""SemEval-2007 Task 14, Affective Text: news headlines with six emotions and a valence, as scores."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from emofuse.datasets.adapter import VALENCE, check_split, find_file, malformed, read_lines
from emofuse.types import Sample

__all__ = ["SemEval2007Adapter"]

EMOTIONS = ("anger", "disgust", "fear", "joy", "sadness", "surprise")
PRESENT = 50
ABSENT = 20
_HEADLINE = re.compile(r'\s*<instance id="(\w+)">(.*\S.*)</instance>\s*')
_FRAME = re.compile(r"\s*(?:<\?xml.*\?>|</?corpus\b[^>]*>)\s*")


class SemEval2007Adapter:
    """`AffectiveText.{trial,test}/affectivetext_{trial,test}` with `.xml`, `.emotions.gold`, `.valence.gold`.

    `train` are the 250 headlines of the trial, `test` the 1,000 of the task; 250 are too few to set a
    validation split apart.

    - `ekman7`: the strongest emotion where it scores at least 50, which is where the task's own
      coarse-grained scores begin to count an emotion as present. Neutral where all six score below 20, a
      stricter cut than the task's 50, so that a faint emotion is not called neutral. Headlines in between,
      and those whose strongest emotion is a tie, have no label in this set.
    - `sentiment3`: the task's coarse-grained valence: 50 or more is positive, -50 or less negative, else
      neutral.

    Source: Strapparava and Mihalcea 2007, "SemEval-2007 Task 14: Affective Text".
    """

    name = "semeval2007"
    taxonomies = ("ekman7", "sentiment3", VALENCE)
    multi_label = False
    licence = "not stated"
    commercial_use = "unclear"
    splits = ("train", "test")
    _parts: ClassVar = {"train": "trial", "test": "test"}

    def iter_samples(self, root: Path, split: str) -> Iterator[Sample]:
        """Read a split; see `DatasetAdapter.iter_samples`."""
        check_split(self, split)
        part = self._parts[split]
        file = f"affectivetext_{part}"
        path = find_file(root, f"AffectiveText.{part}/{file}.xml", f"{file}.xml", folder="semeval2007")
        emotions = _read_scores(find_file(path.parent, f"{file}.emotions.gold"), len(EMOTIONS), 0)
        valences = _read_scores(find_file(path.parent, f"{file}.valence.gold"), 1, -100)
        for line, name, text in _read_headlines(path):
            if name not in emotions or name not in valences:
                raise malformed(path, line, f"the headline {name} lacks emotion scores or a valence.")
            valence = valences[name][0]
            labels = {"sentiment3": {_sentiment(valence): 1.0}, VALENCE: {VALENCE: valence / 100}}
            if (emotion := _emotion(emotions[name])) is not None:
                labels["ekman7"] = {emotion: 1.0}
            yield Sample(id=f"{split}:{name}", text=text, labels=labels)


def _read_headlines(path: Path) -> Iterator[tuple[int, str, str]]:
    for number, line in read_lines(path):
        if match := _HEADLINE.fullmatch(line):
            yield number, match[1], html.unescape(match[2]).strip()
        elif not _FRAME.fullmatch(line):
            raise malformed(path, number, 'expected `<instance id="...">headline</instance>`.')


def _read_scores(path: Path, count: int, low: int) -> dict[str, list[int]]:
    scores: dict[str, list[int]] = {}
    for number, line in read_lines(path):
        name, *cells = line.split()
        try:
            values = [int(cell) for cell in cells]
        except ValueError:
            values = []
        if len(values) != count or not all(low <= value <= 100 for value in values):
            raise malformed(path, number, f"expected an id and {count} whole scores of {low} to 100.")
        scores[name] = values
    return scores


def _emotion(scores: Sequence[int]) -> str | None:
    top = max(scores)
    if top < ABSENT:
        return "neutral"
    if top < PRESENT or scores.count(top) > 1:
        return None
    return EMOTIONS[scores.index(top)]


def _sentiment(valence: int) -> str:
    if abs(valence) < PRESENT:
        return "neutral"
    return "positive" if valence > 0 else "negative"
