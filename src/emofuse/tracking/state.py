"""What a tracker answers to each turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["TRACK_SCHEMA", "Mood", "TrackState"]

TRACK_SCHEMA = "emofuse.track/1"


@dataclass(frozen=True)
class Mood:
    """Where a stream stands after a turn.

    Attributes:
        label: The stable emotion, which a new one replaces only after it has led for a while; None before
            anything was read.
        emotion: Smoothed distribution, `ekman7` label -> 0-1, sums to 1; None before anything was read.
        sentiment: Smoothed distribution, `sentiment3` label -> 0-1, sums to 1; None as above.
        trend: Slope of the valence, P(positive) - P(negative), over the window, per turn or second; None with
            fewer than two readings at different times.
        events: What began with this turn: `shift` (another stable label), `escalating_anger`,
            `sustained_sadness`; in this order.
    """

    label: str | None
    emotion: Mapping[str, float] | None
    sentiment: Mapping[str, float] | None
    trend: float | None
    events: tuple[str, ...]


@dataclass(frozen=True)
class TrackState(Mood):
    """Where the speaker of a turn stands after it, and the conversation as a whole.

    What `Mood` says is of the speaker's own turns; of the whole conversation where no speaker was named.

    Attributes:
        turn: Number of the turn in the conversation, from 1.
        time: As it was given, s.
        speaker: As it was given.
        raw: Label of this turn alone; None for a prediction that failed.
        conversation: The same of all turns, whoever spoke.
    """

    turn: int
    time: float | None
    speaker: str | None
    raw: str | None
    conversation: Mood

    def to_dict(self) -> dict[str, Any]:
        """The JSON form that the command line writes.

        Returns:
            Plain dicts, lists, strings, floats rounded to six decimals, and None; `schema` names the version
            of the form.
        """
        values = _plain(asdict(self))
        first = {name: values.pop(name) for name in ("turn", "time", "speaker", "raw")}
        return {"schema": TRACK_SCHEMA, **first, **values}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value
