"""Mask the texts of tables and of lines, and leave every other byte as it was."""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator

from emofuse.errors import ConfigError, CorpusFormatError
from emofuse.redact.text import mask_text

__all__ = ["redact_csv", "redact_jsonl", "redact_lines"]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]')
_COLON = re.compile(r"[ \t\r]*:")
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def redact_lines(data: bytes) -> tuple[bytes, Counter[str]]:
    """Mask a plain text, line by line.

    Args:
        data: UTF-8; bytes that are not stay as they are.

    Returns:
        The masked text, and what was masked.

    Raises:
        CorpusFormatError: UTF-16.
    """
    counts: Counter[str] = Counter()
    lines = [_mask(line, counts) for line in _decode(data).splitlines(keepends=True)]
    return _encode("".join(lines)), counts


def redact_csv(
    data: bytes, columns: Collection[str] = (), *, name: str = "<csv>", separator: str | None = None
) -> tuple[bytes, Counter[str]]:
    """Mask the cells of a CSV table with a header.

    Args:
        data: UTF-8; bytes that are not stay as they are.
        columns: Names of the columns to mask; none takes all. Cells beyond the header are always masked: an
            unquoted separator in a text makes one.
        name: Of the table, for messages.
        separator: One character; None takes comma, semicolon or tab, whichever the header has most of.

    Returns:
        The masked table with the same rows, quotes and line ends, and what was masked.

    Raises:
        ConfigError: The table has no such column.
        CorpusFormatError: UTF-16, or a quote without its end.
    """
    text = _decode(data)
    start = text.startswith("\ufeff")
    header = text[start:].splitlines()[0] if text[start:] else ""
    separator = separator or max(",;\t", key=header.count)
    counts: Counter[str] = Counter()
    names: list[str] = []
    written = ["\ufeff"] if start else []
    for row, column, cell, end in _cells(text, int(start), separator, name):
        if row == 0:
            names.append(_unquote(cell))
            written.append(cell + end)
            if end != separator:
                _check_columns(columns, names, name)
            continue
        wanted = not columns or column >= len(names) or names[column] in columns
        written.append((_mask_cell(cell, counts) if wanted else cell) + end)
    return _encode("".join(written)), counts


def redact_jsonl(
    data: bytes, columns: Collection[str] = (), *, name: str = "<jsonl>"
) -> tuple[bytes, Counter[str]]:
    """Mask the strings of JSON lines.

    Args:
        data: UTF-8, an object per line.
        columns: Keys of the objects whose strings, also nested ones, are masked; none takes all. Keys
            themselves stay.
        name: Of the table, for messages.

    Returns:
        The masked lines, spaced and ordered as they were, and what was masked.

    Raises:
        ConfigError: No line has one of the keys.
        CorpusFormatError: UTF-16, or a line is no JSON object.
    """
    counts: Counter[str] = Counter()
    written: list[str] = []
    keys: set[str] = set()
    # Not splitlines(), which also parts at characters that may stand inside a JSON string.
    for number, line in enumerate(_decode(data).split("\n"), 1):
        filled = bool(line.strip("\ufeff \t\r"))
        keys |= _keys(line, number, name) if filled else set()
        written.append(_mask_json(line, columns, counts) if filled else line)
    _check_columns(columns, sorted(keys), name)
    return _encode("\n".join(written)), counts


def _mask(text: str, counts: Counter[str]) -> str:
    masked, own = mask_text(text)
    counts.update(own)
    return masked


def _cells(text: str, place: int, separator: str, name: str) -> Iterator[tuple[int, int, str, str]]:
    """Row, column, raw cell and what ends it: the separator, a line end, or nothing."""
    ends = re.escape(separator)
    cell = re.compile(rf'("(?:[^"]|"")*"|(?!")[^{ends}\r\n]*)({ends}|\r\n|\n|\r|\Z)')
    row = column = 0
    while place < len(text):
        found = cell.match(text, place)
        if found is None:
            line = text.count("\n", 0, place) + 1
            raise CorpusFormatError(
                f"{name} line {line}: a quote is not closed as in CSV.", item=f"{name}:{line}"
            )
        yield row, column, found[1], found[2]
        place = found.end()
        row, column = (row, column + 1) if found[2] == separator else (row + 1, 0)


def _unquote(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


def _mask_cell(cell: str, counts: Counter[str]) -> str:
    # No mask brings in a quote, a separator or a line end, so that a cell needs no other quotes than before.
    if not cell.startswith('"'):
        return _mask(cell, counts)
    masked = _mask(_unquote(cell), counts)
    return cell if masked == _unquote(cell) else '"' + masked.replace('"', '""') + '"'


def _keys(line: str, number: int, name: str) -> set[str]:
    try:
        row = json.loads(line.removeprefix("\ufeff"))
    except ValueError as error:
        raise CorpusFormatError(
            f"{name} line {number}: not valid JSON ({error}).", item=f"{name}:{number}"
        ) from error
    if not isinstance(row, dict):
        raise CorpusFormatError(f"{name} line {number}: expected a JSON object.", item=f"{name}:{number}")
    return set(row)


def _mask_json(line: str, columns: Collection[str], counts: Counter[str]) -> str:
    written, place, depth, key = [], 0, 0, ""
    for found in _TOKEN.finditer(line):
        token = found[0]
        depth += (token in "{[") - (token in "}]")
        if not token.startswith('"'):
            continue
        if _COLON.match(line, found.end()):
            key = json.loads(token) if depth == 1 else key
        elif not columns or key in columns:
            masked, own = mask_text(json.loads(token))
            counts.update(own)
            if own:
                ascii_only = (
                    token.isascii() or "\\ud" in token.lower()
                )  # half a surrogate must stay an escape
                written += [line[place : found.start()], json.dumps(masked, ensure_ascii=ascii_only)]
                place = found.end()
    return "".join([*written, line[place:]])


def _check_columns(columns: Collection[str], names: Collection[str], name: str) -> None:
    if missing := [column for column in columns if column not in names]:
        raise ConfigError(f"{name} has no column {missing[0]!r}. Valid: {', '.join(names)}.", item=missing[0])


def _decode(data: bytes) -> str:
    if data.startswith(_WIDE):
        raise CorpusFormatError("The table is UTF-16. Save it as UTF-8.", item="UTF-16")
    return data.decode("utf-8", errors="surrogateescape")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogateescape")
