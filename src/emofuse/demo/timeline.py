"""The lines of a timeline: where each point and mark of the chart lies."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from emofuse.demo.record import Entry, Record
from emofuse.taxonomy import load_taxonomy
from emofuse.tracking import Mood

__all__ = ["Lane", "Mark", "Segment", "Timeline", "draw_timeline"]

WIDTH, HEIGHT = 1000, 100  # of the drawing in a lane, which is then stretched
MOST_POINTS = 300  # of a line; a screen shows no more
MOST_ROWS = 200  # of the table beside the chart; all are in the CSV file
MOST_TICKS = 6
STEPS = {"turns": (1, 2, 5, 10, 20, 50, 100, 200, 500), "seconds": (1, 2, 5, 10, 20, 30, 60, 120)}
STEADY = 0.1  # slope of the valence below which a mood grows neither brighter nor darker


@dataclass(frozen=True)
class Lane:
    """One line.

    Attributes:
        name: Emotion or "trend".
        line: Points of a polyline, in a drawing of 1000 x 100 whose y points down.
        now: The last value.
        most: The largest value.
    """

    name: str
    line: str
    now: float
    most: float


@dataclass(frozen=True)
class Segment:
    """A stretch of one stable label; start and length as parts of the chart, 0-1."""

    label: str
    start: float
    length: float


@dataclass(frozen=True)
class Mark:
    """An event.

    Attributes:
        number: From 1, in the chart and in the list beside it.
        event: As `Mood.events` has it.
        at: Part of the chart, 0-1.
        entry: With which it began.
        label: Stable emotion from there on.
    """

    number: int
    event: str
    at: float
    entry: Entry
    label: str


@dataclass(frozen=True)
class Timeline:
    """Everything that the chart shows.

    Attributes:
        unit: "turns" or "seconds".
        speaker: Whose; None for everybody.
        mood: As it stands at the end.
        lanes: The seven emotions, then the trend, which is missing as long as there is none.
        segments: Stretches of the stable label.
        marks: Events.
        ticks: Turn or second -> part of the chart, 0-1.
        rows: The last entries with the moods after them.
        count: Of all entries.
    """

    unit: str
    speaker: str | None
    mood: Mood
    lanes: tuple[Lane, ...]
    segments: tuple[Segment, ...]
    marks: tuple[Mark, ...]
    ticks: tuple[tuple[int, float], ...]
    rows: tuple[tuple[Entry, Mood], ...]
    count: int

    @property
    def direction(self) -> str:
        """What the trend means in words."""
        trend = self.mood.trend
        if trend is None:
            return "no trend yet"
        if abs(trend) < STEADY:
            return "steady"
        return "brightening" if trend > 0 else "darkening"


def draw_timeline(
    record: Record, speaker: str | None = None, *, last_s: float | None = None
) -> Timeline | None:
    """Lay out the chart of a record.

    Args:
        record: What was tracked.
        speaker: Whose own turns; None for the whole conversation.
        last_s: Only this much of its end, in seconds; None shows all.

    Returns:
        The chart; None as long as nothing was read.
    """
    entries = list(record.entries)
    if last_s is not None and entries:
        newest = _time(entries[-1])
        entries = [entry for entry in entries if _time(entry) >= newest - last_s]
    edges = _edges(entries, record.unit)
    slots = [
        _Slot(entry, entry.state.conversation if speaker is None else entry.state, *ends)
        for entry, ends in zip(entries, pairwise(edges), strict=True)
        if speaker is None or entry.state.speaker == speaker
    ]
    read = [slot for slot in slots if slot.mood.emotion is not None]
    if not read:
        return None
    return Timeline(
        unit=record.unit,
        speaker=speaker,
        mood=read[-1].mood,
        lanes=tuple(_lanes(read)),
        segments=tuple(_segments(read)),
        marks=tuple(_marks(slots)),
        ticks=tuple(_ticks(entries, edges, record.unit)),
        rows=tuple((slot.entry, slot.mood) for slot in slots[-MOST_ROWS:]),
        count=len(slots),
    )


@dataclass(frozen=True)
class _Slot:
    entry: Entry
    mood: Mood
    start: float
    end: float

    @property
    def middle(self) -> float:
        return (self.start + self.end) / 2


def _time(entry: Entry) -> float:
    return entry.state.time or 0.0


def _edges(entries: Sequence[Entry], unit: str) -> list[float]:
    # One more than entries, 0-1: each turn has the same width, a frame lasts until the next.
    count = len(entries)
    if unit == "turns" or count < 2 or _time(entries[0]) == _time(entries[-1]):
        return [i / max(1, count) for i in range(count + 1)]
    first, last = _time(entries[0]), _time(entries[-1])
    whole = (last - first) * count / (count - 1)
    return [*((_time(entry) - first) / whole for entry in entries), 1.0]


def _lanes(read: Sequence[_Slot]) -> Iterator[Lane]:
    for label in load_taxonomy("ekman7").labels:
        values = [slot.mood.emotion[label] for slot in read if slot.mood.emotion is not None]
        yield Lane(label, _line(read, values, lambda share: 1 - share), values[-1], max(values))
    moving = [slot for slot in read if slot.mood.trend is not None]
    trends = [slot.mood.trend or 0.0 for slot in moving]
    if trends:
        steepest = max(STEADY, *map(abs, trends))
        line = _line(moving, trends, lambda trend: 0.5 - trend / steepest / 2)
        yield Lane("trend", line, trends[-1], steepest)


def _line(slots: Sequence[_Slot], values: Sequence[float], down: Callable[[float], float]) -> str:
    # The ends are drawn out to the edges of their slots, so that a single value is a line too.
    points = [(slot.middle, value) for slot, value in zip(slots, values, strict=True)]
    step = -(-len(points) // MOST_POINTS)
    kept = [(slots[0].start, values[0]), *points[::step], (slots[-1].end, values[-1])]
    return " ".join(f"{WIDTH * x:.0f},{HEIGHT * down(value):.1f}" for x, value in kept)


def _segments(read: Sequence[_Slot]) -> Iterator[Segment]:
    ends = [*(slot.start for slot in read[1:]), 1.0]
    for label, run in groupby(zip(read, ends, strict=True), lambda pair: pair[0].mood.label):
        own = list(run)
        start = own[0][0].start
        yield Segment(label or "", start, own[-1][1] - start)


def _marks(slots: Sequence[_Slot]) -> Iterator[Mark]:
    found = ((slot, event) for slot in slots for event in slot.mood.events)
    for number, (slot, event) in enumerate(found, 1):
        yield Mark(number, event, slot.middle, slot.entry, slot.mood.label or "")


def _ticks(entries: Sequence[Entry], edges: Sequence[float], unit: str) -> Iterator[tuple[int, float]]:
    if unit == "turns":
        turns = [entry.state.turn for entry in entries]
        step = _step(turns[-1] - turns[0], unit)
        middles = ((start + end) / 2 for start, end in pairwise(edges))
        yield from ((turn, at) for turn, at in zip(turns, middles, strict=True) if turn % step == 0)
        return
    first, last = _time(entries[0]), _time(entries[-1])
    step = _step(last - first, unit)
    whole = (last - first) / edges[-2] if last > first else 1.0
    for value in range(math.ceil(first / step) * step, math.floor(last) + 1, step):
        yield value, (value - first) / whole


def _step(span: float, unit: str) -> int:
    return next((step for step in STEPS[unit] if span / step < MOST_TICKS), STEPS[unit][-1])
