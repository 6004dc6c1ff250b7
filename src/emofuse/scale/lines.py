"""Part of a file, line by line, in bounded memory whatever is in it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import BinaryIO

from emofuse.errors import BadRowError, TextTooLongError

__all__ = ["MAX_LINE_BYTES", "LineReader", "read_cells", "refuse_undecoded"]

MAX_LINE_BYTES = 16 << 20
SKIPPED_AT_ONCE = 1 << 20
_UNDECODED = re.compile("[\udc80-\udcff]")


class LineReader:
    """Iterator over the lines between two offsets.

    A line beyond 16 MiB is passed over and raises; iteration can go on after it. Bytes that the encoding does
    not know become lone surrogates, from which they can be had back.

    Args:
        file: Open at `start`.
        start: Offset of the first line.
        stop: Offset behind the last one.
        encoding: A superset of ASCII.

    Attributes:
        offset: Where the next line begins.
    """

    def __init__(self, file: BinaryIO, start: int, stop: int, encoding: str) -> None:
        self.offset = start
        self._file, self._stop, self._encoding = file, stop, encoding

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """Read a line.

        Returns:
            The line with its end.

        Raises:
            TextTooLongError: It has more than 16 MiB.
        """
        line = self._read(MAX_LINE_BYTES + 1) if self.offset < self._stop else b""
        if not line:
            raise StopIteration
        if len(line) > MAX_LINE_BYTES:
            while line and not line.endswith(b"\n"):
                line = self._read(SKIPPED_AT_ONCE)
            raise TextTooLongError(f"The line has more than {MAX_LINE_BYTES >> 20} MiB. Split it.")
        return line.decode(self._encoding, errors="surrogateescape")

    def _read(self, most: int) -> bytes:
        line = self._file.readline(most)
        self.offset += len(line)
        return line


def refuse_undecoded(raw: str, encoding: str) -> None:
    """Raise what is wrong with a row that is not in the encoding.

    Args:
        raw: What was read.
        encoding: By which it was decoded.

    Raises:
        BadRowError: It holds bytes that could not be decoded.
    """
    if not raw.isascii() and _UNDECODED.search(raw):
        raise BadRowError(
            f"The row is not {encoding} text. Name the encoding of the file with --encoding, such as cp1252.",
            item=raw[:80],
        )


def read_cells(lines: LineReader, delimiter: str) -> Iterator[list[str] | BadRowError | TextTooLongError]:
    """Read CSV rows, skipping blank ones.

    Args:
        lines: Where from.
        delimiter: Between cells.

    Yields:
        The cells of a row, or why its lines are no row; the next row begins with the line after them.
    """
    # A field may be as long as a line; the module's own limit is 128 KiB.
    csv.field_size_limit(MAX_LINE_BYTES)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except TextTooLongError as error:
            yield error
        except csv.Error as error:
            yield BadRowError(f"The row is no CSV row: {error}. Check its quotation marks.")
        else:
            if row:
                yield row
