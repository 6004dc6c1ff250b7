"""A turn as a line of JSON."""

from __future__ import annotations

import json
from typing import Any

from emofuse.errors import BadTurnError

__all__ = ["parse_turn"]


def parse_turn(line: bytes | str) -> dict[str, Any]:
    """Read a line.

    Args:
        line: JSON: an object with a `text`, or what `emofuse predict --json` writes; both may have a
            `speaker`, and a `time` in seconds.

    Returns:
        The object; a `text`, where there is one, is a string, and nothing else is checked yet.

    Raises:
        BadTurnError: It is no such thing.
    """
    try:
        turn = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise BadTurnError(f"The line is not JSON ({error}).") from error
    if not isinstance(turn, dict) or not {"text", "emotion", "error"} & set(turn):
        raise BadTurnError("A line is an object with a text, or one that `emofuse predict --json` writes.")
    if not isinstance(turn.get("text", ""), str):
        raise BadTurnError(f"A text is a string, not {turn['text']!r}.", item="text")
    return turn


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")
