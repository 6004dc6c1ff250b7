"""Pictures in a storage, fetched some at a time shortly before they are read."""

from __future__ import annotations

import errno
import io
import posixpath
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

from emofuse.errors import ScoringError
from emofuse.scale.places import WEB, Place, explain, fetch
from emofuse.types import ImageSource

if TYPE_CHECKING:
    from upath import UPath

__all__ = ["RemotePicture", "find_picture", "read_ahead"]

AT_ONCE = 16
# What says that there is no such file, rather than that the storage is in trouble.
_OWN_FAULTS = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, ValueError)
_OWN_CODES = frozenset({errno.EINVAL, errno.ENAMETOOLONG})


class RemotePicture:
    """A picture in a storage; opens as a file does, once.

    Args:
        folder: That its name is relative to.
        name: May lead to another folder of the same bucket or server.
        known: What was there to be read before, in the same storage: without it, the storage is in trouble
            and not the picture.
    """

    def __init__(self, folder: UPath, name: str, known: UPath) -> None:
        self._folder, self._name, self._known = folder, name, known
        self._found: bytes | Exception | None = None
        self._together: Sequence[RemotePicture] = (self,)

    def __str__(self) -> str:
        return f"{str(self._folder).rstrip('/')}/{self._name}"

    def __repr__(self) -> str:
        return f"RemotePicture({str(self)!r})"

    def open(self, mode: str = "rb") -> IO[bytes]:
        """Open it for reading, and fetch those that are read after it if it was not fetched with others.

        Args:
            mode: As of a path; "rb".

        Returns:
            The file.

        Raises:
            FileNotFoundError: There is none.
            OSError: It cannot be opened.
            ScoringError: The storage gives no pictures any more.
        """
        if self._found is None:
            self._fetch()
        found, self._found, self._together = self._found, None, (self,)
        if isinstance(found, Exception):
            raise found
        return io.BytesIO(found or b"")

    def _fetch(self) -> None:
        asked = []
        for picture in self._together:
            try:
                asked.append((picture, picture._path()))
            except FileNotFoundError as error:
                picture._found = error
        fs = self._known.fs
        contents = fetch(fs, [path for _, path in asked])
        failed = [
            (path, own) for (_, path), own in zip(asked, contents, strict=True) if isinstance(own, Exception)
        ]
        trouble = next((own for path, own in failed if not (_is_own_fault(own) or fs.isdir(path))), None)
        if failed and not trouble:
            try:
                fs.info(self._known.path)
            except Exception as error:
                trouble = error
        if trouble:
            raise ScoringError(
                f"{self._known} gives no pictures: {explain(trouble)}. What was scored is kept; go on with "
                "--resume.",
                item=str(self._known),
            ) from trouble
        for (picture, _), content in zip(asked, contents, strict=True):
            picture._found = content

    def _path(self) -> str:
        above = self._folder.path.rstrip("/")
        if self._folder.protocol in WEB:
            return f"{above}/{self._name}"
        # A storage takes dots for names.
        path = posixpath.normpath(f"{above}/{self._name}")
        if path.split("/")[0] != above.split("/")[0]:
            raise FileNotFoundError(errno.ENOENT, "It would lie in another bucket", str(self))
        return path


def find_picture(folder: Place, name: str, known: Place) -> ImageSource:
    """The picture of a name.

    Args:
        folder: That the name is relative to.
        name: Of the picture.
        known: A file or folder of the same storage.

    Returns:
        Its path, or what opens it where the folder is in a storage.
    """
    if isinstance(folder, Path):
        return folder / name
    assert not isinstance(known, Path)
    return RemotePicture(folder, name, known)


def read_ahead(pictures: Iterable[object]) -> None:
    """Let pictures that are opened one after the other be fetched together.

    Args:
        pictures: In the order in which they are read; those that are none of a storage are passed over.
    """
    remote = iter([picture for picture in pictures if isinstance(picture, RemotePicture)])
    while some := list(islice(remote, AT_ONCE)):
        for picture in some:
            picture._together = some


def _is_own_fault(error: Exception) -> bool:
    return isinstance(error, _OWN_FAULTS) or getattr(error, "errno", None) in _OWN_CODES
