"""Conversations on the page: lines in, tracked turns out."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from typing import Any

from emofuse.demo.record import KEPT, Entry, Record
from emofuse.errors import BadTurnError
from emofuse.runtime.predictor import Predictor
from emofuse.tracking import Tracker, parse_turn
from emofuse.types import Sample

__all__ = ["Conversation", "parse_line"]

PROBLEMS = 5  # of which the sentence is kept

# A name has at most three words, so that "What I mean to say is: no" stays a text.
_SPOKEN = re.compile(r"\s*([^\s:]{1,40}(?: [^\s:]{1,40}){0,2})\s*:\s+(\S.*)", re.DOTALL)


def parse_line(line: str) -> dict[str, Any]:
    """Read a line of a conversation.

    Args:
        line: `speaker: text`, a text alone, or JSON as `emofuse track` reads it.

    Returns:
        The turn, with `text` or what `emofuse predict --json` writes; may have `speaker` and `time`.

    Raises:
        BadTurnError: It begins like JSON, but is no turn.
    """
    if line.lstrip().startswith("{"):
        turn = parse_turn(line)
        return {key: _printable(value) if isinstance(value, str) else value for key, value in turn.items()}
    if spoken := _SPOKEN.fullmatch(line):
        return {"speaker": spoken[1], "text": spoken[2].strip()}
    return {"text": line.strip()}


def _printable(text: str) -> str:
    # Half a surrogate, which JSON can hold, cannot be sent to a browser.
    return text.encode("utf-8", "replace").decode()


def _split(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


class Conversation:
    """The turns of one visitor, tracked. It belongs to one thread at a time.

    Attributes:
        record: What was tracked.
        refused: How many lines were left out because they are no turns.
        problems: Why, of the last few of them.
    """

    def __init__(self) -> None:
        self.record = Record("turns")
        self.refused = 0
        self.problems: deque[str] = deque(maxlen=PROBLEMS)
        self._tracker = Tracker()
        self._lines: list[str] = []

    def copy(self) -> Conversation:
        """Another conversation that goes on from here, so that who looks at this one is not disturbed."""
        other = Conversation()
        other.record = self.record.copy()
        other.refused, other.problems = self.refused, self.problems.copy()
        other._tracker, other._lines = Tracker.restore(self._tracker.save()), self._lines
        return other

    def is_begun_by(self, text: str) -> bool:
        """Whether a text begins with the lines that were read, so that its further ones can follow."""
        return _split(text)[: len(self._lines)] == self._lines

    def read(self, predictor: Predictor, text: str) -> None:
        """Take in the lines that were not read yet.

        Args:
            predictor: Reads their texts.
            text: One turn a line, beginning with those that were read; of more than `KEPT` new lines, the
                last are read.
        """
        done, lines = len(self._lines), _split(text)
        first = max(done, len(lines) - KEPT)
        self.record.dropped += first - done
        turns = {}
        for number, line in enumerate(lines[first:], first + 1):
            try:
                turns[number] = parse_line(line)
            except BadTurnError as error:
                self._complain(number, error)
        self._follow(predictor, turns)
        self._lines = lines

    def _follow(self, predictor: Predictor, turns: Mapping[int, Mapping[str, Any]]) -> None:
        texts = [turn["text"] for turn in turns.values() if "text" in turn]
        read = iter(predictor.predict(Sample(text=text) for text in texts))
        for number, turn in turns.items():
            prediction = next(read).to_dict() if "text" in turn else {"error": None, **turn}
            try:
                state = self._tracker.update(prediction, time=turn.get("time"), speaker=turn.get("speaker"))
            except BadTurnError as error:
                self._complain(number, error)
                continue
            wrong = prediction["error"]
            self.record.add(Entry(state, turn.get("text", ""), _sentence(wrong) if wrong else None))

    def _complain(self, number: int, error: BadTurnError) -> None:
        self.refused += 1
        self.problems.append(f"Line {number}: {error.message}")


def _sentence(wrong: Any) -> str:
    # Of a line of JSON it may be anything.
    return _printable(str(wrong.get("message", wrong) if isinstance(wrong, Mapping) else wrong))
