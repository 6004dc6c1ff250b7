"""BRIGHTER (SemEval-2025 Task 11): short texts in 28 languages with any number of six emotions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from emofuse.datasets.adapter import check_split, find_file, malformed, read_csv, read_table
from emofuse.types import Sample

__all__ = ["BrighterAdapter"]

EMOTIONS = ("anger", "disgust", "fear", "joy", "sadness", "surprise")
_FOLDER = "brighter"
_MARKS = {"0": False, "1": True}


class BrighterAdapter:
    """`track_a/{train,dev,test}/<language>.csv`: id, text, and a column of 0 or 1 per emotion.

    A text with none of the emotions is neutral. Not every language has every column: English has no
    disgust, which then is never a label. Where the labels of track A's test file are blank, as they are for
    English, `track_c/test/<language>.csv` is read in its place. Texts of `train` and `validation` that also
    stand in the test file are left out. The English test file holds the text `#NAME?`, a spreadsheet's error,
    five times; it is kept, so that scores compare with published ones.

    Args:
        language: Name of the language's files, such as `eng` or `deu`.

    Source: Muhammad et al. 2025, "BRIGHTER: BRIdging the Gap in Human-Annotated Textual Emotion Recognition
    Datasets for 28 Languages".
    """

    name = "brighter"
    taxonomies = ("ekman7",)
    multi_label = True
    licence = "CC BY 4.0"
    commercial_use = "yes"
    splits = ("train", "validation", "test")
    _parts: ClassVar = {"train": "train", "validation": "dev"}

    def __init__(self, *, language: str = "eng") -> None:
        self.language = language

    def iter_samples(self, root: Path, split: str) -> Iterator[Sample]:
        """Read a split; see `DatasetAdapter.iter_samples`."""
        check_split(self, split)
        path, held_back = self._test_file(root), set[str]()
        if split != "test":
            held_back = {text for _, text, _ in _read_rows(path)}
            path = find_file(root, f"track_a/{self._parts[split]}/{self.language}.csv", folder=_FOLDER)
        for name, text, emotions in _read_rows(path):
            if text not in held_back:
                labels = dict.fromkeys(emotions or ["neutral"], 1.0)
                yield Sample(id=f"{split}:{name}", text=text, labels={"ekman7": labels})

    def _test_file(self, root: Path) -> Path:
        path = find_file(root, f"track_a/test/{self.language}.csv", folder=_FOLDER)
        _, first = next(read_table(path, ("id", "text")), (1, {}))
        if any(first.get(emotion) for emotion in EMOTIONS):
            return path
        return find_file(root, f"track_c/test/{self.language}.csv", folder=_FOLDER)


def _read_rows(path: Path) -> Iterator[tuple[str, str, list[str]]]:
    _, header = next(read_csv(path), (1, []))
    columns = [emotion for emotion in EMOTIONS if emotion in header]
    for line, row in read_table(path, ("id", "text", "anger", "fear", "joy", "sadness")):
        marks = [_MARKS.get(row.get(column, "")) for column in columns]
        if None in marks or not row["id"] or not row["text"].strip():
            raise malformed(path, line, f"needs id, text, and 0 or 1 for {', '.join(columns)}.")
        yield row["id"], row["text"], [column for column, mark in zip(columns, marks, strict=True) if mark]
