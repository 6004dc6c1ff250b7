"""Corrections as a table that `emofuse train` and `emofuse evaluate` read."""

from __future__ import annotations

import io
import json
import os
import re
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image

from emofuse.errors import ConfigError, ImageError
from emofuse.preprocess.image import load_image
from emofuse.serve.store.corrections import CorrectionStore
from emofuse.serve.store.records import StoredCorrection

__all__ = ["ExportSummary", "export_corrections"]

_PICTURE = re.compile(r"[0-9a-f]{64}\.[a-z0-9]+")


@dataclass(frozen=True)
class ExportSummary:
    """What an export holds.

    Attributes:
        rows: Samples written.
        replaced: Corrections that a later one, by the same subject about the same text and picture, replaced.
        without_picture: Samples with a text whose picture is not stored or cannot be read; the text is there.
        left_out: Corrections of a picture alone that is not stored or cannot be read.
    """

    rows: int
    replaced: int
    without_picture: int
    left_out: int


def export_corrections(store: CorrectionStore, path: Path, *, since: datetime | None = None) -> ExportSummary:
    """Write corrections in the form that the corpus `jsonl` reads.

    Of several by one subject about the same text and picture the latest label counts. The file appears as a
    whole or not at all; pictures lie in a folder beside it, named after the file, and pictures of an earlier
    export that are not needed any more are deleted there.

    Args:
        store: Where the corrections are.
        path: A `.jsonl` file; replaced if it exists.
        since: Corrections stored at this moment or later; None for all.

    Returns:
        How many became what.

    Raises:
        ConfigError: The file or its folder cannot be written.
    """
    latest, replaced = _latest(store, since)
    folder = path.with_name(f"{path.stem}_pictures")
    rows, without_picture = [], 0
    try:
        for correction in latest:
            picture = _write_picture(store, correction, folder)
            if correction.image_sha256 is not None and picture is None:
                without_picture += 1
            if correction.text is not None or picture is not None:
                rows.append(_row(correction, picture))
        _write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())
        _delete_others(folder, {Path(row["image"]).name for row in rows if "image" in row})
    except OSError as error:
        raise ConfigError(f"Cannot write {error.filename}: {error.strerror}.", item=str(path)) from error
    left_out = len(latest) - len(rows)
    return ExportSummary(len(rows), replaced, without_picture - left_out, left_out)


def _latest(store: CorrectionStore, since: datetime | None) -> tuple[list[StoredCorrection], int]:
    latest: dict[tuple[str | None, ...], StoredCorrection] = {}
    count = 0
    for count, correction in enumerate(store.iter_corrections(since=since), 1):  # noqa: B007 - counts
        key = (correction.subject, correction.text, correction.image_sha256)
        earlier = latest.pop(key, correction)
        latest[key] = replace(
            correction,
            # One may have corrected the emotion first and the sentiment later.
            emotion=correction.emotion or earlier.emotion,
            sentiment=correction.sentiment or earlier.sentiment,
        )
    return list(latest.values()), count - len(latest)


def _row(correction: StoredCorrection, picture: str | None) -> dict[str, Any]:
    row = {
        "id": correction.id,
        "text": correction.text,
        "image": picture,
        "emotion": correction.emotion,
        "sentiment": correction.sentiment,
    }
    return {name: value for name, value in row.items() if value is not None}


def _write_picture(store: CorrectionStore, correction: StoredCorrection, folder: Path) -> str | None:
    data = store.read_image(correction.id) if correction.has_image else None
    if data is None:
        return None
    try:
        load_image(data)
    except ImageError:
        return None
    suffix = (Image.open(io.BytesIO(data)).format or "").lower()
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{correction.image_sha256}.{suffix}"
    _write(folder / name, data)
    return f"{folder.name}/{name}"


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _delete_others(folder: Path, needed: set[str]) -> None:
    # The picture of someone who was erased must not outlive the next export.
    for path in folder.iterdir() if folder.is_dir() else ():
        if _PICTURE.fullmatch(path.name) and path.name not in needed:
            path.unlink()
