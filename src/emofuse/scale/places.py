"""Where things lie: a `pathlib.Path` on this machine, or an address that fsspec knows.

fsspec and what belongs to it are imported only where such an address was given.
"""

from __future__ import annotations

import errno
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from emofuse.errors import ConfigError, EmofuseError, MissingExtraError

if TYPE_CHECKING:
    from upath import UPath

__all__ = [
    "WEB",
    "Place",
    "brought_here",
    "explain",
    "fetch",
    "open_from",
    "open_whole",
    "reaching",
    "read_all",
    "read_place",
    "storage_errors",
]

Place: TypeAlias = "Path | UPath"
"""A path of this machine, or of a storage; both have the names of pathlib's methods."""

BLOCK = 4 << 20  # bytes that are read at a time
WEB = ("http", "https")
LONGEST = 300  # of a back end's own words, in characters
AT_ONCE = 64  # files that are fetched at a time
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def read_place(text: str) -> Place:
    """The place that somebody named.

    Args:
        text: A path, or an address such as `s3://bucket/key`.

    Returns:
        A `pathlib.Path` of a path or a `file://` address, fsspec's path of any other.

    Raises:
        ConfigError: No storage of that name, its package is not installed, or it cannot be reached.
        MissingExtraError: An address needs universal_pathlib.
    """
    scheme = _ADDRESS.match(text)
    if scheme is None:
        return Path(text)
    if scheme[1].lower() == "file":
        return Path(text[scheme.end() :])
    try:
        from upath import UPath  # noqa: PLC0415 - an extra, and slow to import
    except ModuleNotFoundError as error:
        raise MissingExtraError("scale", "universal_pathlib") from error
    try:
        place = UPath(scheme[1].lower() + text[scheme.end(1) :])
        with storage_errors(place):
            # Listings that are kept would grow with the storage, and age.
            place.fs.dircache.use_listings_cache = False
    except (ImportError, OSError, ValueError) as error:
        raise ConfigError(f"{text} cannot be used: {explain(error)}.", item=text) from error
    return place


@contextmanager
def storage_errors(*places: Place) -> Iterator[None]:
    """Let what the packages behind an address raise arrive as `OSError`, as that of a disk does.

    Args:
        *places: That are worked with.

    Raises:
        OSError: A place that is no path of this machine could not be read or written.
    """
    try:
        yield
    except (OSError, EmofuseError):
        raise
    except Exception as error:
        remote = next((place for place in places if not isinstance(place, Path)), None)
        # fsspec has no error of its own that they all share. What Python itself raises is our mistake, but
        # for an `ImportError`, by which fsspec says what to install.
        ours = type(error).__module__ == "builtins" and type(error) is not ImportError
        if remote is None or ours:
            raise
        raise OSError(errno.EIO, explain(error), str(remote)) from error


@contextmanager
def reaching(place: Place) -> Iterator[None]:
    """Refuse a place that cannot be used, before any work.

    Args:
        place: That is looked at; one on this machine is let through as it is.

    Raises:
        ConfigError: It cannot be reached, read or written.
    """
    try:
        with storage_errors(place):
            yield
    except (OSError, ValueError) as error:
        if isinstance(place, Path):
            raise
        raise ConfigError(f"{place} cannot be used: {explain(error)}.", item=str(place)) from error


def explain(error: Exception) -> str:
    """What went wrong, in one line without a full stop; some back ends fill pages."""
    named = str(error) if type(error) is ImportError else f"{type(error).__name__}: {error}"
    text = getattr(error, "strerror", None) or named
    return " ".join(str(text).split())[:LONGEST].rstrip(".")


@contextmanager
def open_from(place: Place, start: int, stop: int) -> Iterator[BinaryIO]:
    """Open a file to be read between two offsets, or somewhat beyond.

    Args:
        place: A file.
        start: Where reading begins, in bytes.
        stop: Where it will most likely end; no more than 4 MiB are read ahead.

    Yields:
        The file, open at `start`.

    Raises:
        OSError: It cannot be read, or not in pieces.
    """
    if isinstance(place, Path):
        with place.open("rb") as file:
            file.seek(start)
            yield file
        return
    with (
        place.fs.open(place.path, "rb", cache_type="none") as raw,
        io.BufferedReader(_Ranges(raw, str(place)), min(max(1, stop - start), BLOCK)) as buffered,
    ):
        buffered.seek(start)
        yield buffered


class _Ranges(io.RawIOBase):
    # Files of fsspec have some of the methods of Python's, and each back end others.

    def __init__(self, file: Any, name: str) -> None:
        self._file, self._name = file, name
        if getattr(file, "size", 0) is None:
            raise self._refused()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._file.seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._file.read(len(buffer))
        except ValueError as error:
            raise self._refused() from error
        buffer[: len(data)] = data
        return len(data)

    def _refused(self) -> OSError:
        return OSError(errno.EOPNOTSUPP, "The server does not give parts of files; copy it first", self._name)


def open_whole(place: Place) -> Any:
    """What pyarrow reads a file from, as a context: the path itself, or a file that is read in ranges."""
    if isinstance(place, Path):
        return nullcontext(place)
    return place.fs.open(place.path, "rb", cache_type="none")


def fetch(fs: Any, paths: Sequence[str]) -> list[bytes | Exception]:
    """Read whole files of a storage at the same time.

    Args:
        fs: A file system of fsspec.
        paths: As it names them.

    Returns:
        The content of each file, or why it could not be read.
    """
    # Unlike `cat`, this takes stars and brackets in names for what they are.
    found: list[bytes | Exception] = fs.cat_ranges(list(paths), None, None, on_error="return")
    return found


def read_all(places: Iterable[Place]) -> Iterator[bytes]:
    """Read small files, those of a storage some at a time.

    Args:
        places: All on this machine or all in one storage.

    Yields:
        The content of each.

    Raises:
        OSError: One cannot be read.
    """
    there = iter(places)
    while chunk := list(islice(there, AT_ONCE)):
        remote = [place for place in chunk if not isinstance(place, Path)]
        yield from (place.read_bytes() for place in chunk if isinstance(place, Path))
        for content in fetch(remote[0].fs, [place.path for place in remote]) if remote else ():
            if isinstance(content, Exception):
                raise content
            yield content


@contextmanager
def brought_here(places: Sequence[Place]) -> Iterator[Sequence[Path]]:
    """Files as paths of this machine, for as long as the context lasts.

    Args:
        places: All on this machine or all in one storage.

    Yields:
        Themselves, or copies in the folder for temporary files.

    Raises:
        OSError: One cannot be read, or there is no room.
    """
    remote = [place for place in places if not isinstance(place, Path)]
    if not remote:
        yield [place for place in places if isinstance(place, Path)]
        return
    with TemporaryDirectory(prefix="emofuse-") as folder:
        copies = [Path(folder, place.name) for place in remote]
        for first in range(0, len(remote), AT_ONCE):
            some = slice(first, first + AT_ONCE)
            remote[0].fs.get([place.path for place in remote[some]], [str(path) for path in copies[some]])
        yield copies
