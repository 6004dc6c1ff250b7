"""Text as models read it: the same normalisation for training and prediction."""

from __future__ import annotations

import html
import itertools
import re
import unicodedata
from collections.abc import Sequence

from emofuse.errors import EmptyTextError, TextTooLongError
from emofuse.types import Notice

__all__ = ["EMOJI", "EMOJI_JOINERS", "MAX_TEXT_CHARACTERS", "normalize_text", "spell_emoji", "split_windows"]

MAX_TEXT_CHARACTERS = 10_000_000
SCRIPT_SAMPLE = 2000

_ESCAPES = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_URL = re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)
_HANDLE = re.compile(r"(?<![\w@.])@\w+")
# Control characters except white space, which is folded later.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# Python refuses to read numbers of thousands of digits.
_HUGE_ENTITY = re.compile(r"&#\d{8,};?")
_LONG_RUN = re.compile(r"[^\x00-\u02ff]{31}")
MAX_MARKS = 30  # per character, as in the Stream-Safe Text Format of UAX 15; normalising more is quadratic
EMOJI = re.compile(
    "[\u203c\u2049\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d"
    "\U0001f000-\U0001faff]"
)
EMOJI_JOINERS = re.compile("[\u200d\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")


def normalize_text(text: str) -> tuple[str, tuple[Notice, ...]]:
    r"""Clean a text without losing what carries emotion.

    Literal escapes such as `\\u2019` and HTML entities are decoded, Unicode is composed (NFC), web
    addresses become `http`, handles `@user`, control characters vanish, lone surrogates become U+FFFD,
    white space is folded. Emoji, case and punctuation stay.

    Args:
        text: Any string up to ten million characters.

    Returns:
        The cleaned text, never empty, and notices: `invalid_characters` when something had to be dropped or
        replaced, `unsupported_script` when more than half of the letters are not Latin.

    Raises:
        EmptyTextError: No visible character is left, or it is no string.
        TextTooLongError: More than ten million characters.
    """
    if not isinstance(text, str):
        raise EmptyTextError(f"A text must be a string, not {type(text).__name__}.", item=repr(text)[:40])
    if len(text) > MAX_TEXT_CHARACTERS:
        raise TextTooLongError(
            f"The text has {len(text):,} characters; at most {MAX_TEXT_CHARACTERS:,} are read. Split it.",
            item=text[:40],
        )
    original = text
    if "\\u" in text:
        text = _ESCAPES.sub(_decode_escapes, text)
    if "&" in text:
        text = html.unescape(_HUGE_ENTITY.sub("\ufffd", text))
    text, notices = _drop_invalid(text)
    if not text.isascii():
        text = _compose(text)
    if "://" in text or "www." in text.lower():
        text = _URL.sub("http", text)
    if "@" in text:
        text = _HANDLE.sub("@user", text)
    text = " ".join(text.split())
    if not text or not (text.isascii() or any(_visible(character) for character in text)):
        raise EmptyTextError(
            "The text has no visible character. Give it some words.", item=repr(original[:40])
        )
    if not text.isascii() and _mostly_foreign(text):
        message = "Most letters are not Latin; the models learned from English and may misread this text."
        notices = (*notices, Notice("unsupported_script", message))
    return text, notices


def spell_emoji(text: str) -> str:
    """Replace each emoji by its lower-case Unicode name, for vocabularies without emoji.

    Args:
        text: Normalised text.

    Returns:
        The text with names between single spaces; unchanged when it has no emoji.
    """
    if text.isascii() or not EMOJI.search(text):
        return text
    spelled = EMOJI.sub(_emoji_name, EMOJI_JOINERS.sub("", text))
    return " ".join(spelled.split())


def split_windows(
    ids: Sequence[int], size: int, max_windows: int
) -> tuple[list[Sequence[int]], Notice | None]:
    """Cut a long token sequence into windows of nearly equal length.

    Args:
        ids: Token ids without special tokens.
        size: Largest window, in tokens.
        max_windows: Largest number of windows; beyond it, evenly spaced ones are kept.

    Returns:
        The windows in order, and what was done: None for one window, `text_windowed` when all windows are
        read, `text_sampled` when some are left out.
    """
    if len(ids) <= size:
        return [ids], None
    count = -(-len(ids) // size)
    ends = [len(ids) * i // count for i in range(count + 1)]
    windows = [ids[start:end] for start, end in itertools.pairwise(ends)]
    if count <= max_windows:
        message = f"The text was read in {count} windows of at most {size} tokens and averaged."
        return windows, Notice("text_windowed", message)
    kept = [windows[i * count // max_windows] for i in range(max_windows)]
    message = (
        f"The text is very long: {max_windows} of its {count} windows of at most {size} tokens, evenly "
        "spaced, were read and averaged."
    )
    return kept, Notice("text_sampled", message)


def _decode_escapes(match: re.Match[str]) -> str:
    units = bytes.fromhex(match[0].replace("\\u", ""))
    return units.decode("utf-16-be", errors="ignore")


def _drop_invalid(text: str) -> tuple[str, tuple[Notice, ...]]:
    if text.isprintable():
        return text, ()
    cleaned = _CONTROL.sub("", text)
    if not cleaned.isascii():
        cleaned = _SURROGATE.sub("\ufffd", cleaned)
    if cleaned == text:
        return text, ()
    message = "Control characters were dropped and invalid characters replaced."
    return cleaned, (Notice("invalid_characters", message),)


def _compose(text: str) -> str:
    return unicodedata.normalize("NFC", _limit_marks(text) if _LONG_RUN.search(text) else text)


def _limit_marks(text: str) -> str:
    kept, run = [], 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def _visible(character: str) -> bool:
    return character != "\ufffd" and unicodedata.category(character)[0] in "LNPS"


def _mostly_foreign(text: str) -> bool:
    letters = [character for character in text[:SCRIPT_SAMPLE] if character.isalpha()]
    foreign = sum(
        not character.isascii() and not unicodedata.name(character, "").startswith("LATIN")
        for character in letters
    )
    return 2 * foreign > len(letters)


def _emoji_name(match: re.Match[str]) -> str:
    # Unicode calls the red heart a "heavy black heart", which means the opposite to a language model.
    name = "red heart" if match[0] == "❤" else unicodedata.name(match[0], "").lower()
    return f" {name} "
