"""The summary of a scored table: one page to read, and the same figures as JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from emofuse.datasets.adapter import malformed
from emofuse.errors import ConfigError, CorpusFormatError, CorpusNotFoundError, MissingExtraError
from emofuse.evaluate.page import render_page
from emofuse.scale.lines import MAX_LINE_BYTES
from emofuse.scale.places import Place, open_whole
from emofuse.scale.report_page import build_sections, list_facts
from emofuse.scale.report_tally import OUTPUTS, Columns, Tally
from emofuse.scale.table import FORMATS

__all__ = ["SCHEMA", "write_report"]

SCHEMA = "emofuse.score_report/1"
HEAD = 1000  # rows whose keys are the columns of JSON lines
BATCH = 8192  # rows of a Parquet file held at a time


def write_report(
    table: Place,
    folder: Path,
    *,
    date_column: str | None = None,
    group_columns: Sequence[str] = (),
    show_columns: Sequence[str] = (),
) -> None:
    """Sum up a scored table in `report.html` and `report.json`.

    The table is read once, row by row; memory does not grow with it. Output columns that it lacks leave their
    sections out.

    Args:
        table: A `.csv`, `.tsv`, `.jsonl` or `.parquet` file with columns of `emofuse score`.
        folder: Where to write; made if it is not there.
        date_column: Column of dates; shares are then shown over time.
        group_columns: Columns whose values are compared with one another.
        show_columns: Columns of the text or the picture's path, for the lists of single rows; those that the
            table lacks are left out.

    Raises:
        ConfigError: The table lacks a column, has none of `emofuse score`, or the folder cannot be written.
        CorpusNotFoundError: There is no such table.
        CorpusFormatError: The table cannot be read.
        MissingExtraError: The table is Parquet and pyarrow is not installed.
    """
    columns = Columns(date_column, tuple(dict.fromkeys(group_columns)), tuple(dict.fromkeys(show_columns)))
    rows = _read_rows(table, columns)
    head = list(islice(rows, HEAD))
    found = list(dict.fromkeys(name for row in head for name in row))
    _check_columns(table, found if head else None, columns)
    columns = replace(columns, shown=tuple(name for name in columns.shown if name in found))
    tally = Tally(columns)
    for number, row in enumerate(chain(head, rows), 1):
        tally.add(number, row)
    figures = {
        "schema": SCHEMA,
        "table": table.name,
        "columns": {"date": date_column, "groups": columns.groups, "shown": columns.shown},
        "outputs": [name for name in OUTPUTS if name in found],
        **tally.to_dict(),
    }
    page = render_page(f"Scores of {table.name}", list_facts(figures), build_sections(figures))
    _write(folder, {"report.json": json.dumps(figures, indent=1) + "\n", "report.html": page})


def _read_rows(table: Place, columns: Columns) -> Iterator[Mapping[str, Any]]:
    if not table.is_file():
        raise CorpusNotFoundError(f"There is no file {table}.", item=str(table))
    suffix = table.suffix.lower()
    if suffix == ".jsonl":
        return _read_jsonl(table)
    if suffix == ".parquet":
        return _read_parquet(table, columns)
    if suffix in FORMATS:
        return _read_cells(table, "\t" if suffix == ".tsv" else ",")
    raise ConfigError(f"{table} must end in one of {', '.join(FORMATS)}.", item=str(table))


# Bytes that could not be decoded stand in the output as they were: they are replaced, not refused.


def _read_cells(table: Place, delimiter: str) -> Iterator[Mapping[str, Any]]:
    csv.field_size_limit(MAX_LINE_BYTES)
    with table.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            header = next(rows, [])
            for row in rows:
                if row:
                    yield dict(zip(header, row, strict=False))
        except csv.Error as error:
            raise malformed(str(table), rows.line_num, f"not a CSV row ({error}).") from error


def _read_jsonl(table: Place) -> Iterator[Mapping[str, Any]]:
    with table.open(encoding="utf-8", errors="replace", newline="\n") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise malformed(str(table), number, f"not valid JSON ({error.msg}).") from error
            if not isinstance(row, dict):
                raise malformed(str(table), number, "expected a JSON object.")
            yield row


def _read_parquet(table: Place, columns: Columns) -> Iterator[Mapping[str, Any]]:
    try:
        from pyarrow import ArrowInvalid, parquet  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError("scale", "pyarrow") from error
    try:
        with open_whole(table) as whole, parquet.ParquetFile(whole) as file:
            names = file.schema_arrow.names
            # Checked here, since only the columns that are looked at are read.
            _check_columns(table, names, columns)
            wanted = [name for name in dict.fromkeys((*columns.own, *OUTPUTS)) if name in names]
            for batch in file.iter_batches(BATCH, columns=wanted):
                yield from batch.to_pylist()
    except ArrowInvalid as error:
        raise CorpusFormatError(f"{table} is no Parquet file ({error}).", item=str(table)) from error


def _check_columns(table: Place, found: Iterable[str] | None, columns: Columns) -> None:
    if found is None:  # a table without rows may say nothing of its columns
        return
    has = f"it has {', '.join(found)}."
    if missing := [name for name in columns.needed if name not in found]:
        raise ConfigError(f"{table} has no column {', '.join(missing)}; {has}", item=missing[0])
    if not set(OUTPUTS) & set(found):
        raise ConfigError(f"{table} has no column of `emofuse score`; {has} Score it first.", item=str(table))


def _write(folder: Path, files: Mapping[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"Cannot write to {folder}: {error.strerror}. Choose another place.", item=str(folder)
        ) from error
