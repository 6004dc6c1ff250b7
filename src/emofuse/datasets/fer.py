"""FER-2013 and FER+: 48 x 48 grey faces, one label or ten annotators' votes each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emofuse.datasets.adapter import check_split, find_file
from emofuse.errors import CorpusFormatError, MissingExtraError
from emofuse.taxonomy import load_taxonomy
from emofuse.types import Sample

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
    votes: tuple[int, ...] | None
    png: bytes
    sha1: str
    train_sim: float
    train_sim_row: int


class _FerFiles:
    """Reads either layout and keeps the splits apart.

    Training faces that show the same photograph as a validation or test face are left out: exact twins in
    either layout; with the Parquet form also every nearest training row of similarity above 0.88.
    """

    multi_label = False
    licence = "FER+ votes MIT; pixels: research challenge data, no licence stated"
    commercial_use = "unclear"
    splits = ("train", "validation", "test", "test_clean")

    def _rows(self, root: Path, split: str) -> Iterator[_Row]:
        path = find_file(root, "fer.parquet", "fer2013.csv", "fer2013/fer2013.csv")
        if split == "test_clean" and path.suffix != ".parquet":
            raise CorpusFormatError(
                "The split test_clean needs the column train_sim of the Parquet form.", item=str(path)
            )
        rows = list(_read_parquet(path) if path.suffix == ".parquet" else _read_csv(path))
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

    Single votes are dropped as noise, and faces that most annotators called unknown or no face. In the test
    splits the majority rule of the paper holds: the top label must have more than half of the votes left.

    Source: Barsoum et al. 2016, "Training Deep Networks for Facial Expression Recognition with
    Crowd-Sourced Label Distribution", sections 3 and 4.
    """

    name = "ferplus"
    taxonomies = ("ferplus8",)

    def iter_samples(self, root: Path, split: str) -> Iterator[Sample]:
        """Read a split; see `DatasetAdapter.iter_samples`."""
        check_split(self, split)
        labels = load_taxonomy("ferplus8").labels
        for row in self._rows(root, split):
            if row.votes is None:
                raise CorpusFormatError(
                    "FER+ needs fer2013new.csv with the votes beside fer2013.csv.", item=str(root)
                )
            shares = _vote_shares(row.votes, majority=split.startswith("test"))
            if shares is not None:
                shared = {label: share for label, share in zip(labels, shares, strict=True) if share}
                yield Sample(id=f"{split}:{row.number}", image=row.png, labels={"ferplus8": shared})


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
        from pyarrow import parquet  # noqa: PLC0415 - an extra
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
    for row in parquet.read_table(path, columns=columns).to_pylist():
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


def _read_csv(path: Path) -> Iterator[_Row]:
    import hashlib  # noqa: PLC0415 - only this layout needs it

    votes = _read_votes(path.parent)
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        for number, row in enumerate(reader):
            try:
                pixels = np.array(row["pixels"].split(), dtype=np.uint8).reshape(SIDE_PX, SIDE_PX)
                label, usage = int(row["emotion"]), row["Usage"]
            except (KeyError, ValueError, AttributeError, TypeError) as error:
                raise CorpusFormatError(
                    f"{path} line {reader.line_num}: expected emotion, 2,304 pixels and Usage.",
                    item=f"{path}:{reader.line_num}",
                ) from error
            yield _Row(
                number=number,
                usage=usage,
                label=label,
                votes=votes[number] if votes else None,
                png=_encode_png(pixels),
                sha1=hashlib.sha1(pixels.tobytes(), usedforsecurity=False).hexdigest(),
                train_sim=0.0,
                train_sim_row=-1,
            )


def _read_votes(folder: Path) -> list[tuple[int, ...]] | None:
    path = folder / "fer2013new.csv"
    if not path.exists():
        return None
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows, None)
        return [tuple(int(vote) for vote in row[2 : 2 + VOTE_COLUMNS]) for row in rows]


def _encode_png(pixels: np.ndarray) -> bytes:
    from PIL import Image  # noqa: PLC0415 - only this layout needs it

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
