"""Where uploads lie while the page is shown."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

__all__ = ["keep_uploads"]

PREFIX = "emofuse-demo-"
LOCK = "in-use"
FOLDER_VARIABLE = "GRADIO_TEMP_DIR"


@contextmanager
def keep_uploads() -> Iterator[Path]:
    """Give Gradio a folder of its own, which goes when this ends, be it by SIGTERM or with the terminal.

    Folders of pages that were killed go at the beginning.

    Yields:
        The folder, which its owner alone can read.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        _remove_unused(left)
    before = os.environ.get(FOLDER_VARIABLE)
    with (
        _ending_in_order(),
        tempfile.TemporaryDirectory(prefix=PREFIX) as folder,
        (Path(folder) / LOCK).open("w") as lock,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.environ[FOLDER_VARIABLE] = folder
        try:
            yield Path(folder)
        finally:
            del os.environ[FOLDER_VARIABLE]
            if before is not None:
                os.environ[FOLDER_VARIABLE] = before


def _remove_unused(folder: Path) -> None:
    try:
        with (folder / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        pass  # somebody shows a page from it, or it belongs to another


@contextmanager
def _ending_in_order() -> Iterator[None]:
    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, _leave),
        # While the server runs, it is the server that ends at SIGTERM.
        signal.SIGHUP: signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM)),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)
