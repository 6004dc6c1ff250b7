"""Tables, texts and lists of pictures in files that are read line by line."""

from __future__ import annotations

import codecs
import json
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

from emofuse.errors import BadRowError, ConfigError, InputError
from emofuse.scale.lines import LineReader, read_cells, refuse_undecoded
from emofuse.scale.pictures import find_picture
from emofuse.scale.places import Place, open_from
from emofuse.scale.source import PICTURES, Partition, ReadOptions, Row, Source, make_row
from emofuse.types import Sample

__all__ = ["CsvSource", "JsonLinesSource", "LinesSource", "PictureSource"]

BYTES = 4 << 20
HEAD = 1 << 16
PEEKED = 100


class _TextSource(Source):
    """Files that are read line by line."""

    def rows(self, partition: Partition) -> Iterator[Row]:
        with open_from(partition.file, partition.start, partition.stop) as file:
            lines = LineReader(file, partition.start, partition.stop, self.options.encoding)
            for number, record in enumerate(self._records(lines), partition.first_row):
                yield self._row(number, record, partition.file)

    def _cut(self, path: Place) -> Iterator[tuple[int, int, int]]:
        begin, stop = self._begin(path), path.stat().st_size
        with open_from(path, begin, stop) as file:
            lines = LineReader(file, begin, stop, self.options.encoding)
            count, most = 0, PICTURES if self.image_column else self.rows_each
            for _ in self._records(lines):
                count += 1
                if count == most or lines.offset - begin >= BYTES:
                    yield begin, lines.offset, count
                    begin, count = lines.offset, 0
            if count:
                yield begin, lines.offset, count

    def _begin(self, path: Place) -> int:
        with open_from(path, 0, HEAD) as file:
            head = file.read(4)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise ConfigError(
                f"{path} is UTF-16. Convert it first: iconv -f utf-16 -t utf-8 {path.name}", item=str(path)
            )
        return len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0

    @abstractmethod
    def _records(self, lines: LineReader) -> Iterator[Any]:
        """Raw rows, or the errors of those that are none."""

    @abstractmethod
    def _row(self, number: int, record: Any, table: Place) -> Row:
        """A row of a record."""


class CsvSource(_TextSource):
    """CSV or TSV files with the same header."""

    columns: tuple[str, ...]

    def _records(self, lines: LineReader) -> Iterator[list[str] | InputError]:
        return read_cells(lines, self._delimiter)

    @property
    def _delimiter(self) -> str:
        return self.options.delimiter or ("\t" if self.files[0].suffix.lower() == ".tsv" else ",")

    def _begin(self, path: Place) -> int:
        header, begin = self._read_header(path)
        if header != self.columns:
            raise ConfigError(
                f"{path} has other columns than {self.files[0].name}. Score them one by one.", item=str(path)
            )
        return begin

    def _read_columns(self) -> tuple[str, ...]:
        path = self.files[0]
        header, _ = self._read_header(path)
        if twice := [name for name in header if header.count(name) > 1]:
            raise ConfigError(f"{path} has two columns named {twice[0]!r}. Rename one.", item=twice[0])
        return header

    def _read_header(self, path: Place) -> tuple[tuple[str, ...], int]:
        begin = super()._begin(path)
        with open_from(path, begin, begin + HEAD) as file:
            lines = LineReader(file, begin, path.stat().st_size, self.options.encoding)
            header = next(read_cells(lines, self._delimiter), [])
            if not isinstance(header, list):
                raise ConfigError(f"The header of {path} cannot be read: {header.message}", item=str(path))
            try:
                refuse_undecoded("".join(header), self.options.encoding)
            except BadRowError as error:
                raise ConfigError(f"The header of {path}: {error.message}", item=str(path)) from error
            if not header:
                raise ConfigError(f"{path} is empty. Its first line must name the columns.", item=str(path))
            return tuple(header), lines.offset

    def _row(self, number: int, record: list[str] | InputError, table: Place) -> Row:
        if isinstance(record, InputError):
            return Row(number, dict.fromkeys(self.columns, ""), error=record)
        values = dict(zip(self.columns, record, strict=False))
        if len(record) != len(self.columns):
            error = BadRowError(
                f"The row has {len(record)} cells, the header {len(self.columns)}. Quote cells that hold "
                f"{self._delimiter!r}.",
                item=self._delimiter.join(record)[:200],
            )
            return Row(number, dict.fromkeys(self.columns, "") | values, error=error)
        return make_row(number, values, self, table, "".join(record))


class JsonLinesSource(_TextSource):
    """Files with a JSON object in each line; blank lines are no rows."""

    def all_columns(self) -> tuple[str, ...]:
        """Names of the keys of all rows, in the order in which they first appear."""
        names: dict[str, None] = {}
        for partition in self.partitions():
            for row in self.rows(partition):
                names |= dict.fromkeys(row.values)
        return tuple(names)

    def _peek_columns(self) -> tuple[str, ...]:
        path = self.files[0]
        names: dict[str, None] = {}
        self.text_column = self.image_column = None
        begin = self._begin(path)
        for count, row in enumerate(self.rows(Partition(0, path, begin, path.stat().st_size, 1))):
            if count == PEEKED:
                break
            names |= dict.fromkeys(row.values)
        return tuple(names)

    def _records(self, lines: LineReader) -> Iterator[str | InputError]:
        return (line for line in _good_and_bad(lines) if not isinstance(line, str) or line.strip())

    def _row(self, number: int, record: str | InputError, table: Place) -> Row:
        if isinstance(record, InputError):
            return Row(number, {}, error=record)
        try:
            values = json.loads(record)
        except (ValueError, RecursionError) as error:
            wrong = BadRowError(f"The line is not valid JSON: {error}.", item=record[:80])
            return Row(number, {}, error=wrong)
        if not isinstance(values, dict):
            wrong = BadRowError('The line is no JSON object, such as {"text": "..."}.', item=record[:80])
            return Row(number, {}, error=wrong)
        return make_row(number, values, self, table, record)


class LinesSource(_TextSource):
    """Files with a text in each line; blank lines are rows too."""

    def _read_columns(self) -> tuple[str, ...]:
        return ("text",)

    def _records(self, lines: LineReader) -> Iterator[str | InputError]:
        return _good_and_bad(lines)

    def _row(self, number: int, record: str | InputError, table: Place) -> Row:
        if isinstance(record, InputError):
            return Row(number, {"text": ""}, error=record)
        text = record.rstrip("\r\n")
        return make_row(number, {"text": text}, self, table, text)


class PictureSource(_TextSource):
    """The pictures below a folder, by a list of their names, a JSON string a line."""

    def __init__(self, folder: Place, listing: Place) -> None:
        self.folder = folder
        super().__init__([listing], ReadOptions(image_column="path"))

    def _read_columns(self) -> tuple[str, ...]:
        return ("path",)

    def _records(self, lines: LineReader) -> Iterator[str | InputError]:
        return _good_and_bad(lines)

    def _row(self, number: int, record: str, table: Place) -> Row:
        name = json.loads(record)
        return Row(
            number, {"path": name}, Sample(id=str(number), image=find_picture(self.folder, name, self.folder))
        )


def _good_and_bad(lines: LineReader) -> Iterator[str | InputError]:
    while True:
        try:
            yield next(lines)
        except StopIteration:
            return
        except InputError as error:
            yield error
