"""Corrections as a corpus that `emofuse train` and `emofuse evaluate` read."""

from __future__ import annotations

import hashlib
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

VALIDATION = 0.2
_PICTURE = re.compile(r"[0-9a-f]{64}\.[a-z0-9]+")


@dataclass(frozen=True)
class ExportSummary:
    """What an export holds.

    Attributes:
        train: Samples to learn from.
        validation: Samples to choose by.
        replaced: Corrections that a later one, by the same subject about the same text and picture, replaced.
        without_picture: Samples with a text whose picture is not stored or cannot be read; the text is there.
        left_out: Corrections of a picture alone that is not stored or cannot be read.
    """

    train: int
    validation: int
    replaced: int
    without_picture: int
    left_out: int


def export_corrections(
    store: CorrectionStore, folder: Path, *, since: datetime | None = None
) -> ExportSummary:
    """Write corrections in the form that the corpus `jsonl` reads: `train.jsonl` and `validation.jsonl`.

    Of several by one subject about the same text and picture the latest label counts; all without a subject
    count. A fifth of the texts, the same ones in every export, is for validation. Each file appears as a
    whole or not at all; pictures lie in `pictures`, where those of an earlier export that are not needed any
    more are deleted.

    Args:
        store: Where the corrections are.
        folder: That exists; the files in it are replaced.
        since: Corrections stored at this moment or later; None for all.

    Returns:
        How many became what.

    Raises:
        ConfigError: A file cannot be written.
    """
    latest, replaced = _latest(store, since)
    pictures = folder / "pictures"
    rows: dict[str, list[dict[str, Any]]] = {"train": [], "validation": []}
    without_picture = left_out = 0
    try:
        for correction in latest:
            picture = _write_picture(store, correction, pictures)
            if correction.text is None and picture is None:
                left_out += 1
                continue
            without_picture += correction.image_sha256 is not None and picture is None
            rows[_split_of(correction)].append(_row(correction, picture))
        for split, own in rows.items():
            lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in own)
            _write(folder / f"{split}.jsonl", lines.encode())
        _delete_others(
            pictures, {Path(row["image"]).name for own in rows.values() for row in own if "image" in row}
        )
    except OSError as error:
        raise ConfigError(f"Cannot write {error.filename}: {error.strerror}.", item=str(folder)) from error
    counts = {split: len(own) for split, own in rows.items()}
    return ExportSummary(counts["train"], counts["validation"], replaced, without_picture, left_out)


def _split_of(correction: StoredCorrection) -> str:
    # By content, so that one text, whoever corrected it, is never in both.
    digest = hashlib.sha256((correction.text or correction.image_sha256 or "").encode()).digest()
    return "validation" if digest[0] < VALIDATION * 256 else "train"


def _latest(store: CorrectionStore, since: datetime | None) -> tuple[list[StoredCorrection], int]:
    latest: dict[tuple[str | bool | None, ...], StoredCorrection] = {}
    count = 0
    for count, correction in enumerate(store.iter_corrections(since=since), 1):  # noqa: B007 - counts
        # Those without a subject may be of as many people.
        whose = correction.id if correction.subject is None else correction.subject
        key = (correction.subject is None, whose, correction.text, correction.image_sha256)
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
