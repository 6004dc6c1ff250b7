"""Mask what leads from a text to a person: addresses, handles, phone, card and account numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from emofuse.redact.phone import mask_phones

__all__ = ["KINDS", "mask_text", "redact_text"]

# What stands in place of each kind. Text models read every handle as `@user` and every web address as
# `http`, so masking these changes no prediction.
KINDS = {
    "url": "http",
    "email": "[email]",
    "iban": "[iban]",
    "card": "[card]",
    "phone": "[phone]",
    "handle": "@user",
}

_LAST = r"[^\s.,;:!?)\]}>'\"»”’…<]"  # of an address; what follows it belongs to the sentence
_URL = re.compile(
    rf"""(?:\b(?:https?|ftp)://|\bwww\.)[^\s<>"]*{_LAST}
    # Without a scheme only a host with a path: the path is where user names stand.
    |(?<![\w@.-])(?:[a-z0-9-]{{1,63}}\.){{1,4}}
        (?:com|org|net|edu|gov|info|io|me|co|uk|de|fr|es|it|nl|at|ch|eu|us|ca|au|in|jp|app|dev|gg|tv|ly|be|social)
        /[^\s<>"]*{_LAST}""",
    re.IGNORECASE | re.VERBOSE,
)
_EMAIL = re.compile(
    r"""(?:mailto:)?@?[\w.%+'-]{1,64}@(?:[\w-]{1,63}\.){1,5}[^\W\d_]{2,24}
    |[\w.%+-]{1,64}\ ?[\[(]\ ?at\ ?[\])]\ ?[\w-]{1,63}(?:\ ?(?:[\[(]\ ?dot\ ?[\])]|\.)\ ?[\w-]{1,63}){1,4}""",
    re.IGNORECASE | re.VERBOSE,
)
# A number behind an @ is a price or a time ("3 @ 2.50", "@7pm"), not a name; `@user` alone is the mask.
_HANDLE = re.compile(
    r"(?<!\w)(?<!\w\.)@(?!(?-i:user)(?!\w|[.-]\w))(?!\d+(?:[.,:]\d+)*(?:am|pm|h|k)?(?![\w.-]))\w+(?:[.-]\w+)*",
    re.IGNORECASE,
)
_CARD = re.compile(
    r"""(?<![\w.,-])(?:[3-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,7}|3\d{3}[ -]?\d{6}[ -]?\d{5})(?!\w)"""
)
# Small letters are taken only beside a digit, but for the bank's: the sentence goes on in small letters.
_IBAN = re.compile(
    r"""(?<!\w)[A-Za-z]{2}[0-9]{2}\ ?(?:[A-Z0-9]{4}|[a-z0-9]{4})
    (?:\ ?(?:[A-Z0-9]{4}|(?=[a-z]{0,3}[0-9])[a-z0-9]{4})){1,6}
    (?:\ ?(?:[A-Z0-9]{1,3}|(?=[a-z]{0,2}[0-9])[a-z0-9]{1,3}))?(?!\w)""",
    re.VERBOSE,
)


def redact_text(text: str) -> str:
    """Mask what leads from a text to a person.

    Args:
        text: Any string.

    Returns:
        The text with `http`, `[email]`, `[iban]`, `[card]`, `[phone]` and `@user` in place of what was found,
        unchanged otherwise. Names, street addresses and ages stay: nothing here knows what a name is.
    """
    return mask_text(text)[0]


def mask_text(text: str) -> tuple[str, Counter[str]]:
    """As `redact_text`, with a count.

    Args:
        text: Any string.

    Returns:
        The masked text, and how often each of `KINDS` was masked. A second pass finds nothing.
    """
    counts: Counter[str] = Counter()
    while True:
        masked = _mask_once(text, counts)
        if masked == text:
            return text, counts
        # What a mask uncovers, as in a mail address inside a handle, is masked as well.
        text = masked


def _mask_once(text: str, counts: Counter[str]) -> str:
    def count(kind: str) -> Callable[[], str]:
        def mask() -> str:
            counts[kind] += 1
            return KINDS[kind]

        return mask

    if "/" in text or "www." in text.lower():
        text = _URL.sub(lambda _: count("url")(), text)
    if "@" in text or "(" in text or "[" in text:
        text = _EMAIL.sub(lambda _: count("email")(), text)
    if any(character.isdecimal() for character in text):
        text = _IBAN.sub(lambda found: count("iban")() if _is_iban(found[0]) else found[0], text)
        text = _CARD.sub(lambda found: count("card")() if _is_card(found[0]) else found[0], text)
        text = mask_phones(text, count("phone"))
    return _HANDLE.sub(lambda _: count("handle")(), text) if "@" in text else text


def _is_card(number: str) -> bool:
    """The check digit of ISO/IEC 7812: of random numbers one in ten passes."""
    digits = [int(character) for character in number if character.isdecimal()]
    doubled = [
        digit if i % 2 == 0 else sum(divmod(2 * digit, 10)) for i, digit in enumerate(reversed(digits))
    ]
    return 13 <= len(digits) <= 19 and sum(doubled) % 10 == 0


def _is_iban(number: str) -> bool:
    """The check digits of ISO 13616: of random numbers one in 97 passes."""
    plain = number.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1
