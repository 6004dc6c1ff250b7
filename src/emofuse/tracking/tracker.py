"""Smooths a stream of predictions and says when it changes."""

from __future__ import annotations

import math
import sys
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal

from emofuse.errors import BadTurnError, ConfigError, TrackerStateError
from emofuse.tracking.observation import Observation, observe
from emofuse.tracking.state import Mood, TrackState
from emofuse.tracking.track import Alarms, Hysteresis, Settings, Track
from emofuse.types import Prediction

__all__ = ["Tracker"]

STATE_SCHEMA = "emofuse.tracker/1"
LATEST = sys.float_info.max  # an integer may exceed it
ABSTAINED = 0.5  # share of its weight that a prediction keeps which abstained


class Tracker:
    """Follows the emotions of a conversation, or of the frames of a video.

    Smoothed distributions are exponentially weighted means: after `dt` turns or seconds, a new reading has
    the weight 1 - 2^(-dt / half_life), and half of it if its predictor abstained. The first reading counts
    fully, one at the same second as the last not at all. A prediction that failed is a turn in which time
    passes and nothing is read. Each speaker has a state of their own, beside that of the whole conversation;
    its turns are the speaker's own.

    Memory is bounded: per speaker two distributions and a window, for at most `max_speakers`; whoever has
    been silent longest is forgotten and would come back as new. A tracker belongs to one thread.

    Args:
        half_life: Turns or seconds, > 0, in which the weight of what was read falls to a half.
        unit: What `half_life` and `trend` count: "turns", or "seconds" from the time that each turn then has.
        window: Readings, at least 2, over which the trend and the alarms look.
        hysteresis: When another emotion becomes the stable one.
        max_speakers: Most speakers that are remembered, at least 1.
        alarms: What sets off `escalating_anger` and `sustained_sadness`.

    Raises:
        ConfigError: A value is out of its range.
    """

    def __init__(
        self,
        *,
        half_life: float = 0.5,
        unit: Literal["turns", "seconds"] = "turns",
        window: int = 5,
        hysteresis: Hysteresis | None = None,
        max_speakers: int = 100,
        alarms: Alarms | None = None,
    ) -> None:
        self._settings = Settings(half_life, window, hysteresis or Hysteresis(), alarms or Alarms())
        self._unit, self._max_speakers = unit, max_speakers
        self._check()
        self._time: float | None = None
        self._conversation = Track(self._settings)
        self._speakers: OrderedDict[str, Track] = OrderedDict()

    def update(
        self,
        prediction: Prediction | Mapping[str, Any],
        *,
        time: float | None = None,
        speaker: str | None = None,
    ) -> TrackState:
        """Take in the next turn.

        Args:
            prediction: A `Prediction`, its JSON form, or probabilities; see `observe`.
            time: s since any beginning, never less than that of the turn before; needed where the half-life
                is in seconds.
            speaker: Who spoke; None has no state beside that of the conversation.

        Returns:
            The state after the turn.

        Raises:
            BadTurnError: The turn cannot be read, its time is missing, not finite or before the last, or the
                speaker is no name. The tracker is as it was before.
        """
        reading = observe(prediction)
        self._check_turn(time, speaker)
        if time is not None:
            self._time = float(time)
        conversation = self._advance(self._conversation, reading)
        own = conversation if speaker is None else self._advance(self._track_of(speaker), reading)
        return TrackState(
            **{name: getattr(own, name) for name in own.__dataclass_fields__},
            turn=self._conversation.turns,
            time=None if time is None else float(time),
            speaker=speaker,
            raw=None if reading is None else reading.label,
            conversation=conversation,
        )

    @property
    def speakers(self) -> tuple[str, ...]:
        """Who is remembered, whoever has been silent longest first."""
        return tuple(self._speakers)

    def save(self) -> dict[str, Any]:
        """Settings and state as plain JSON, for `restore`."""
        own = self._settings
        return {
            "schema": STATE_SCHEMA,
            "settings": {
                "half_life": own.half_life,
                "unit": self._unit,
                "window": own.window,
                "hysteresis": asdict(own.hysteresis),
                "max_speakers": self._max_speakers,
                "alarms": asdict(own.alarms),
            },
            "time": self._time,
            "conversation": self._conversation.save(),
            "speakers": [[name, track.save()] for name, track in self._speakers.items()],
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any]) -> Tracker:
        """A tracker that goes on where another was saved.

        Args:
            data: What `save` gave.

        Returns:
            A tracker whose further answers are those that the saved one would give.

        Raises:
            TrackerStateError: It is no such thing, or of a newer emofuse.
        """
        if not isinstance(data, Mapping) or data.get("schema") != STATE_SCHEMA:
            raise TrackerStateError(f"This is no saved tracker of the form {STATE_SCHEMA}. Start anew.")
        try:
            given = dict(data["settings"])
            given |= {"hysteresis": Hysteresis(**given["hysteresis"]), "alarms": Alarms(**given["alarms"])}
            tracker = cls(**given)
            tracker._time = None if data["time"] is None else float(data["time"])
            tracker._conversation = Track.restore(tracker._settings, data["conversation"])
            for name, saved in data["speakers"]:
                tracker._speakers[name] = Track.restore(tracker._settings, saved)
        except (ConfigError, LookupError, TypeError, ValueError) as error:
            raise TrackerStateError(f"The saved tracker is damaged ({error}). Start anew.") from error
        return tracker

    def _advance(self, track: Track, reading: Observation | None) -> Mood:
        track.turns += 1
        if reading is None:
            return track.mood()
        clock = float(track.turns) if self._time is None or self._unit == "turns" else self._time
        return track.update(reading, clock, ABSTAINED if reading.abstained else 1.0)

    def _track_of(self, speaker: str) -> Track:
        track = self._speakers.pop(speaker, None) or Track(self._settings)
        self._speakers[speaker] = track
        if len(self._speakers) > self._max_speakers:
            self._speakers.popitem(last=False)
        return track

    def _check(self) -> None:
        settings, margin = self._settings, self._settings.hysteresis.margin
        alarms = settings.alarms
        shares = (margin, alarms.anger_level, alarms.anger_rise, alarms.sadness_level)
        for name, value, ok, valid in (
            ("half_life", settings.half_life, 0 < settings.half_life < math.inf, "a number > 0"),
            ("unit", self._unit, self._unit in {"turns", "seconds"}, "turns or seconds"),
            ("window", settings.window, settings.window >= 2, "at least 2"),
            ("max_speakers", self._max_speakers, self._max_speakers >= 1, "at least 1"),
            (
                "hysteresis.updates",
                settings.hysteresis.updates,
                settings.hysteresis.updates >= 1,
                "at least 1",
            ),
            ("hysteresis and alarms", shares, all(0 <= share <= 1 for share in shares), "between 0 and 1"),
        ):
            if not ok:
                raise ConfigError(f"{name} must be {valid}, not {value}.", item=name)

    def _check_turn(self, time: float | None, speaker: str | None) -> None:
        if speaker is not None and (not isinstance(speaker, str) or not speaker):
            raise BadTurnError(f"A speaker is a name, not {speaker!r}.", item=repr(speaker))
        if time is None:
            if self._unit == "seconds":
                raise BadTurnError(
                    "A half-life in seconds needs the time of each turn. Give it.", item="time"
                )
            return
        if isinstance(time, bool) or not isinstance(time, int | float) or not abs(time) <= LATEST:
            raise BadTurnError(f"A time is a finite number of seconds, not {time!r}.", item=repr(time))
        if self._time is not None and time < self._time:
            raise BadTurnError(
                f"Time goes backwards, from {self._time:g} to {time:g} s. Sort the turns.", item=repr(time)
            )
