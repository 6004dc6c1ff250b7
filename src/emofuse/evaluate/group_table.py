"""A user's own table as a fairness audit sees it: truth, answer and the groups that each row belongs to."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emofuse.datasets.adapter import malformed
from emofuse.datasets.own import read_records
from emofuse.errors import ConfigError, CorpusFormatError
from emofuse.taxonomy import load_taxonomy
from emofuse.types import FloatArray, Prediction, Sample

__all__ = ["Columns", "GroupTable", "read_answers", "read_group_table"]

SENTIMENT = "sentiment3"
INTERSECTION = " & "

PredictFn = Callable[[Iterable[Sample]], list[Prediction]]


@dataclass(frozen=True)
class Columns:
    """Where a table says what.

    Attributes:
        label: Column of the truth.
        groups: Columns that say which group a row belongs to.
        prediction: Column of the answer; None lets models read `text` and `image`.
        confidence: Column of the probability of the answer, 0-1, or None.
        text: Column of the text.
        image: Column of the picture's path, relative to the table.
    """

    label: str
    groups: Sequence[str]
    prediction: str | None = None
    confidence: str | None = None
    text: str = "text"
    image: str = "image"


@dataclass(frozen=True, eq=False)
class GroupTable:
    """Rows with truth, answer and groups.

    Attributes:
        labels: Every label, in order.
        truth: (n,) int, index of the true label.
        guess: (n,) int, index of the answer.
        confidence: (n,) float, probability of the answer, 0-1, or None.
        scores: (n, labels) float, probability of each label, or None where it is not known.
        groups: Column -> (n,) name of the row's group; of several columns, also their intersection.
        unreadable: Row -> why the models could not read it; such rows are in none of the arrays.
    """

    labels: Sequence[str]
    truth: NDArray[np.int64]
    guess: NDArray[np.int64]
    confidence: NDArray[np.float64] | None
    scores: FloatArray | None
    groups: Mapping[str, NDArray[np.str_]]
    unreadable: Mapping[str, str]

    def take(self, rows: NDArray[np.int64]) -> GroupTable:
        """The same table with some rows alone."""
        return GroupTable(
            self.labels,
            self.truth[rows],
            self.guess[rows],
            None if self.confidence is None else self.confidence[rows],
            None if self.scores is None else self.scores[rows],
            {column: values[rows] for column, values in self.groups.items()},
            self.unreadable,
        )


def read_answers(path: Path, columns: Columns) -> GroupTable:
    """Read a table that already holds the answers.

    Args:
        path: A `.csv`, `.jsonl` or `.parquet` file.
        columns: With `prediction`.

    Returns:
        The table. With two labels and a confidence, the score of the other label is 1 - confidence; with
        more, scores are not known.

    Raises:
        CorpusFormatError: A row lacks a value; names the column and the line.
    """
    prediction = columns.prediction or ""
    confident = [columns.confidence] if columns.confidence is not None else []
    rows = _rows(path, [columns.label, *columns.groups, prediction, *confident])
    labels = sorted({str(row[column]) for _, row in rows for column in (columns.label, prediction)})
    guess = np.array([labels.index(str(row[prediction])) for _, row in rows])
    confidence = scores = None
    if columns.confidence is not None:
        confidence = np.array([_share(path, line, row, columns.confidence) for line, row in rows])
    if confidence is not None and len(labels) == 2:
        scores = np.empty((len(rows), 2), dtype=np.float32)
        scores[np.arange(len(rows)), guess] = confidence
        scores[np.arange(len(rows)), 1 - guess] = 1 - confidence
    truth = np.array([labels.index(str(row[columns.label])) for _, row in rows])
    return GroupTable(labels, truth, guess, confidence, scores, _groups(rows, columns.groups), {})


def read_group_table(
    path: Path, columns: Columns, load: Callable[[str], PredictFn], *, taxonomy: str | None = None
) -> GroupTable:
    """Read a table and let models answer.

    Args:
        path: A `.csv`, `.jsonl` or `.parquet` file.
        columns: Without `prediction`; a row needs a text, an image or both.
        load: From the name of a label set to a predictor that answers in it.
        taxonomy: Label set of the truth; None takes `sentiment3` or `ekman7`, whichever has all labels.

    Returns:
        The table, without the rows that could not be read.

    Raises:
        ConfigError: No label set has all labels of the table.
        CorpusFormatError: A row lacks a value, or none can be read.
    """
    rows = _rows(path, [columns.label, *columns.groups])
    taxonomy = _find_taxonomy({str(row[columns.label]) for _, row in rows}, taxonomy)
    labels = load_taxonomy(taxonomy).labels
    samples = [_sample(path, line, row, columns) for line, row in rows]
    predictions = load(taxonomy)(samples)
    kept = [i for i, prediction in enumerate(predictions) if prediction.error is None]
    if not kept:
        first = predictions[0].error
        raise CorpusFormatError(
            f"No row of {path} can be read: {first.message if first else ''}", item=str(path)
        )
    answers = [(p.sentiment if taxonomy == SENTIMENT else p.emotion) for p in (predictions[i] for i in kept)]
    scores = np.array(
        [[answer.probabilities[label] for label in labels] for answer in answers if answer], dtype=np.float32
    )
    read = [rows[i] for i in kept]
    truth = np.array([labels.index(str(row[columns.label])) for _, row in read])
    unreadable = {p.id: p.error.message for p in predictions if p.error is not None}
    guess = scores.argmax(axis=1)
    confidence = scores.max(axis=1).astype(np.float64)
    return GroupTable(labels, truth, guess, confidence, scores, _groups(read, columns.groups), unreadable)


def _rows(path: Path, required: Sequence[str]) -> list[tuple[int, Mapping[str, Any]]]:
    rows = list(read_records(path))
    if not rows:
        raise CorpusFormatError(f"{path} has no row.", item=str(path))
    found = {column for _, row in rows for column in row}
    if missing := [column for column in required if column not in found]:
        raise CorpusFormatError(
            f"{path} has no column {', '.join(missing)}; it has {', '.join(sorted(found))}.",
            item=missing[0],
        )
    for line, row in rows:
        for column in required:
            value = row.get(column)
            # NaN stands for an empty cell where a table was written by pandas.
            if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
                raise malformed(path, line, f"{column} is empty. Fill it or leave the row out.")
    return rows


def _share(path: Path, line: int, row: Mapping[str, Any], column: str) -> float:
    try:
        share = float(row[column])
    except (KeyError, TypeError, ValueError):
        raise malformed(path, line, f"{column} must be a number from 0 to 1.") from None
    if not 0 <= share <= 1:
        raise malformed(path, line, f"{column} must be a number from 0 to 1, not {share}.")
    return share


def _groups(
    rows: Sequence[tuple[int, Mapping[str, Any]]], columns: Sequence[str]
) -> dict[str, NDArray[np.str_]]:
    groups = {column: np.array([str(row[column]) for _, row in rows]) for column in columns}
    if len(groups) > 1:
        values = zip(*groups.values(), strict=True)
        groups[INTERSECTION.join(columns)] = np.array([INTERSECTION.join(value) for value in values])
    return groups


def _find_taxonomy(found: set[str], wanted: str | None) -> str:
    for name in (wanted,) if wanted else (SENTIMENT, "ekman7"):
        if found <= set(load_taxonomy(name).labels):
            return name
    unknown = ", ".join(sorted(found)[:12])
    raise ConfigError(
        f"The labels {unknown} are not all in {wanted or 'sentiment3 or ekman7'}. Choose their label set "
        "with --taxonomy, or give the answers with --prediction.",
        item=unknown,
    )


def _sample(path: Path, line: int, row: Mapping[str, Any], columns: Columns) -> Sample:
    text, image = row.get(columns.text) or None, row.get(columns.image) or None
    if text is None and image is None:
        raise malformed(path, line, f"needs a column {columns.text!r} or {columns.image!r}.")
    return Sample(id=str(line), text=text, image=path.parent / str(image) if image else None)
