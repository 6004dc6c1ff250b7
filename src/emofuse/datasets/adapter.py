"""What every corpus adapter offers, and the checks and file readers that they share."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from emofuse.errors import ConfigError, CorpusFormatError, CorpusNotFoundError
from emofuse.types import Sample

__all__ = [
    "VALENCE",
    "DatasetAdapter",
    "check_split",
    "find_file",
    "hash_share",
    "malformed",
    "read_csv",
    "read_lines",
    "read_table",
]

# The one kind of gold that is a number, not a label: -1 (unpleasant) to 1 (pleasant).
VALENCE = "valence"


class DatasetAdapter(Protocol):
    """Reads one corpus in the layout in which its authors publish it.

    Attributes:
        name: Name on the command line.
        taxonomies: Label sets of `Sample.labels`, main one first; `valence` stands for a number from -1 to 1,
            given as the weight of a label of that name.
        multi_label: Whether several labels of the main set may hold at once.
        licence: As the source states it.
        commercial_use: "yes", "no" or "unclear".
        splits: Valid split names.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def taxonomies(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def multi_label(self) -> bool: ...  # noqa: D102
    @property
    def licence(self) -> str: ...  # noqa: D102
    @property
    def commercial_use(self) -> str: ...  # noqa: D102
    @property
    def splits(self) -> tuple[str, ...]: ...  # noqa: D102

    def iter_samples(self, root: Path, split: str) -> Iterator[Sample]:
        """Read a split in file order.

        Args:
            root: Folder of the corpus.
            split: One of `splits`.

        Returns:
            An iterator of samples with labels and with ids that are unique in the split.

        Raises:
            ConfigError: No such split.
            CorpusNotFoundError: A file is missing.
            CorpusFormatError: A row does not follow the layout; names file and line.
        """
        ...


def check_split(adapter: DatasetAdapter, split: str) -> None:
    """Refuse a split that the adapter does not have.

    Args:
        adapter: Knows its splits.
        split: What was asked for.

    Raises:
        ConfigError: The message lists the valid splits.
    """
    if split not in adapter.splits:
        raise ConfigError(
            f"{adapter.name} has no split {split!r}. Valid: {', '.join(adapter.splits)}.", item=split
        )


def find_file(root: Path, *candidates: str, folder: str = "") -> Path:
    """Find the first of several relative paths that exists.

    Args:
        root: Folder of the corpus, or the folder above it.
        *candidates: Relative paths, best first.
        folder: Name that the corpus's folder usually has, for a root one level too high.

    Returns:
        The path found.

    Raises:
        CorpusNotFoundError: None exists; the message lists them.
    """
    for base in (root, root / folder):
        for candidate in candidates:
            if (base / candidate).exists():
                return base / candidate
    raise CorpusNotFoundError(
        f"Found none of {', '.join(candidates)} under {root}. Give the folder that holds the corpus.",
        item=str(root),
    )


def hash_share(key: str) -> float:
    """A number from 0 to 1 that a text alone decides: the split of a corpus that has no official one."""
    digest = hashlib.sha256(key.encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


def malformed(path: Path | str, line: int, reason: str) -> CorpusFormatError:
    """The error of a row that does not follow the layout, naming file and 1-based line."""
    return CorpusFormatError(f"{path} line {line}: {reason}", item=f"{path}:{line}")


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Read a UTF-8 text file, skipping blank lines.

    Args:
        path: The file.

    Yields:
        Line number, 1-based, and line without its end.

    Raises:
        CorpusFormatError: The file is not UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise _undecodable(path) from error


def read_csv(path: Path, *, encoding: str = "utf-8-sig") -> Iterator[tuple[int, list[str]]]:
    """Read a CSV file, skipping blank rows.

    Args:
        path: The file.
        encoding: Of the file.

    Yields:
        Number of the line on which the row ends, 1-based, and its cells.

    Raises:
        CorpusFormatError: The file is not in that encoding, or its quoting is broken.
    """
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            for row in reader:
                if row:
                    yield reader.line_num, row
        except UnicodeDecodeError as error:
            raise _undecodable(path) from error
        except csv.Error as error:
            raise malformed(path, reader.line_num, f"not a CSV row ({error}).") from error


def read_table(path: Path, required: Sequence[str] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows of a UTF-8 CSV file with a header, as column -> cell; cells missing at the end are left out.

    Args:
        path: The file.
        required: Columns without which the file is refused.

    Yields:
        Line, 1-based, and row.

    Raises:
        CorpusFormatError: A required column is missing, or a row cannot be read.
    """
    rows = read_csv(path)
    line, header = next(rows, (1, []))
    if missing := [column for column in required if column not in header]:
        raise malformed(path, line, f"the header lacks {', '.join(missing)}.")
    for line, row in rows:
        yield line, dict(zip(header, row, strict=False))


def _undecodable(path: Path) -> CorpusFormatError:
    # The reader decodes in blocks, so its error does not know the line.
    data = path.read_bytes()
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return malformed(path, data.count(b"\n", 0, error.start) + 1, f"not UTF-8 text ({error.reason}).")
    return CorpusFormatError(f"{path} changed while it was read.", item=str(path))
