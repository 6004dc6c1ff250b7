"""Phone numbers among dates, prices and order numbers: by national shapes, or behind a word for one."""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["mask_phones"]

_S = "[ .\\-/\u00a0\u2009\u202f\u2010\u2011\u2013]"  # what separates the groups of a number
_GAP = rf"(?:[()]|{_S}){{0,3}}"
_BEFORE = r"(?<![\w+])(?<!\d[.,:/\-–])(?<![$€£¥₹#])(?<![$€£¥₹#] )"
_UNIT = r"(?:[%$€£¥₹]|(?:EUR|USD|GBP|CHF|JPY|INR|euros?|dollars?|pounds?|bucks)\b)"
_AFTER = rf"(?!\w)(?![.,:/\-–]\d)(?! ?{_UNIT})"
_SHAPES = tuple(
    re.compile(_BEFORE + shape + _AFTER)
    for shape in (
        rf"\+(?:[()]|{_S})?[1-9](?:{_GAP}\d){{7,14}}",  # international: +49 (0)30 1234-567
        rf"00[1-9](?:{_GAP}\d){{9,14}}",  # international: 0049 30 1234567
        rf"\(?0[1-9](?:{_GAP}\d){{7,10}}",  # national, behind a trunk 0: 020 7946 0958
        rf"(?:1{_S})?\(?[2-9]\d\d\)?{_S}{{0,2}}[2-9]\d\d{_S}\d{{4}}",  # North America: (212) 555-0123
        # An area code in brackets, which is no year: (11) 91234-5678
        rf"(?:[78]{_S})?\((?!(?:19|20)\d\d\))\d{{2,5}}\) ?\d{{3,5}}(?:{_S}?\d{{2,4}}){{1,3}}",
        rf"[6-9]\d\d{_S}\d\d{_S}\d\d{_S}\d\d",  # Spain: 612 34 56 78
        r"[6-9]\d{4}[ -]\d{5}",  # India: 98765 43210
        r"1[3-9]\d[ -]\d{4}[ -]\d{4}",  # China: 138 1234 5678
    )
)
# Any other number is one only behind a word that says so.
_CALLED = re.compile(
    r"""(?P<cue>
            (?:\b(?:tel|telefon|telephone|phone|mobile?|handy|cell|fax|call|ring|text|sms|whatsapp|signal|dial|reach
                |number|nummer)\b|[☎📞📱])
            (?:[\ .:=\ufe0f]|\b(?:me|us|him|her|them|my|our|number|no|nr|is|at|on|under)\b){0,12})"""
    rf"(?P<number>(?<![\w+])\(?\d(?:{_GAP.replace(' ', chr(92) + ' ')}\d){{5,14}})"
    + _AFTER.replace(" ", "\\ "),
    re.IGNORECASE | re.VERBOSE,
)
# A word before a number that says it is something else.
_NO_PHONE = re.compile(
    r"""\b(?:isbn|issn|ean|order|invoice|reference|ref|ticket|tracking|parcel|serial|sku|version|build|article|item
            |part|model|customer|booking|case|issue|id)\b
        (?:\W{0,3}\b(?:number|code|id|no|nr|is|was)\b){0,2}\W{0,3}$""",
    re.IGNORECASE | re.VERBOSE,
)
_DATE = re.compile(r"\(?\d{1,2}[./ -]\d{1,2}[./ -](?:19|20)\d\d|(?:19|20)\d\d[./-]\d\d?[./-]\d\d?")
_BACK = 40  # characters before a number in which a word about it is looked for


def mask_phones(text: str, mask: Callable[[], str]) -> str:
    """Replace phone numbers.

    Args:
        text: Any string.
        mask: Gives what stands in place of one; called once for each.

    Returns:
        The text without them.
    """

    def replace(found: re.Match[str]) -> str:
        groups = found.groupdict()
        cue, number = groups.get("cue", ""), groups.get("number", found[0])
        start = found.end() - len(number)
        if _DATE.match(number) or _NO_PHONE.search(text[max(0, start - _BACK) : start]):
            return found[0]
        return cue + mask()

    for shape in (_CALLED, *_SHAPES):
        text = shape.sub(replace, text)
    return text
