"""Parquet in and out, with pyarrow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from emofuse.errors import ConfigError
from emofuse.scale.fields import Column
from emofuse.scale.places import Place, open_whole
from emofuse.scale.source import PICTURES, Partition, ReadOptions, Row, Source, make_row

__all__ = ["ParquetFormat", "ParquetSource"]

ROWS = 16_384
BATCH = 1024
GROUP_ROWS = 1 << 17  # of a row group of the output
TYPES = {"string": pa.string(), "number": pa.float64(), "boolean": pa.bool_(), "object": pa.string()}


class ParquetSource(Source):
    """Parquet files with the same columns; partitions are runs of rows within a row group."""

    columns: tuple[str, ...]

    def __init__(self, files: Sequence[Place], options: ReadOptions) -> None:
        super().__init__(files, options)
        self.schema = _read_schema(files[0])
        for path in files[1:]:
            if not _read_schema(path).equals(self.schema):
                raise ConfigError(
                    f"{path} has other columns than {files[0].name}. Score them one by one.", item=str(path)
                )

    @property
    def size(self) -> int:
        """Number of rows."""
        return sum(_read_metadata(path).num_rows for path in self.files)

    def rows(self, partition: Partition) -> Iterator[Row]:
        """Read the rows of a partition in order."""
        remote = not isinstance(partition.file, Path)
        # Columns that lie side by side come in one answer of a storage, and in pieces from a disk.
        with (
            open_whole(partition.file) as whole,
            parquet.ParquetFile(whole, pre_buffer=remote) as file,
        ):
            number = partition.first_row
            for values in _read_rows(file, partition.start, partition.stop):
                yield make_row(number, values, self, partition.file)
                number += 1

    def _cut(self, path: Place) -> Iterator[tuple[int, int, int]]:
        start, most = 0, PICTURES if self.image_column else ROWS
        for count in _count_groups(_read_metadata(path)):
            for first in range(start, start + count, most):
                stop = min(first + most, start + count)
                yield first, stop, stop - first
            start += count

    def _read_columns(self) -> tuple[str, ...]:
        return tuple(_read_schema(self.files[0]).names)


class ParquetFormat:
    """Parquet files; columns of the input keep their types where it is Parquet too.

    Args:
        answers: Columns that are added.
        schema: Of the input; None infers it.
    """

    def __init__(self, answers: Sequence[Column], schema: pa.Schema | None = None) -> None:
        self._answers = answers
        self._added = [pa.field(column.name, TYPES[column.kind]) for column in answers]
        self._schema = schema

    def write_part(self, path: Path, groups: Iterable[Sequence[Mapping[str, Any]]]) -> None:
        """Write some of the rows to a file of their own."""
        rows = [self._plain(row) for group in groups for row in group]
        own = self._schema or _infer(
            [{key: row[key] for key in row if not self._is_answer(key)} for row in rows]
        )
        schema = pa.schema([*own, *self._added])
        parquet.write_table(pa.Table.from_pylist(rows, schema=schema), path)

    def merge(self, parts: Iterable[Path], out: Path) -> None:
        """Write the rows of all parts to one file."""
        places = list(parts)
        kinds = [parquet.read_schema(place) for place in places]
        schema = pa.unify_schemas(kinds, promote_options="permissive") if kinds else pa.schema(self._added)
        waiting: list[pa.Table] = []
        with parquet.ParquetWriter(out, schema) as writer:
            for place in places:
                waiting.append(parquet.read_table(place))
                if sum(table.num_rows for table in waiting) >= GROUP_ROWS:
                    writer.write_table(_join(waiting, schema))
                    waiting = []
            if waiting:
                writer.write_table(_join(waiting, schema))

    def _is_answer(self, name: str) -> bool:
        return any(column.name == name for column in self._answers)

    def _plain(self, row: Mapping[str, Any]) -> dict[str, Any]:
        objects = {column.name for column in self._answers if column.kind == "object"}
        return {
            key: json.dumps(value, ensure_ascii=False) if key in objects and value is not None else value
            for key, value in row.items()
        }


def _infer(rows: Sequence[Mapping[str, Any]]) -> pa.Schema:
    return pa.Table.from_pylist(list(rows)).schema


def _join(tables: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
    whole = pa.concat_tables([schema.empty_table(), *tables], promote_options="permissive")
    return whole.select(schema.names).cast(schema)


def _read_metadata(path: Place) -> Any:
    with open_whole(path) as whole:
        return parquet.read_metadata(whole)


def _read_schema(path: Place) -> pa.Schema:
    try:
        with open_whole(path) as whole:
            return parquet.read_schema(whole)
    except pa.ArrowInvalid as error:
        raise ConfigError(f"{path} is no Parquet file ({error}).", item=str(path)) from error


def _count_groups(metadata: Any) -> list[int]:
    return [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]


def _read_rows(file: parquet.ParquetFile, start: int, stop: int) -> Iterator[Mapping[str, Any]]:
    first = 0
    for group, count in enumerate(_count_groups(file.metadata)):
        if first < stop and start < first + count:
            at = first
            for batch in file.iter_batches(batch_size=BATCH, row_groups=[group]):
                if at < stop and start < at + batch.num_rows:
                    yield from batch.slice(max(start - at, 0), stop - max(at, start)).to_pylist()
                at += batch.num_rows
                if at >= stop:
                    return
        first += count
