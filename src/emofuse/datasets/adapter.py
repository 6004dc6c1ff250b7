"""What every corpus adapter offers, and the two checks that all of them need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from emofuse.errors import ConfigError, CorpusFormatError, CorpusNotFoundError
from emofuse.types import Sample

__all__ = ["DatasetAdapter", "check_split", "find_file", "read_lines"]


class DatasetAdapter(Protocol):
    """Reads one corpus in the layout in which its authors publish it.

    Attributes:
        name: Name on the command line.
        taxonomies: Label sets of `Sample.labels`, main one first.
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

        Yields:
            Samples with labels and with ids that are unique in the split.

        Raises:
            ConfigError: No such split.
            CorpusNotFoundError: A file is missing.
            CorpusFormatError: A row does not follow the layout; names file and line.
        """
        ...


def check_split(adapter: DatasetAdapter, split: str) -> None:
    """Refuse a split that the adapter does not have.

    Raises:
        ConfigError: The message lists the valid splits.
    """
    if split not in adapter.splits:
        raise ConfigError(
            f"{adapter.name} has no split {split!r}. Valid: {', '.join(adapter.splits)}.", item=split
        )


def find_file(root: Path, *candidates: str) -> Path:
    """Find the first of several relative paths that exists.

    Args:
        root: Folder of the corpus.
        candidates: Relative paths, best first.

    Returns:
        The path found.

    Raises:
        CorpusNotFoundError: None exists; the message lists them.
    """
    for candidate in candidates:
        if (root / candidate).exists():
            return root / candidate
    raise CorpusNotFoundError(
        f"Found none of {', '.join(candidates)} under {root}. Give the folder that holds the corpus.",
        item=str(root),
    )


def read_lines(path: Path, *, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    """Lines of a text file with their 1-based numbers; blank lines are skipped.

    Raises:
        CorpusFormatError: The file is not in that encoding.
    """
    try:
        with path.open(encoding=encoding, newline="\n") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise CorpusFormatError(f"{path} is not {encoding} text: {error.reason}.", item=str(path)) from error
