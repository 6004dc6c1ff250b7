"""A user's own data: a CSV or JSON-lines table, or a folder of pictures per label."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from emofuse.datasets.adapter import check_split, find_file, malformed, read_lines, read_table
from emofuse.errors import CorpusFormatError, CorpusNotFoundError
from emofuse.taxonomy import OWN, load_taxonomy
from emofuse.types import Sample

__all__ = ["CsvAdapter", "FolderAdapter", "JsonlAdapter", "read_records"]

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")


def read_records(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Read a table of any columns.

    Args:
        path: A `.csv` file with a header, a `.jsonl` file or, where pyarrow is installed, a `.parquet` file.

    Yields:
        Number of the line, or of the row of a Parquet file, 1-based, and column -> value; columns may be
        missing from a row.

    Raises:
        CorpusNotFoundError: There is no such file.
        CorpusFormatError: The file has another suffix or a row that cannot be read.
    """
    if not path.is_file():
        raise CorpusNotFoundError(f"There is no file {path}.", item=str(path))
    if path.suffix == ".csv":
        yield from read_table(path)
    elif path.suffix == ".jsonl":
        yield from _read_jsonl(path)
    elif path.suffix == ".parquet":
        yield from enumerate(_read_parquet(path), 1)
    else:
        raise CorpusFormatError(f"{path} is no .csv, .jsonl or .parquet file.", item=str(path))


def _read_jsonl(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in read_lines(path):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise malformed(path, number, f"not valid JSON ({error.msg}).") from error
        if not isinstance(row, dict):
            raise malformed(path, number, "expected a JSON object.")
        yield number, row


def _read_parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    from pyarrow import ArrowInvalid, parquet  # noqa: PLC0415 - an extra

    try:
        yield from parquet.read_table(path).to_pylist()
    except ArrowInvalid as error:
        raise CorpusFormatError(f"{path} is no Parquet file ({error}).", item=str(path)) from error


class _TableAdapter(ABC):
    """Rows with a text column, an image column, or both, and one column per label set.

    Args:
        text_column: Column of the text; may be absent from the table.
        image_column: Column of the picture's path, relative to the table; may be absent.
        label_columns: Column -> label set.
    """

    name = ""
    multi_label = False
    licence = "the user's own data"
    commercial_use = "the user's own data"
    splits = ("train", "validation", "test")

    def __init__(
        self,
        *,
        text_column: str = "text",
        image_column: str = "image",
        label_columns: Mapping[str, str] | None = None,
    ) -> None:
        self.text_column = text_column
        self.image_column = image_column
        self.label_columns = dict(
            label_columns or {"emotion": "ekman7", "sentiment": "sentiment3", "label": OWN}
        )
        self.taxonomies = tuple(self.label_columns.values())

    def iter_samples(self, root: Path, split: str) -> Iterator[Sample]:
        """Read `root/<split>.<suffix>`, or `root` itself, whatever the split, when it is a file."""
        check_split(self, split)
        path = root if root.is_file() else find_file(root, f"{split}.{self.name}")
        ids: set[str] = set()
        for line, row in self._rows(path):
            text, image = row.get(self.text_column) or None, row.get(self.image_column) or None
            if text is None and image is None:
                raise malformed(path, line, f"needs a column {self.text_column!r} or {self.image_column!r}.")
            if not isinstance(text, str | None) or not isinstance(image, str | None):
                raise malformed(path, line, "text and image must be strings.")
            name = str(row.get("id") or f"{split}:{line}")
            if name in ids:
                raise malformed(path, line, f"the id {name!r} was used before.")
            ids.add(name)
            yield Sample(
                id=name,
                text=text,
                image=path.parent / image if image else None,
                labels=self._labels(row, path, line),
            )

    def _labels(self, row: Mapping[str, Any], path: Path, line: int) -> dict[str, dict[str, float]]:
        labels = {}
        for column, taxonomy in self.label_columns.items():
            label = row.get(column)
            if label is None or label == "":
                continue
            if not isinstance(label, str | int):
                raise malformed(path, line, f"{column} must be one label, not {label!r}.")
            if taxonomy == OWN:
                labels[OWN] = {str(label): 1.0}
                continue
            valid = load_taxonomy(taxonomy).labels
            if label not in valid:
                raise malformed(path, line, f"{column} {label!r} is none of {', '.join(valid)}.")
            labels[taxonomy] = {label: 1.0}
        return labels

    @abstractmethod
    def _rows(self, path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]: ...


class CsvAdapter(_TableAdapter):
    """`train.csv`, `validation.csv`, `test.csv` with columns text, image, emotion, sentiment, label.

    All but one of text and image may be left out. `label` is any label of the user's own, such as a category.
    """

    name = "csv"

    def _rows(self, path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
        return read_table(path)


class JsonlAdapter(_TableAdapter):
    """`train.jsonl`, `validation.jsonl`, `test.jsonl` with the same keys as the CSV form."""

    name = "jsonl"

    def _rows(self, path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
        return _read_jsonl(path)


class FolderAdapter:
    """`<split>/<label>/*.jpg`, or `<label>/*.jpg` when there are no split folders.

    Without split folders every split reads the same pictures, which is for scoring, not for training.

    Args:
        taxonomy: Label set of the folder names.
    """

    name = "folder"
    multi_label = False
    licence = "the user's own data"
    commercial_use = "the user's own data"
    splits = ("train", "validation", "test")

    def __init__(self, *, taxonomy: str = "ekman7") -> None:
        self.taxonomies = (taxonomy,)

    def iter_samples(self, root: Path, split: str) -> Iterator[Sample]:
        """Read the pictures of a split, sorted by label and name."""
        check_split(self, split)
        base = root / split if any((root / name).is_dir() for name in self.splits) else root
        entries = sorted(base.iterdir()) if base.is_dir() else []
        folders = [entry for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
        if not folders:
            raise CorpusNotFoundError(
                f"Found no label folders under {base}. Expected {base}/<label>/<picture>.", item=str(base)
            )
        labels = load_taxonomy(self.taxonomies[0]).labels
        for folder in folders:
            if folder.name not in labels:
                raise CorpusFormatError(
                    f"The folder {folder} is none of {', '.join(labels)}.", item=str(folder)
                )
            for path in sorted(folder.iterdir()):
                if path.suffix.lower() in PICTURES:
                    yield Sample(
                        id=f"{folder.name}/{path.name}",
                        image=path,
                        labels={self.taxonomies[0]: {folder.name: 1.0}},
                    )
