"""What is scored, cut into partitions that can be read on their own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emofuse.errors import BadRowError, ConfigError, InputError
from emofuse.scale.lines import refuse_undecoded
from emofuse.scale.pictures import find_picture
from emofuse.scale.places import Place
from emofuse.types import Sample

__all__ = ["Partition", "ReadOptions", "Row", "Source", "make_row"]

ROWS = 4096
PICTURES = 128


@dataclass(frozen=True)
class Partition:
    """Rows that are scored as a whole.

    Attributes:
        index: From 0, in the order of the input.
        file: That holds them.
        start: Where they begin: an offset in bytes, or a row of a Parquet file.
        stop: Where they end.
        first_row: Number of the first one in the whole input, from 1.
    """

    index: int
    file: Place
    start: int
    stop: int
    first_row: int


@dataclass(frozen=True)
class Row:
    """A row of the input.

    Attributes:
        number: In the whole input, from 1; a header does not count.
        values: Column -> value as read; empty where nothing could be read.
        sample: What there is to predict; None where the row is bad.
        error: Why the row is bad; None where it is not.
    """

    number: int
    values: Mapping[str, Any]
    sample: Sample | None = None
    error: InputError | None = None


@dataclass(frozen=True)
class ReadOptions:
    """How a table is read.

    Attributes:
        text_column: Column of the text; None takes `text` where there is one.
        image_column: Column of the picture's path, relative to the table; None takes `image` where there is
            one.
        encoding: Of CSV, TSV and line files; a superset of ASCII.
        delimiter: Between cells; None takes that of the file's kind.
    """

    text_column: str | None = None
    image_column: str | None = None
    encoding: str = "utf-8"
    delimiter: str | None = None


class Source(ABC):
    """An input that can be cut into partitions; workers get it by pickle and open its files themselves.

    Args:
        files: That hold the rows, in order.
        options: How they are read.

    Attributes:
        files: That hold the rows, in order.
        columns: Names of the columns; None where each row has its own.
        schema: pyarrow's schema of Parquet files; None of others.
    """

    rows_each = ROWS
    schema: Any = None

    def __init__(self, files: Sequence[Place], options: ReadOptions) -> None:
        self.files = tuple(files)
        self.options = options
        self.columns = self._read_columns()
        found = self.columns if self.columns is not None else self._peek_columns()
        self.text_column, self.image_column = _choose_columns(options, found, files[0])

    @property
    def size(self) -> int:
        """Sum of the sizes of all partitions, in their unit."""
        return sum(path.stat().st_size for path in self.files)

    def partitions(self) -> Iterator[Partition]:
        """Cut the input, the same way each time."""
        index, row = 0, 1
        for path in self.files:
            for start, stop, count in self._cut(path):
                yield Partition(index, path, start, stop, row)
                index, row = index + 1, row + count

    @abstractmethod
    def rows(self, partition: Partition) -> Iterator[Row]:
        """Read the rows of a partition in order."""

    def all_columns(self) -> tuple[str, ...]:
        """Names of the columns of all rows; may read the whole input."""
        return self.columns or ()

    @abstractmethod
    def _cut(self, path: Place) -> Iterator[tuple[int, int, int]]:
        """Where each partition of a file starts and stops, and how many rows it has."""

    def _read_columns(self) -> tuple[str, ...] | None:
        return None

    def _peek_columns(self) -> tuple[str, ...]:
        return ()


def make_row(number: int, values: Mapping[str, Any], source: Source, table: Place, raw: str = "") -> Row:
    """A row with its sample, or with what is wrong with it.

    Args:
        number: Of the row.
        values: Its cells.
        source: Knows its columns.
        table: That the row is in; paths of pictures are relative to its folder.
        raw: Everything that was read, to be checked for bytes that could not be decoded.

    Returns:
        The row.
    """
    text = values.get(source.text_column) if source.text_column else None
    image = values.get(source.image_column) if source.image_column else None
    try:
        refuse_undecoded(raw, source.options.encoding)
        for name, value in ((source.text_column, text), (source.image_column, image)):
            if not isinstance(value, str | None):
                raise BadRowError(f"{name!r} must be a string, not {value!r:.40}.", item=repr(value)[:80])
    except BadRowError as error:
        return Row(number, values, error=error)
    # Where both may be given, an empty cell is one that is not there.
    if source.text_column and source.image_column:
        text = text or None
    picture = find_picture(table.parent, image, table) if image else None
    return Row(number, values, Sample(id=str(number), text=text, image=picture))


def _choose_columns(
    options: ReadOptions, columns: Sequence[str], path: Place
) -> tuple[str | None, str | None]:
    has = f"{path} has the columns {', '.join(columns) or '(none)'}"
    for option, name in (("--text-column", options.text_column), ("--image-column", options.image_column)):
        if name is not None and name not in columns:
            raise ConfigError(f"There is no column {name!r}: {has}. Name one with {option}.", item=name)
    if options.text_column or options.image_column:
        return options.text_column, options.image_column
    text, image = (name if name in columns else None for name in ("text", "image"))
    if text is None and image is None:
        hint = " Is --delimiter ';' missing?" if len(columns) == 1 and ";" in columns[0] else ""
        raise ConfigError(
            f"{has}. Say which to read with --text-column or --image-column.{hint}", item=str(path)
        )
    return text, image
