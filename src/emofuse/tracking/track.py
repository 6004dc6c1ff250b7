"""One stream: a speaker, or a whole conversation."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from emofuse.taxonomy import load_taxonomy
from emofuse.tracking.observation import EMOTIONS, SENTIMENTS, Observation, Vector
from emofuse.tracking.state import Mood

__all__ = ["Alarms", "Hysteresis", "Settings", "Track"]

LABELS = load_taxonomy(EMOTIONS).labels
ANGER, SADNESS = LABELS.index("anger"), LABELS.index("sadness")


@dataclass(frozen=True)
class Hysteresis:
    """When another emotion becomes the stable one. The defaults are those of benchmarks/tracking.json.

    Attributes:
        margin: By how much its smoothed probability must exceed that of the stable one, 0-1.
        updates: After how many readings in a row with that lead, at least 1.
    """

    margin: float = 0.35
    updates: int = 2


@dataclass(frozen=True)
class Alarms:
    """What sets off an alarm. The defaults are those of benchmarks/tracking.json.

    An alarm sounds once, and again only after the smoothed probability has been below half of its level.

    Attributes:
        anger_level: Smoothed probability that anger must reach, 0-1.
        anger_rise: By how much that must be more than its lowest value within the window, 0-1.
        sadness_level: Smoothed probability that sadness must have had for a whole window, 0-1.
    """

    anger_level: float = 0.6
    anger_rise: float = 0.2
    sadness_level: float = 0.1


@dataclass(frozen=True)
class Settings:
    """What every track of a tracker goes by; see `Tracker`."""

    half_life: float
    window: int
    hysteresis: Hysteresis
    alarms: Alarms


@dataclass(frozen=True, eq=False)
class Smoothed:
    """Weighted means at a point of time: emotion (7,), sentiment (3,) float64, clock in turns or seconds."""

    emotion: Vector
    sentiment: Vector
    clock: float


class Track:
    """Smoothed distributions of one stream, and what is needed to tell that it changed.

    Args:
        settings: Shared by the tracks of a tracker.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.turns = 0
        self._smoothed: Smoothed | None = None
        self._label: int | None = None
        self._leader: int | None = None
        self._led = 0
        self._sounding: set[str] = set()
        self._valences: deque[tuple[float, float]] = deque(maxlen=settings.window)
        self._levels: deque[tuple[float, float]] = deque(maxlen=settings.window)

    def update(self, reading: Observation, clock: float, reliability: float) -> Mood:
        """Take in a reading.

        Args:
            reading: What was observed.
            clock: When, in turns or seconds; never before the last one.
            reliability: Share of its weight that the reading keeps, 0-1.

        Returns:
            The state after it.
        """
        smoothed = self._smooth(reading, clock, reliability)
        self._smoothed = smoothed
        self._valences.append((clock, reading.valence))
        self._levels.append((float(smoothed.emotion[ANGER]), float(smoothed.emotion[SADNESS])))
        return self.mood((*self._shift(smoothed.emotion), *self._alarm()))

    def mood(self, events: tuple[str, ...] = ()) -> Mood:
        """The state as it stands.

        Args:
            events: What began with the turn.

        Returns:
            All None before the first reading.
        """
        own = self._smoothed
        return Mood(
            label=None if self._label is None else LABELS[self._label],
            emotion=None if own is None else _name(own.emotion, EMOTIONS),
            sentiment=None if own is None else _name(own.sentiment, SENTIMENTS),
            trend=_slope(self._valences),
            events=events,
        )

    def _smooth(self, reading: Observation, clock: float, reliability: float) -> Smoothed:
        last = self._smoothed
        if last is None:
            return Smoothed(reading.emotion, reading.sentiment, clock)
        weight = reliability * (1 - 2 ** ((last.clock - clock) / self._settings.half_life))
        return Smoothed(
            (1 - weight) * last.emotion + weight * reading.emotion,
            (1 - weight) * last.sentiment + weight * reading.sentiment,
            clock,
        )

    def _shift(self, emotion: Vector) -> tuple[str, ...]:
        best = int(emotion.argmax())
        if self._label is None:
            self._label = best
        ahead = emotion[best] - emotion[self._label] >= self._settings.hysteresis.margin
        if best == self._label or not ahead:
            self._leader, self._led = None, 0
            return ()
        self._led = self._led + 1 if best == self._leader else 1
        self._leader = best
        if self._led < self._settings.hysteresis.updates:
            return ()
        self._label, self._leader, self._led = best, None, 0
        return ("shift",)

    def _alarm(self) -> Iterator[str]:
        limits = self._settings.alarms
        angers, sadnesses = zip(*self._levels, strict=True)
        rising = angers[-1] >= limits.anger_level and angers[-1] - min(angers) >= limits.anger_rise
        lasting = len(sadnesses) == self._settings.window and min(sadnesses) >= limits.sadness_level
        for name, on, over in (
            ("escalating_anger", rising, angers[-1] < limits.anger_level / 2),
            ("sustained_sadness", lasting, sadnesses[-1] < limits.sadness_level / 2),
        ):
            if over:
                self._sounding.discard(name)
            if on and name not in self._sounding:
                self._sounding.add(name)
                yield name

    def save(self) -> dict[str, Any]:
        """Everything as plain JSON."""
        own = self._smoothed
        return {
            "turns": self.turns,
            "emotion": None if own is None else own.emotion.tolist(),
            "sentiment": None if own is None else own.sentiment.tolist(),
            "clock": None if own is None else own.clock,
            "label": None if self._label is None else LABELS[self._label],
            "leader": None if self._leader is None else LABELS[self._leader],
            "led": self._led,
            "sounding": sorted(self._sounding),
            "valences": [list(pair) for pair in self._valences],
            "levels": [list(pair) for pair in self._levels],
        }

    @classmethod
    def restore(cls, settings: Settings, data: dict[str, Any]) -> Track:
        """The track that was saved.

        Args:
            settings: Those that it was saved with.
            data: What `save` gave.

        Returns:
            A track that goes on as the saved one would.
        """
        track = cls(settings)
        if data["emotion"] is not None:
            emotion = np.array(data["emotion"], dtype=np.float64).reshape(len(LABELS))
            sentiment = np.array(data["sentiment"], dtype=np.float64).reshape(3)
            track._smoothed = Smoothed(emotion, sentiment, float(data["clock"]))
            track._label = LABELS.index(data["label"])
        track.turns, track._led = int(data["turns"]), int(data["led"])
        track._leader = None if data["leader"] is None else LABELS.index(data["leader"])
        track._sounding = set(data["sounding"])
        track._valences.extend((float(clock), float(valence)) for clock, valence in data["valences"])
        track._levels.extend((float(anger), float(sadness)) for anger, sadness in data["levels"])
        return track


def _name(values: Vector, taxonomy: str) -> dict[str, float]:
    return dict(zip(load_taxonomy(taxonomy).labels, values.tolist(), strict=True))


def _slope(points: Iterable[tuple[float, float]]) -> float | None:
    # Least squares; from the mean, since seconds may count from 1970.
    values = np.array(list(points), dtype=np.float64).reshape(-1, 2)
    if len(values) < 2:
        return None
    times, valences = (values - values.mean(axis=0)).T
    spread = float(times @ times)
    return float(times @ valences) / spread if spread > 0 else None
