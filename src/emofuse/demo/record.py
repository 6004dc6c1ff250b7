"""What was tracked: turns or frames with the states after them, and the table of all."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emofuse.demo.photo import Picture
from emofuse.taxonomy import load_taxonomy
from emofuse.tracking import TrackState

__all__ = ["KEPT", "Entry", "Record", "write_csv"]

KEPT = 2_000  # turns or frames of which a visitor's timeline is made
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with what a spreadsheet begins a formula, or skips before one
_MOOD = (
    *("label", "trend", "events"),
    *(f"emotion_{label}" for label in load_taxonomy("ekman7").labels),
    *(f"sentiment_{label}" for label in load_taxonomy("sentiment3").labels),
)
_COLUMNS = (
    *("turn", "time_s", "speaker", "text", "raw", "error"),
    *_MOOD,
    *(f"conversation_{name}" for name in _MOOD),
)


@dataclass(frozen=True, eq=False)
class Entry:
    """One turn or frame.

    Attributes:
        state: After it.
        text: As it was read; empty for a frame.
        error: Why nothing was read of it, or None.
        picture: The frame, small, where something changed; else None.
    """

    state: TrackState
    text: str = ""
    error: str | None = None
    picture: Picture | None = None


class Record:
    """The last `KEPT` turns or frames; what came before them is dropped.

    Args:
        unit: What the timeline counts, "turns" or "seconds".
    """

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.entries: deque[Entry] = deque(maxlen=KEPT)
        self.dropped = 0

    def add(self, entry: Entry) -> None:
        """Put an entry at the end."""
        self.dropped += len(self.entries) == KEPT
        self.entries.append(entry)

    def copy(self) -> Record:
        """Another record with the same entries."""
        other = Record(self.unit)
        other.entries, other.dropped = self.entries.copy(), self.dropped
        return other

    @property
    def speakers(self) -> tuple[str, ...]:
        """Whoever has an entry, in the order of their first."""
        named = (entry.state.speaker for entry in self.entries)
        return tuple(dict.fromkeys(name for name in named if name is not None))


def write_csv(entries: Iterable[Entry]) -> str:
    """The table of all states; docs/demo.md has its columns.

    Args:
        entries: One row each.

    Returns:
        CSV with a header. A text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    file = io.StringIO(newline="")
    table = csv.DictWriter(file, _COLUMNS)
    table.writeheader()
    table.writerows(_row(entry) for entry in entries)
    return file.getvalue()


def _row(entry: Entry) -> dict[str, Any]:
    state = entry.state.to_dict()
    return {
        "turn": state["turn"],
        "time_s": state["time"],
        "speaker": _neutralise(state["speaker"] or ""),
        "text": _neutralise(entry.text),
        "raw": state["raw"],
        "error": _neutralise(entry.error or ""),
        **dict(_cells("", state)),
        **dict(_cells("conversation_", state["conversation"])),
    }


def _cells(prefix: str, mood: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield f"{prefix}label", mood["label"]
    yield f"{prefix}trend", mood["trend"]
    yield f"{prefix}events", " ".join(mood["events"])
    for kind in ("emotion", "sentiment"):
        for label, share in (mood[kind] or {}).items():
            yield f"{prefix}{kind}_{label}", share


def _neutralise(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
