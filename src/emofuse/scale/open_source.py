"""From a place to the source that reads it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from emofuse.errors import ConfigError
from emofuse.scale.files import replacing
from emofuse.scale.places import WEB, Place, open_from
from emofuse.scale.source import ReadOptions, Source
from emofuse.scale.text_source import CsvSource, JsonLinesSource, LinesSource, PictureSource

if TYPE_CHECKING:
    from upath import UPath

__all__ = ["open_source"]

TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".txt", ".parquet")
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")


def open_source(place: Place, options: ReadOptions, listing: Place) -> Source:
    """Open what is to be scored.

    Args:
        place: A table (.csv, .tsv, .jsonl, .parquet), a file of lines (.txt), or a folder of pictures,
            or of tables of one kind where it holds no pictures.
        options: How tables are read.
        listing: Where the names of a folder's pictures are written, if that was not done before.

    Returns:
        The source.

    Raises:
        ConfigError: There is no such place, it holds nothing that can be scored, or a column is missing.
        MissingExtraError: Parquet needs pyarrow.
    """
    _check_encoding(options.encoding)
    if _is_folder(place):
        if _list_pictures(place, listing):
            return PictureSource(place, listing)
        tables = sorted(path for path in place.iterdir() if path.suffix.lower() in TABLES)
        if not tables:
            raise ConfigError(
                f"{place} holds neither pictures ({', '.join(PICTURES)}) nor tables ({', '.join(TABLES)}).",
                item=str(place),
            )
        if len({path.suffix.lower() for path in tables}) > 1:
            raise ConfigError(
                f"{place} holds tables of several kinds. Score them one by one.", item=str(place)
            )
        return _open_tables(tables, options)
    if not isinstance(place, Path) and place.protocol in WEB:
        # Some servers give files from their beginning alone.
        with open_from(place, 1, 2) as file:
            file.read(1)
    elif not place.exists():
        raise ConfigError(f"There is no {place}. Check the path.", item=str(place))
    return _open_tables([place], options)


def _open_tables(paths: Sequence[Place], options: ReadOptions) -> Source:
    suffix = paths[0].suffix.lower()
    if suffix == ".parquet":
        from emofuse.scale.parquet import ParquetSource  # noqa: PLC0415 - an extra

        return ParquetSource(paths, options)
    kinds: dict[str, Callable[[Sequence[Place], ReadOptions], Source]] = {
        ".csv": CsvSource,
        ".tsv": CsvSource,
        ".jsonl": JsonLinesSource,
        ".ndjson": JsonLinesSource,
        ".txt": LinesSource,
    }
    if suffix not in kinds:
        raise ConfigError(
            f"{paths[0]} is none of {', '.join(TABLES)}, nor a folder. Convert or unpack it first.",
            item=str(paths[0]),
        )
    return kinds[suffix](paths, options)


def _list_pictures(folder: Place, listing: Place) -> bool:
    if listing.exists():
        return True
    with replacing(listing) as part, part.open("w", encoding="ascii") as out:
        for name in _find_pictures(folder) if isinstance(folder, Path) else _find_remote_pictures(folder):
            out.write(json.dumps(name) + "\n")
    if listing.stat().st_size:
        return True
    listing.unlink()
    return False


def _find_pictures(folder: Path) -> Iterator[str]:
    above = len(os.path.join(folder, ""))  # noqa: PTH118 - a path object for each of millions of names is slow
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = os.path.join(place, "")[above:]  # noqa: PTH118
        for name in sorted(names):
            if not name.startswith(".") and name.lower().endswith(PICTURES):
                yield below + name


def _find_remote_pictures(folder: UPath) -> Iterator[str]:
    root = folder.path.rstrip("/")
    waiting = [root]
    while waiting:
        above = waiting.pop()
        names: list[str] = []
        folders: list[str] = []
        for own in folder.fs.ls(above, detail=True):
            path = own["name"].rstrip("/")
            if path != above and not path.rpartition("/")[2].startswith("."):
                (folders if own["type"] == "directory" else names).append(path)
        # In the order in which a folder of this machine is gone through.
        yield from (path[len(root) + 1 :] for path in sorted(names) if path.lower().endswith(PICTURES))
        waiting += sorted(folders, reverse=True)


def _is_folder(place: Place) -> bool:
    # A web server knows no folders.
    return (isinstance(place, Path) or place.protocol not in WEB) and place.is_dir()


def _check_encoding(encoding: str) -> None:
    try:
        if '\n,"'.encode(encoding) == b'\n,"':
            return
    except LookupError as error:
        raise ConfigError(f"Python knows no encoding {encoding!r}.", item=encoding) from error
    raise ConfigError(
        f"{encoding} cannot be read line by line. Convert the file to UTF-8 first.", item=encoding
    )
