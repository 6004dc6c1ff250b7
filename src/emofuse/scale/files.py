"""Files of a run that are there as a whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Done", "PartFiles", "replacing"]


@dataclass(frozen=True)
class Done:
    """What became of a partition.

    Attributes:
        index: Of the partition.
        size: Of the partition, in its unit.
        rows: Number of rows.
        bad: Rows without an answer.
        repeated: Rows that were like others and took their answers.
    """

    index: int
    size: int
    rows: int
    bad: int
    repeated: int


class PartFiles:
    """The files of a partition.

    Args:
        folder: Of all parts.
        index: Of the partition.
        suffix: Of its rows.
    """

    def __init__(self, folder: Path, index: int, suffix: str) -> None:
        stem = f"part-{index:07d}"
        self.rows = folder / f"{stem}{suffix}"
        self.errors = folder / f"{stem}.errors"
        self._mark = folder / f"{stem}.done"

    def read_mark(self) -> Done | None:
        """What became of the partition, if it is done."""
        try:
            return Done(**json.loads(self._mark.read_bytes()))
        except FileNotFoundError:
            return None

    def mark(self, done: Done) -> None:
        """Say that the other files are complete."""
        with replacing(self._mark) as part:
            part.write_text(json.dumps(asdict(done)), encoding="ascii")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a file beside `path`, which takes its place in the end if nothing went wrong."""
    # A process id may be taken on another machine that writes to the same folder.
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        yield part
        # Or a power cut could leave the name without the bytes.
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
