"""FER-2013 and FER+: 48 x 48 grey faces, one label or ten annotators' votes each."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emofuse.datasets.adapter import check_split, find_file, malformed, read_csv, read_table
from emofuse.errors import CorpusFormatError, MissingExtraError
from emofuse.taxonomy import load_taxonomy
from emofuse.types import ImageArray, Sample

__all__ = ["Fer2013Adapter", "FerPlusAdapter"]

SAME_PHOTO = 0.88
SIDE_PX = 48
VOTE_COLUMNS = 10
_USAGE = {"train": "Training", "validation": "PublicTest", "test": "PrivateTest", "test_clean": "PrivateTest"}


@dataclass(frozen=True)
class _Row:
    number: int
    usage: str
    label: int
    votes: tuple[int, ...]
    png: bytes
    sha1: str
    train_sim: float
    train_sim_row: int


class _FerFiles:
    """Reads either layout and keeps the splits apart.

    Left out of `train` are the exact twins of validation and test faces, in either layout, and with the
    Parquet form also the training row nearest to each of those faces where its similarity is above 0.88.
    Other training rows of the same photograph, beyond the nearest, stay: `test` is not free of them, and
    `test_clean`, whose faces have no near training row at all by that measure, is the figure to trust.
    """

    multi_label = False
    licence = "FER+ votes MIT; pixels: research challenge data, no licence stated"
    commercial_use = "unclear"
    splits = ("train", "validation", "test", "test_clean")
    _voted = False

    def _rows(self, root: Path, split: str) -> Iterator[_Row]:
        path = find_file(root, "fer.parquet", "fer2013.csv", folder="fer2013")
        if split == "test_clean" and path.suffix != ".parquet":
            raise CorpusFormatError(
                "The split test_clean needs the column train_sim of the Parquet form.", item=str(path)
            )
        if path.suffix == ".parquet":
            rows = list(_read_parquet(path))
        else:
            rows = list(_read_faces(path, _read_votes(path.parent) if self._voted else None))
        held_back = [row for row in rows if row.usage != "Training"]
        twins = {row.sha1 for row in held_back}
        photos = {row.train_sim_row for row in held_back if row.train_sim > SAME_PHOTO}
        for row in rows:
            if row.usage != _USAGE[split]:
                continue
            if split == "train" and (row.sha1 in twins or row.number in photos):
                continue
            if split == "test_clean" and row.train_sim > SAME_PHOTO:
                continue
            yield row


class Fer2013Adapter(_FerFiles):
    """`fer2013.csv` (emotion, pixels, Usage) or `fer.parquet`; one label a face.

    Source: Goodfellow et al. 2013, "Challenges in Representation Learning".
    """

    name = "fer2013"
    taxonomies = ("fer7",)

    def iter_samples(self, root: Path, split: str) -> Iterator[Sample]:
        """Read a split; see `DatasetAdapter.iter_samples`."""
        check_split(self, split)
        labels = load_taxonomy("fer7").labels
        for row in self._rows(root, split):
            label = {labels[row.label]: 1.0}
            yield Sample(id=f"{split}:{row.number}", image=row.png, labels={"fer7": label})


class FerPlusAdapter(_FerFiles):
    """`fer2013.csv` with `fer2013new.csv`, or `fer.parquet`; the annotators' votes as shares.

    Beside them each face keeps its old FER-2013 label.

    Single votes are dropped as noise, and faces that most annotators called unknown or no face. In the test
    splits the majority rule of the paper holds: the top label must have more than half of the votes left.

    Source: Barsoum et al. 2016, "Training Deep Networks for Facial Expression Recognition with
    Crowd-Sourced Label Distribution", sections 3 and 4.
    """

    name = "ferplus"
    taxonomies = ("ferplus8", "fer7")
    _voted = True

    def iter_samples(self, root: Path, split: str) -> Iterator[Sample]:
        """Read a split; see `DatasetAdapter.iter_samples`."""
        check_split(self, split)
        labels, old_labels = load_taxonomy("ferplus8").labels, load_taxonomy("fer7").labels
        for row in self._rows(root, split):
            shares = _vote_shares(row.votes, majority=split.startswith("test"))
            if shares is not None:
                shared = {label: share for label, share in zip(labels, shares, strict=True) if share}
                both = {"ferplus8": shared, "fer7": {old_labels[row.label]: 1.0}}
                yield Sample(id=f"{split}:{row.number}", image=row.png, labels=both)


def _vote_shares(votes: Sequence[int], *, majority: bool) -> list[float] | None:
    kept = [vote if vote > 1 else 0 for vote in votes]
    top, total = max(kept), sum(kept)
    emotions = kept[: len(load_taxonomy("ferplus8").labels)]
    if not total or max(emotions) < top or kept.index(top) >= len(emotions):
        return None
    if majority and 2 * top <= total:
        return None
    return [vote / sum(emotions) for vote in emotions]


def _read_parquet(path: Path) -> Iterator[_Row]:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("train", "pyarrow") from error
    columns = [
        "row",
        "usage",
        "fer2013_label",
        "ferplus_votes",
        "png",
        "pixel_sha1",
        "train_sim",
        "train_sim_row",
    ]
    try:
        table = parquet.read_table(path)
    except ArrowException as error:
        raise CorpusFormatError(f"{path} is not a readable Parquet file: {error}.", item=str(path)) from error
    if missing := [column for column in columns if column not in table.column_names]:
        raise CorpusFormatError(f"{path} lacks the columns {', '.join(missing)}.", item=str(path))
    for row in table.select(columns).to_pylist():
        similarity = row["train_sim"]
        yield _Row(
            number=row["row"],
            usage=row["usage"],
            label=row["fer2013_label"],
            votes=tuple(row["ferplus_votes"]),
            png=row["png"],
            sha1=row["pixel_sha1"],
            train_sim=0.0 if similarity is None or np.isnan(similarity) else similarity,
            train_sim_row=row["train_sim_row"],
        )


def _read_faces(path: Path, votes: Sequence[tuple[int, ...]] | None) -> Iterator[_Row]:
    number = -1
    for number, (line, row) in enumerate(read_table(path, ("emotion", "pixels", "Usage"))):
        if votes is not None and number >= len(votes):
            raise malformed(path, line, f"fer2013new.csv has votes for only {len(votes)} faces.")
        try:
            label, pixels = _parse_face(row)
        except (KeyError, OverflowError, ValueError) as error:
            raise malformed(
                path, line, "expected emotion 0-6, 2,304 pixels of 0-255 and a known Usage."
            ) from error
        yield _Row(
            number=number,
            usage=row["Usage"],
            label=label,
            votes=votes[number] if votes is not None else (),
            png=_encode_png(pixels),
            sha1=hashlib.sha1(pixels.tobytes(), usedforsecurity=False).hexdigest(),
            train_sim=0.0,
            train_sim_row=-1,
        )
    if votes is not None and len(votes) != number + 1:
        raise malformed(path, number + 2, f"the file ends here, fer2013new.csv has {len(votes)} faces.")


def _parse_face(row: Mapping[str, str]) -> tuple[int, ImageArray]:
    label = int(row["emotion"])
    pixels = np.array(row["pixels"].split(), dtype=np.int64).reshape(SIDE_PX, SIDE_PX)
    if not 0 <= label < len(load_taxonomy("fer7").labels) or row["Usage"] not in _USAGE.values():
        raise ValueError(row["Usage"])
    if pixels.min() < 0 or pixels.max() > 255:
        raise ValueError("pixel out of range")
    return label, pixels.astype(np.uint8)


def _read_votes(folder: Path) -> list[tuple[int, ...]]:
    path = find_file(folder, "fer2013new.csv")
    rows = read_csv(path)
    next(rows, None)
    votes = []
    for line, row in rows:
        counts = row[2:]
        if len(counts) != VOTE_COLUMNS or not all(count.isdecimal() for count in counts):
            raise malformed(path, line, f"expected Usage, image name and {VOTE_COLUMNS} vote counts.")
        votes.append(tuple(int(count) for count in counts))
    return votes


def _encode_png(pixels: ImageArray) -> bytes:
    from PIL import Image  # noqa: PLC0415 - only this layout needs it

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
