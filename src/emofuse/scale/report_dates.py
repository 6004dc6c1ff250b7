"""What stands in a column of dates, counted per day, and put into bins that a plot can show."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from dateutil.parser import parse

__all__ = ["ENTRIES", "Timeline", "read_days"]

ENTRIES = 100_000  # counts kept apart; beyond, days become months and months become years
LENGTH = 64  # of a cell that is looked at as a date, in characters
DAYS, WEEKS, MONTHS = 62, 420, 3660  # longest spans, in days, shown by the day, the week, the month
CENTRAL = 0.01  # share of the rows at either end that may be far away without stretching the plot

_NUMBERS = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
_SECONDS = re.compile(r"\d{10}(\.\d*)?")
_MILLISECONDS = re.compile(r"\d{13}(\.0*)?")
_TIME = re.compile(
    r"[T\s]*\b\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?(\s*[ap]\.?m\b\.?)?"
    r"(\s*(?-i:(?!OCT|SEPT)[A-Z]{2,3}T|UTC|Z)\b)?(\s*[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
_SOME_YEARS = (datetime(2000, 1, 1), datetime(2004, 1, 1))

_FLOOR: dict[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(day.weekday()),
    "month": lambda day: day.replace(day=1),
    "year": lambda day: day.replace(month=1, day=1),
}
_WIDTHS = tuple(_FLOOR)
_COARSER = {"day": "month", "month": "year"}


def read_days(cell: Any) -> tuple[date | None, date | None]:
    """Read the day that a cell names, as written: time zones are not converted.

    Args:
        cell: A date, a text (ISO 8601, or what dateutil reads if it names a year), or seconds or milliseconds
            since 1970 in 10 or 13 digits.

    Returns:
        The day where the month comes first in dates such as 3/4/2024, and where the day does; None where the
        cell is no date in that reading. For all other dates both are the same.
    """
    if isinstance(cell, date):
        day = cell.date() if isinstance(cell, datetime) else cell
        return day, day
    text = str(cell).strip()
    if not 4 <= len(text) <= LENGTH:
        return None, None
    try:
        if _SECONDS.fullmatch(text) or _MILLISECONDS.fullmatch(text):
            seconds = float(text) / (1000 if _MILLISECONDS.fullmatch(text) else 1)
            day = datetime.fromtimestamp(seconds, UTC).date()
        else:
            day = datetime.fromisoformat(text).date()
    except ValueError:
        # Without its time the same day is read once.
        return _read_other(_TIME.sub(" ", text, count=1).strip())
    return day, day


@lru_cache(maxsize=65_536)
def _read_other(text: str) -> tuple[date | None, date | None]:
    numbers = _NUMBERS.match(text)
    if numbers is None:
        day = _parse(text)
        return day, day
    first, second = int(numbers[1]), int(numbers[3])
    return (
        _parse(text) if first <= 12 else None,
        _parse(text, day_first=True) if second <= 12 else None,
    )


def _parse(text: str, *, day_first: bool = False) -> date | None:
    if not any(letter.isdigit() for letter in text):
        return None
    try:
        # What the text leaves open is taken from the default: without a year it is no date.
        one, other = (
            parse(text, dayfirst=day_first, ignoretz=True, default=default).date() for default in _SOME_YEARS
        )
    except (ValueError, OverflowError):
        return None
    return one if one == other else None


@dataclass
class _Bins:
    width: str = "day"
    counts: Counter[tuple[date, str | None, str | None]] = field(default_factory=Counter)

    def add(self, day: date, emotion: str | None, sentiment: str | None) -> None:
        self.counts[_FLOOR[self.width](day), emotion, sentiment] += 1
        if len(self.counts) > ENTRIES and self.width in _COARSER:
            self.widen(_COARSER[self.width])

    def widen(self, width: str) -> None:
        counts: Counter[tuple[date, str | None, str | None]] = Counter()
        for (day, emotion, sentiment), n in self.counts.items():
            counts[_FLOOR[width](day), emotion, sentiment] += n
        self.width, self.counts = width, counts


@dataclass
class Timeline:
    """Labels by day, in bounded memory: beyond `ENTRIES` counts, days become months, and months years.

    Whether 3/4/2024 is in March or in April is decided at the end, by the dates that can be read in one way
    alone.

    Attributes:
        unreadable: Rows whose cell is no date in either reading.
        first_unreadable: The first such cell, clipped.
        empty: Rows without a date.
    """

    unreadable: int = 0
    first_unreadable: str | None = None
    empty: int = 0
    _sure: _Bins = field(default_factory=_Bins)
    _month_first: _Bins = field(default_factory=_Bins)
    _day_first: _Bins = field(default_factory=_Bins)
    _ambiguous: int = 0
    _votes: Counter[str] = field(default_factory=Counter)

    def add(self, cell: Any, emotion: str | None, sentiment: str | None) -> None:
        """Count a row.

        Args:
            cell: Its date as it stands in the table, or None.
            emotion: Its label, or None.
            sentiment: Its label, or None.
        """
        if cell is None:
            self.empty += 1
            return
        month_first, day_first = read_days(cell)
        if month_first is None and day_first is None:
            self.unreadable += 1
            if self.first_unreadable is None:
                self.first_unreadable = str(cell)[:LENGTH]
        elif month_first is not None and month_first == day_first:
            self._sure.add(month_first, emotion, sentiment)
        else:
            if month_first is not None:
                self._month_first.add(month_first, emotion, sentiment)
            if day_first is not None:
                self._day_first.add(day_first, emotion, sentiment)
            self._ambiguous += month_first is not None and day_first is not None
            self._votes["month"] += day_first is None
            self._votes["day"] += month_first is None

    def to_dict(self) -> dict[str, Any]:
        """The JSON form.

        Returns:
            `width` of a bin (day, week, month or year, by the span; None without any date), `bins` in order
            with `start` (ISO date), `n`, `emotion` and `sentiment` (label -> rows); `dated`, `empty` and
            `unreadable` rows; `outside`, the rows so far from the others that no bin is made for them; and
            for dates such as 3/4/2024 the `order` in which they were read and the number `ambiguous`.
        """
        day_first = self._votes["day"] > self._votes["month"]
        chosen = self._day_first if day_first else self._month_first
        wrong = self._votes["month" if day_first else "day"]
        width = max(self._sure.width, chosen.width, key=_WIDTHS.index)
        merged = _Bins(width)
        for own in (self._sure, chosen):
            own.widen(width)
            merged.counts.update(own.counts)
        figures: dict[str, Any] = {
            "dated": merged.counts.total(),
            "empty": self.empty,
            "unreadable": self.unreadable + wrong,
            "first_unreadable": self.first_unreadable,
            "ambiguous": self._ambiguous,
            "order": ("day first" if day_first else "month first") if self._ambiguous else None,
        }
        return figures | _bin(merged)


def _bin(found: _Bins) -> dict[str, Any]:
    if not found.counts:
        return {"width": None, "outside": 0, "bins": []}
    first, last = _find_range(found)
    inside = Counter({key: n for key, n in found.counts.items() if first <= key[0] <= last})
    days = {key[0] for key in inside}
    span = (max(days) - min(days)).days
    fitting = "day" if span <= DAYS else "week" if span <= WEEKS else "month" if span <= MONTHS else "year"
    kept = _Bins(found.width, inside)
    kept.widen(max(fitting, found.width, key=_WIDTHS.index))
    bins: dict[date, dict[str, Any]] = {}
    for (day, emotion, sentiment), n in sorted(kept.counts.items(), key=str):
        own = bins.setdefault(day, {"start": day.isoformat(), "n": 0, "emotion": {}, "sentiment": {}})
        own["n"] += n
        for name, label in (("emotion", emotion), ("sentiment", sentiment)):
            if label is not None:
                own[name][label] = own[name].get(label, 0) + n
    return {
        "width": kept.width,
        "outside": found.counts.total() - inside.total(),
        "bins": [bins[day] for day in sorted(bins)],
    }


def _find_range(found: _Bins) -> tuple[date, date]:
    """Where all rows lie but a few far away, such as those dated 1 January 1970 for want of a date."""
    per_day: Counter[date] = Counter()
    for (day, _, _), n in found.counts.items():
        per_day[day] += n
    days, total, passed = sorted(per_day), per_day.total(), 0
    low = high = days[0]
    for day in days:
        if passed <= total * CENTRAL:
            low = day
        if passed < total * (1 - CENTRAL):
            high = day
        passed += per_day[day]
    reach = max((high - low).days, 7)
    kept = [day for day in days if low.toordinal() - reach <= day.toordinal() <= high.toordinal() + reach]
    return kept[0], kept[-1]
