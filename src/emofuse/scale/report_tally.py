"""The figures of a scored table, counted row by row in bounded memory."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from emofuse.errors import CorpusFormatError
from emofuse.scale.fields import PREFIX
from emofuse.scale.report_dates import Timeline

__all__ = ["BINS", "GROUPS", "LABELS", "LISTED", "OTHER", "OUTPUTS", "TEXT_LENGTH", "Columns", "Tally"]

GROUPS = 1000  # different values of a group column that are counted one by one
GROUP_LENGTH = 200  # of a value's name, in characters
LISTED = 20  # rows of each list
TEXT_LENGTH = 300  # of a cell that is shown, in characters
BINS = 20  # of confidence
LABELS = 100  # different labels of an answer, or error codes, that are counted one by one
OTHER = "(other)"

_ANSWERS = ("emotion", "sentiment")
OUTPUTS = tuple(
    PREFIX + name
    for name in (
        "emotion",
        "emotion_confidence",
        "sentiment",
        "sentiment_confidence",
        "mixed",
        "conflict",
        "abstained",
        "error",
    )
)
_SHARES = frozenset(name for name in OUTPUTS if name.endswith(("confidence", "conflict")))
_FLAGS = frozenset(name for name in OUTPUTS if name.endswith(("mixed", "abstained")))


@dataclass(frozen=True)
class Columns:
    """What a report looks at.

    Attributes:
        date: Column of the dates, or None.
        groups: Columns whose values are compared.
        shown: Columns that show what was scored.
    """

    date: str | None = None
    groups: Sequence[str] = ()
    shown: Sequence[str] = ()

    @property
    def own(self) -> list[str]:
        """All columns of the user's own that are looked at, each once."""
        return list(dict.fromkeys([*self.needed, *self.shown]))

    @property
    def needed(self) -> list[str]:
        """Those of them without which there is no report."""
        return [*([self.date] if self.date is not None else []), *self.groups]


@dataclass
class _Mean:
    total: float = 0.0
    n: int = 0

    def add(self, value: float) -> None:
        self.total += value
        self.n += 1

    @property
    def value(self) -> float | None:
        return self.total / self.n if self.n else None


@dataclass
class _Group:
    """Rows that belong together: all of them, or those with one value of a column."""

    rows: int = 0
    errors: int = 0
    abstained: int = 0
    mixed: int = 0
    labels: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in _ANSWERS})
    confidence: dict[str, _Mean] = field(default_factory=lambda: {name: _Mean() for name in _ANSWERS})

    def add(self, row: Mapping[str, Any]) -> None:
        self.rows += 1
        if row.get("emofuse_error") is not None:
            self.errors += 1
            return
        self.abstained += row.get("emofuse_abstained") is True
        self.mixed += row.get("emofuse_mixed") is True
        for name in _ANSWERS:
            if (label := row.get(PREFIX + name)) is not None:
                self.labels[name][label] += 1
            if (confidence := row.get(f"{PREFIX}{name}_confidence")) is not None:
                self.confidence[name].add(confidence)

    def to_dict(self) -> dict[str, Any]:
        answers = {
            name: {
                "n": self.labels[name].total(),
                "labels": dict(sorted(self.labels[name].items(), key=_largest_first)),
                "mean_confidence": self.confidence[name].value,
            }
            for name in _ANSWERS
        }
        own = {"rows": self.rows, "errors": self.errors, "abstained": self.abstained, "mixed": self.mixed}
        return own | answers


class _Best:
    """The rows that score highest, each content once: a text that stands there a thousand times is one."""

    def __init__(self, shown: Sequence[str]) -> None:
        self._shown = shown
        self._heap: list[tuple[tuple[float, ...], int, Any]] = []
        self._entries: dict[Any, dict[str, Any]] = {}

    def add(
        self, score: tuple[float, ...], number: int, row: Mapping[str, Any], answer: Mapping[str, Any]
    ) -> None:
        if len(self._heap) == LISTED and score <= self._heap[0][0]:
            return
        cells = {column: _clip(_clean(row.get(column)), TEXT_LENGTH) for column in self._shown}
        content = tuple(cells.values()) if any(cells.values()) else number
        if content in self._entries:
            return
        figures = {name.removeprefix(PREFIX): value for name, value in answer.items()}
        self._entries[content] = {"row": number, "shown": cells, **figures}
        entry = (score, -number, content)
        if len(self._heap) < LISTED:
            heapq.heappush(self._heap, entry)
        else:
            _, _, dropped = heapq.heappushpop(self._heap, entry)
            del self._entries[dropped]

    def to_list(self) -> list[dict[str, Any]]:
        ordered = sorted(self._heap, key=lambda entry: entry[:2], reverse=True)
        return [self._entries[content] for _, _, content in ordered]


class Tally:
    """Counts a scored table.

    A column has at most `GROUPS` groups, those seen first; rows of later values are pooled. Names longer than
    `GROUP_LENGTH` are cut. Labels and error codes are pooled beyond `LABELS`.

    Args:
        columns: What to look at.
    """

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self._total = _Group()
        self._errors: dict[str, dict[str, int]] = {}
        self._groups: dict[str, dict[str | None, _Group]] = {column: {} for column in columns.groups}
        self._pooled = {column: _Group() for column in columns.groups}
        self._timeline = Timeline()
        self._histogram = {name: [0] * BINS for name in _ANSWERS}
        self._sure: dict[str, _Best] = {}
        self._conflicting, self._undecided = _Best(columns.shown), _Best(columns.shown)
        self._names: dict[str, set[str]] = {}

    def add(self, number: int, row: Mapping[str, Any]) -> None:
        """Count a row.

        Args:
            number: Of the row, 1-based.
            row: Column -> cell as it stands in the table.

        Raises:
            CorpusFormatError: An output column holds what emofuse does not write.
        """
        own = self._read(number, row)
        self._total.add(own)
        for column, groups in self._groups.items():
            value = _clean(row.get(column))
            name = None if value is None else _clip(value, GROUP_LENGTH)
            group = groups.get(name)
            if group is None:
                group = self._pooled[column]
                if len(groups) < GROUPS:
                    group = groups[name] = _Group()
            group.add(own)
        if (error := own.get("emofuse_error")) is not None:
            entry = self._errors.setdefault(error, {"rows": 0, "first_row": number})
            entry["rows"] += 1
            return
        if self.columns.date is not None:
            self._timeline.add(
                _clean(row.get(self.columns.date)), own.get("emofuse_emotion"), own.get("emofuse_sentiment")
            )
        self._add_confidence(number, own, row)

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON: counts, shares (0-1) and lists of rows, which `docs/score.md` describes."""
        groups = [
            {
                "column": column,
                "groups": [
                    {"name": name, **group.to_dict()}
                    for name, group in sorted(found.items(), key=lambda item: (-item[1].rows, str(item[0])))
                ],
                "pooled": self._pooled[column].to_dict() if self._pooled[column].rows else None,
            }
            for column, found in self._groups.items()
        ]
        conflicting = self._conflicting.to_list()
        return {
            "total": self._total.to_dict(),
            "errors": dict(sorted(self._errors.items(), key=lambda item: (-item[1]["rows"], item[0]))),
            "confidence": {name: bins for name, bins in self._histogram.items() if any(bins)},
            "timeline": self._timeline.to_dict() if self.columns.date is not None else None,
            "groups": groups,
            "most_confident": {label: best.to_list() for label, best in sorted(self._sure.items())},
            "most_conflicted": {
                "by": "conflict" if conflicting else "mixed",
                "rows": conflicting or self._undecided.to_list(),
            },
        }

    def _add_confidence(self, number: int, answer: Mapping[str, Any], row: Mapping[str, Any]) -> None:
        for name in _ANSWERS:
            if (share := answer.get(f"{PREFIX}{name}_confidence")) is not None:
                self._histogram[name][min(int(share * BINS), BINS - 1)] += 1
        name = "sentiment" if "emofuse_sentiment" in answer else "emotion"
        label, share = answer.get(PREFIX + name), answer.get(f"{PREFIX}{name}_confidence")
        if label is not None and share is not None:
            if label not in self._sure:
                self._sure[label] = _Best(self.columns.shown)
            self._sure[label].add((share,), number, row, answer)
            mixed = answer.get("emofuse_mixed") is True
            self._undecided.add((float(mixed), -share), number, row, answer)
        if (conflict := answer.get("emofuse_conflict", 0.0)) > 0:
            self._conflicting.add((conflict,), number, row, answer)

    def _read(self, number: int, row: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        for name in OUTPUTS:
            value = _clean(row.get(name))
            if value is None:
                continue
            if name in _SHARES:
                answer[name] = _read_share(number, name, value)
            elif name in _FLAGS:
                answer[name] = _read_flag(number, name, value)
            else:
                answer[name] = self._name(name, _clip(value, GROUP_LENGTH))
        return answer

    def _name(self, column: str, label: str) -> str:
        known = self._names.setdefault(column, set())
        if label not in known and len(known) >= LABELS:
            return OTHER
        known.add(label)
        return label


def _clean(value: Any) -> Any:
    """A cell, or None where it is empty: missing, null, an empty text or NaN."""
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    return value


def _clip(value: Any, length: int) -> str:
    text = "" if value is None else str(value)
    text = text if len(text) <= length else text[: length - 1] + "…"
    # JSON may hold half of a surrogate pair, which no font has.
    return text if text.isascii() else text.encode("utf-8", errors="replace").decode()


def _read_share(number: int, name: str, value: Any) -> float:
    try:
        share = float(value)
    except (TypeError, ValueError):
        share = math.nan
    if not 0 <= share <= 1:
        raise CorpusFormatError(
            f"Row {number}: {name} must be a number from 0 to 1, not {str(value)[:40]!r}.",
            item=str(number),
        )
    return share


def _read_flag(number: int, name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value not in ("true", "false"):
        raise CorpusFormatError(
            f"Row {number}: {name} must be true or false, not {str(value)[:40]!r}.",
            item=str(number),
        )
    return bool(value == "true")


def _largest_first(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]
