"""What happens to texts on their way to a model: slips of the finger, shouting, lost and added marks."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from emofuse.preprocess.text import EMOJI, EMOJI_JOINERS

__all__ = [
    "add_typos",
    "change_words",
    "drop_emoji",
    "drop_punctuation",
    "drop_spaces",
    "flip_case",
    "has_emoji",
    "lengthen_words",
    "repeat_punctuation",
]

LENGTHENED = 3  # letters that a stretched vowel gains

_KEY_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_WORD = re.compile(r"\S+")
_VOWEL = re.compile(r"[aeiouAEIOU]")
_MARK = re.compile(r"[.,;:!?…'\"’“”()-]")
# An emoji goes with its variation selector and skin tone.
_EMOJI_WHOLE = re.compile(f"{EMOJI.pattern}(?:{EMOJI_JOINERS.pattern})*")
_END_MARK = re.compile(r"[.!?]+")


def _neighbours() -> dict[str, str]:
    found: dict[str, str] = {}
    for row, keys in enumerate(_KEY_ROWS):
        for column, key in enumerate(keys):
            beside = keys[max(column - 1, 0) : column] + keys[column + 1 : column + 2]
            above = _KEY_ROWS[row - 1][column : column + 2] if row else ""
            below = _KEY_ROWS[row + 1][max(column - 1, 0) : column + 1] if row + 1 < len(_KEY_ROWS) else ""
            found[key] = beside + above + below
    return found


_NEIGHBOURS = _neighbours()


def add_typos(text: str, rate: float, random: np.random.Generator) -> str:
    """Mistype letters: hit a neighbouring key, swap with the next letter, or leave out, each as often.

    Args:
        text: Any text.
        rate: Chance of each letter a-z to be mistyped, 0-1.
        random: Draws which letters and how.

    Returns:
        The text; everything but letters stays.
    """
    hit = random.random(len(text)) < rate
    kinds = random.integers(3, size=len(text))
    picks = random.random(len(text))
    typed: list[str] = []
    i = 0
    while i < len(text):
        letter = text[i]
        near = _NEIGHBOURS.get(letter.lower(), "")
        if not (hit[i] and near):
            typed.append(letter)
        elif kinds[i] == 1 and i + 1 < len(text) and text[i + 1].isalpha():
            typed += [text[i + 1], letter]
            i += 1
        elif kinds[i] != 2:
            other = near[int(picks[i] * len(near))]
            typed.append(other.upper() if letter.isupper() else other)
        i += 1
    return "".join(typed)


def flip_case(text: str, rate: float, random: np.random.Generator) -> str:
    """Turn capitals into small letters and the other way round.

    Args:
        text: Any text.
        rate: Chance of each character, 0-1.
        random: Draws which.

    Returns:
        The text.
    """
    hit = random.random(len(text)) < rate
    return "".join(
        letter.swapcase() if flipped else letter for letter, flipped in zip(text, hit, strict=True)
    )


def change_words(change: Callable[[str], str]) -> Callable[[str, float, np.random.Generator], str]:
    """A corruption that changes some words.

    Args:
        change: What happens to a word; a word is what stands between spaces.

    Returns:
        A function of text, chance of each word (0-1) and random generator.
    """

    def corrupt(text: str, rate: float, random: np.random.Generator) -> str:
        return _WORD.sub(lambda match: change(match[0]) if random.random() < rate else match[0], text)

    return corrupt


def lengthen_words(text: str, rate: float, random: np.random.Generator) -> str:
    """Stretch one vowel of some words by three letters: "so" becomes "soooo".

    Args:
        text: Any text.
        rate: Chance of each word with a vowel, 0-1.
        random: Draws which words, and which vowel of each.

    Returns:
        The text.
    """

    def stretch(match: re.Match[str]) -> str:
        word = match[0]
        hit, pick = random.random(2)
        vowels = [vowel.start() for vowel in _VOWEL.finditer(word)]
        if hit >= rate or not vowels:
            return word
        at = vowels[int(pick * len(vowels))]
        return word[:at] + word[at] * LENGTHENED + word[at:]

    return _WORD.sub(stretch, text)


def drop_spaces(text: str, rate: float, random: np.random.Generator) -> str:
    """Run words together.

    Args:
        text: Any text.
        rate: Chance of each space to be lost, 0-1.
        random: Draws which.

    Returns:
        The text.
    """
    return re.sub(" ", lambda _: "" if random.random() < rate else " ", text)


def drop_punctuation(text: str, rate: float, random: np.random.Generator) -> str:
    """Leave out punctuation marks.

    Args:
        text: Any text.
        rate: Chance of each mark, 0-1.
        random: Draws which.

    Returns:
        The text.
    """
    return _MARK.sub(lambda match: "" if random.random() < rate else match[0], text)


def repeat_punctuation(text: str, times: float, random: np.random.Generator) -> str:
    """Write the marks that end a sentence several times: "Why?" becomes "Why???".

    Args:
        text: Any text.
        times: How often each of `.`, `!` and `?` is written, a whole number from 1.
        random: Not used.

    Returns:
        The text.
    """
    return _END_MARK.sub(lambda match: match[0] * int(times), text)


def drop_emoji(text: str, rate: float, random: np.random.Generator) -> str:
    """Leave out emoji.

    Args:
        text: Any text.
        rate: Chance of each emoji, 0-1.
        random: Draws which.

    Returns:
        The text.
    """
    return _EMOJI_WHOLE.sub(lambda match: "" if random.random() < rate else match[0], text)


def has_emoji(text: str) -> bool:
    """Whether a text holds an emoji."""
    return EMOJI.search(text) is not None
