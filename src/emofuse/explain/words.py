"""The words of a text, and the text without some of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from emofuse.errors import TextTooLongError
from emofuse.explain.explanation import Word
from emofuse.types import FloatArray

__all__ = ["Span", "attribute", "keep_words", "split_words"]

MAX_CHARACTERS = 10_000
MAX_WORDS = 96  # beyond it, neighbours are taken together

Span = tuple[int, int]

_WORD = re.compile(r"\S+")


def split_words(text: str) -> list[Span]:
    """Cut a text at white space.

    Args:
        text: Any string.

    Returns:
        (start, end) of each word in order; of a text of more than 96 words, of runs of words, nearly equal in
        number.

    Raises:
        TextTooLongError: More than ten thousand characters.
    """
    if len(text) > MAX_CHARACTERS:
        raise TextTooLongError(
            f"The text has {len(text):,} characters; at most {MAX_CHARACTERS:,} are explained. Give the part "
            "that matters.",
            item=text[:40],
        )
    spans = [match.span() for match in _WORD.finditer(text)]
    if len(spans) <= MAX_WORDS:
        return spans
    ends = [len(spans) * i // MAX_WORDS for i in range(MAX_WORDS + 1)]
    return [(spans[first][0], spans[last - 1][1]) for first, last in pairwise(ends)]


def keep_words(text: str, spans: Sequence[Span], kept: Sequence[bool]) -> str:
    """The text with only some of its words.

    Args:
        text: The whole.
        spans: Its words.
        kept: One flag per word.

    Returns:
        The words that are kept, white space between them.
    """
    return " ".join(text[start:end] for (start, end), keep in zip(spans, kept, strict=True) if keep)


def attribute(text: str, spans: Sequence[Span], values: FloatArray) -> tuple[Word, ...]:
    """Words with their figures.

    Args:
        text: The whole.
        spans: Its words.
        values: (words,) float.

    Returns:
        One word per span.
    """
    return tuple(
        Word(text[start:end], start, end, float(value))
        for (start, end), value in zip(spans, values, strict=True)
    )
