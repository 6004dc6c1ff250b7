"""Files of a run that are there as a whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from emofuse.scale.places import Place, read_all

if TYPE_CHECKING:
    from upath import UPath

__all__ = ["Done", "PartFiles", "read_marks", "remove_run", "replacing"]

MARK = ".done"
# Storages that show an object when all of it has arrived, with options of their uploads; all others are
# given a hidden name first. s3fs by itself holds ten pieces of 50 MiB in memory at a time.
_FEW: dict[str, Any] = {"max_concurrency": 2}
WHOLE: dict[str, dict[str, Any]] = {"s3": _FEW, "s3a": _FEW} | {
    name: {} for name in ("gs", "gcs", "az", "abfs", "abfss", "adl", "memory")
}


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

    def __init__(self, folder: Place, index: int, suffix: str) -> None:
        stem = f"part-{index:07d}"
        self.rows = folder / f"{stem}{suffix}"
        self.errors = folder / f"{stem}.errors"
        self._mark = folder / f"{stem}{MARK}"

    def mark(self, done: Done) -> None:
        """Say that the other files are complete."""
        with replacing(self._mark) as part:
            part.write_text(json.dumps(asdict(done)), encoding="ascii")


def read_marks(folder: Place) -> dict[int, Done]:
    """What became of the partitions that are done.

    Args:
        folder: Of all parts.

    Returns:
        Index of a partition -> what became of it.
    """
    contents = read_all(place for place in folder.iterdir() if place.suffix == MARK)
    marks = (Done(**json.loads(content)) for content in contents)
    return {done.index: done for done in marks}


@contextmanager
def replacing(place: Place) -> Iterator[Path]:
    """Give a file of this machine, which takes its place in the end if nothing went wrong."""
    if not isinstance(place, Path):
        with TemporaryDirectory(prefix="emofuse-") as folder:
            part = Path(folder, "part")
            yield part
            _upload(part, place)
        return
    # A process id may be taken on another machine that writes to the same folder.
    part = place.with_name(f".{place.name}.{secrets.token_hex(8)}")
    try:
        yield part
        # Or a power cut could leave the name without the bytes.
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)


def _upload(part: Path, place: UPath) -> None:
    if place.protocol in WHOLE:
        place.fs.put_file(str(part), place.path, **WHOLE[place.protocol])
        return
    hidden = place.with_name(f".{place.name}.{secrets.token_hex(8)}")
    place.fs.makedirs(place.parent.path, exist_ok=True)
    try:
        place.fs.put_file(str(part), hidden.path)
        place.unlink(missing_ok=True)
        place.fs.mv(hidden.path, place.path)
    finally:
        hidden.unlink(missing_ok=True)


def remove_run(work: Place, record: str) -> None:
    """Remove the folder of a run, so that nobody goes on with half of it.

    Args:
        work: The folder.
        record: Name of the file without which it is no run.
    """
    if isinstance(work, Path):
        # Under another name first.
        gone = work.with_name(f".{work.name}.gone")
        shutil.rmtree(gone, ignore_errors=True)
        work.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
    elif work.exists():
        _remove_remote_run(work, record)


def _remove_remote_run(work: UPath, record: str) -> None:
    fs = work.fs
    if work.protocol not in WHOLE:
        gone = work.with_name(f".{work.name}.gone")
        if gone.exists():
            fs.rm(gone.path, recursive=True)
        fs.mv(work.path, gone.path, recursive=True)
        fs.rm(gone.path, recursive=True)
        return
    # Folders have no name of their own there. What is done is forgotten before it is gone.
    left = [place for place in work.iterdir() if place.name != record]
    for forgotten in (True, False):
        if some := [place.path for place in left if (place.suffix == MARK) is forgotten]:
            fs.rm(some)
    if work.exists():
        fs.rm(work.path, recursive=True)
