"""One partition at a time through a predictor, into files that are there as a whole or not at all."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import Any

from emofuse.runtime.predictor import Predictor
from emofuse.scale.fields import PREFIX, choose_columns
from emofuse.scale.files import Done, PartFiles, replacing
from emofuse.scale.pictures import read_ahead
from emofuse.scale.places import Place, storage_errors
from emofuse.scale.source import Partition, Row, Source
from emofuse.scale.table import open_format
from emofuse.types import ErrorEntry, Prediction

__all__ = ["PartitionScorer", "Task"]

GROUP = 1024
REMEMBERED = 1 << 16
WHOLE = f"{PREFIX}prediction"


@dataclass(frozen=True)
class Task:
    """What all workers of a run have in common.

    Attributes:
        source: What is scored.
        out: Where the result goes in the end; its suffix says what parts look like.
        parts: Folder of the parts.
        columns: Of the input; empty where each row has its own and the output does not need to know.
        fields: What is written of a prediction.
        models: Bundles that replace the defaults of their kind.
        taxonomy: Label set of the emotions.
        crop: Whether each picture is one face.
    """

    source: Source
    out: Place
    parts: Place
    columns: tuple[str, ...]
    fields: tuple[str, ...]
    models: tuple[str, ...] = ()
    taxonomy: str = "ekman7"
    crop: bool = False

    @property
    def suffix(self) -> str:
        """Of the output and its parts."""
        return self.out.suffix.lower()


class PartitionScorer:
    """Scores partitions; opens its models once.

    Args:
        task: What to do.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        # A worker is one thread; more workers use more cores better than more threads do.
        self._predictor = Predictor.load(
            list(task.models) or None, taxonomy=task.taxonomy, crop=task.crop, threads=1
        )
        self._columns = choose_columns(task.fields, task.taxonomy)
        self._names = [column.name for column in self._columns]
        self._format = open_format(task.out, task.columns, self._columns, task.source.schema)
        self._known: dict[bytes, tuple[Any, ...]] = {}
        self._repeated = 0

    def score(self, partition: Partition) -> Done:
        """Score a partition and write its files.

        Args:
            partition: Of the task's source.

        Returns:
            What became of it.

        Raises:
            OSError: The input or the folder of the parts cannot be read or written.
        """
        files = PartFiles(self._task.parts, partition.index, self._task.suffix)
        rows = iter(self._task.source.rows(partition))
        self._repeated = count = bad = 0
        with (
            storage_errors(partition.file, self._task.parts),
            replacing(files.errors) as errors_part,
            errors_part.open("wb") as errors,
        ):

            def groups() -> Iterator[list[dict[str, Any]]]:
                nonlocal count, bad
                while group := list(islice(rows, GROUP)):
                    scored = self._score(group)
                    wrong = [(row, error) for row, (_, error) in zip(group, scored, strict=True) if error]
                    errors.writelines(_error_line(row, error) for row, error in wrong)
                    count, bad = count + len(group), bad + len(wrong)
                    yield [self._join(row, values) for row, (values, _) in zip(group, scored, strict=True)]

            with replacing(files.rows) as part, _collecting_later():
                self._format.write_part(part, groups())
        done = Done(partition.index, partition.stop - partition.start, count, bad, self._repeated)
        with storage_errors(self._task.parts):
            files.mark(done)
        return done

    def _score(self, rows: Sequence[Row]) -> list[tuple[tuple[Any, ...], ErrorEntry | None]]:
        keys = [_digest(row) for row in rows]
        wanted = {
            key: row.sample
            for key, row in zip(keys, rows, strict=True)
            if row.sample is not None and key not in self._known
        }
        self._repeated += sum(row.sample is not None for row in rows) - len(wanted)
        read_ahead(sample.image for sample in wanted.values())
        found = dict(zip(wanted, self._predictor.predict(wanted.values()), strict=True))
        answers = {key: self._read(prediction) for key, prediction in found.items()}
        results: list[tuple[tuple[Any, ...], ErrorEntry | None]] = []
        for key, row in zip(keys, rows, strict=True):
            if row.error is not None:
                entry = ErrorEntry(row.error.code, row.error.message, row.error.item)
                results.append((self._read(Prediction(id="", error=entry)), entry))
            elif key in found:
                results.append((answers[key], found[key].error))
            else:
                results.append((self._known[key], None))
        self._remember({key: values for key, values in answers.items() if found[key].error is None})
        return results

    def _read(self, prediction: Prediction) -> tuple[Any, ...]:
        values = [column.read(prediction) for column in self._columns]
        return tuple([round(value, 6) if value.__class__ is float else value for value in values])

    def _remember(self, answers: dict[bytes, tuple[Any, ...]]) -> None:
        self._known |= answers
        # The first keys of a dict are the oldest.
        for key in list(islice(self._known, max(0, len(self._known) - REMEMBERED))):
            del self._known[key]

    def _join(self, row: Row, values: Sequence[Any]) -> dict[str, Any]:
        joined = {**row.values, **dict(zip(self._names, values, strict=True))}
        if WHOLE in joined:
            # The answer may be that of an earlier row.
            joined[WHOLE] = {**joined[WHOLE], "id": str(row.number)}
        return joined


@contextmanager
def _collecting_later() -> Iterator[None]:
    # Answers hold no cycles, and looking for some again and again takes as long as making them.
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
        gc.collect()


def _digest(row: Row) -> bytes:
    sample = row.sample
    if sample is None:
        return b""
    if sample.image is None and sample.text is not None:
        parts = f"text {sample.text}"
    else:
        # What has neither text nor picture is called by its number.
        parts = repr((sample.text, sample.image or sample.id))
    return blake2b(parts.encode("utf-8", errors="surrogatepass"), digest_size=16).digest()


def _error_line(row: Row, error: ErrorEntry) -> bytes:
    line = {"row": row.number, "code": error.code, "reason": error.message, "item": error.item}
    return (json.dumps(line, ensure_ascii=False) + "\n").encode("utf-8", errors="backslashreplace")
