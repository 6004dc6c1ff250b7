"""Rows with their answers as files: parts that are written one by one and put together in the end."""

from __future__ import annotations

import csv
import io
import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from emofuse.errors import ConfigError
from emofuse.scale.fields import Column
from emofuse.scale.places import Place

__all__ = ["FORMATS", "TableFormat", "open_format"]

_PLAIN = frozenset({str, float, int, type(None)})  # the csv module writes them as we want them
FORMATS = (".csv", ".tsv", ".jsonl", ".parquet")

Rows = Sequence[Mapping[str, Any]]


class TableFormat(Protocol):
    """How a table is written."""

    def write_part(self, path: Path, groups: Iterable[Rows]) -> None:
        """Write some of the rows to a file of their own."""
        ...

    def merge(self, parts: Iterable[Path], out: Path) -> None:
        """Write the rows of all parts to one file."""
        ...


class _TextFormat(ABC):
    def write_part(self, path: Path, groups: Iterable[Rows]) -> None:
        with path.open("wb") as file:
            for rows in groups:
                file.write(self._encode(rows))

    def merge(self, parts: Iterable[Path], out: Path) -> None:
        with out.open("wb") as file:
            self._write_head(file)
            for part in parts:
                with part.open("rb") as source:
                    shutil.copyfileobj(source, file, 1 << 20)

    @abstractmethod
    def _encode(self, rows: Rows) -> bytes: ...

    def _write_head(self, file: BinaryIO) -> None:  # noqa: B027 - not every format has one
        pass


class CsvFormat(_TextFormat):
    """CSV or TSV in UTF-8: an empty cell for None, `true` and `false`, JSON for objects.

    Args:
        columns: Of the table.
        delimiter: Between cells.
    """

    def __init__(self, columns: Sequence[str], delimiter: str) -> None:
        self._columns = list(columns)
        self._delimiter = delimiter

    def _write_head(self, file: BinaryIO) -> None:
        file.write(self._write([self._columns]))

    def _encode(self, rows: Rows) -> bytes:
        return self._write(
            [
                [
                    value if value.__class__ in _PLAIN else _cell(value)
                    for value in map(row.get, self._columns)
                ]
                for row in rows
            ]
        )

    def _write(self, cells: Sequence[Sequence[Any]]) -> bytes:
        out = io.StringIO()
        csv.writer(out, delimiter=self._delimiter, lineterminator="\n").writerows(cells)
        try:
            # Bytes that could not be decoded are written as they were.
            return out.getvalue().encode("utf-8", errors="surrogateescape")
        except UnicodeEncodeError:
            return out.getvalue().encode("utf-8", errors="backslashreplace")


class JsonLinesFormat(_TextFormat):
    """A JSON object a line, in UTF-8."""

    def _encode(self, rows: Rows) -> bytes:
        lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows]
        return "".join(lines).encode("utf-8", errors="backslashreplace")


def open_format(
    out: Place, columns: Sequence[str], answers: Sequence[Column], schema: Any = None
) -> TableFormat:
    """The format of an output file.

    Args:
        out: Its suffix says which.
        columns: Of the input.
        answers: That are added to them.
        schema: pyarrow's schema of the input, where that is Parquet.

    Returns:
        The format.

    Raises:
        ConfigError: No format of that suffix.
        MissingExtraError: Parquet needs pyarrow.
    """
    suffix = out.suffix.lower()
    if suffix in (".csv", ".tsv"):
        names = [*columns, *(column.name for column in answers)]
        return CsvFormat(names, "\t" if suffix == ".tsv" else ",")
    if suffix == ".jsonl":
        return JsonLinesFormat()
    if suffix == ".parquet":
        from emofuse.scale.parquet import ParquetFormat  # noqa: PLC0415 - an extra

        return ParquetFormat(answers, schema)
    raise ConfigError(f"{out} must end in one of {', '.join(FORMATS)}.", item=str(out))


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)
