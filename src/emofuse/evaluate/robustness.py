"""How the figures of a bundle fall as texts and pictures get worse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emofuse.datasets import VALENCE, shows_crops
from emofuse.errors import ConfigError, CorpusFormatError
from emofuse.evaluate.answers import Task, open_task
from emofuse.evaluate.corruptions import Corruption, corrupt, is_concerned, list_corruptions
from emofuse.evaluate.intervals import bootstrap_scores
from emofuse.evaluate.readers import Reader, build_reader
from emofuse.runtime.bundle import ModelBundle
from emofuse.taxonomy import load_taxonomy
from emofuse.types import Sample

__all__ = ["Curve", "Level", "Robustness", "evaluate_robustness", "iter_curves"]

MEASURES = ("accuracy", "macro_f1")
NO_ANSWER = -1


@dataclass(frozen=True)
class Level:
    """What is left of a bundle's figures at one severity.

    Attributes:
        value: In the unit of the curve; None for the clean samples.
        scores: Measure -> value and the ends of its 95 % bootstrap interval. A sample that can no longer be
            read counts as answered wrongly.
        touched: Samples that the corruption changed; the others keep their clean answer.
        flipped: Share of all samples that are answered otherwise than when clean, 0-1.
        unreadable: Samples that can no longer be read.
    """

    value: float | None
    scores: dict[str, tuple[float, float, float]]
    touched: int
    flipped: float
    unreadable: int


@dataclass(frozen=True)
class Curve:
    """One corruption at growing severity.

    Attributes:
        corruption: Its name.
        part: Of the sample that it spoils, "text" or "image".
        unit: Of the levels' values.
        samples: Number of samples, the same at every level.
        levels: Clean first.
    """

    corruption: str
    part: str
    unit: str
    samples: int
    levels: Sequence[Level]


@dataclass(frozen=True)
class Robustness:
    """Result of one bundle on one split.

    Attributes:
        bundle: Name of the bundle.
        version: Its version.
        corpus: Name of the adapter.
        split: Split that was read.
        taxonomy: Label set of the figures.
        samples: Number of samples drawn; each curve says how many of them it concerns.
        seed: Of the samples drawn and of the corruptions.
        curves: One per corruption.
    """

    bundle: str
    version: str
    corpus: str
    split: str
    taxonomy: str
    samples: int
    seed: int
    curves: Sequence[Curve]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def evaluate_robustness(  # noqa: PLR0913 - what to read, and which part of it
    bundle: ModelBundle,
    corpus: str,
    root: Path,
    *,
    split: str = "test",
    limit: int | None = None,
    only: Sequence[str] = (),
    seed: int = 0,
    tell: Callable[[Curve], None] = lambda _: None,
) -> Robustness:
    """Score a bundle on a split that is corrupted in every way that applies.

    Args:
        bundle: Any bundle that reads samples. A fusion reads the corrupted part beside the intact other one.
        corpus: Name of a dataset adapter.
        root: Folder of the corpus.
        split: One of the adapter's splits.
        limit: Largest number of samples, drawn with the seed; None takes all.
        only: Names of the corruptions to try; empty tries all that apply.
        seed: Of the draws.
        tell: Called with each curve as soon as it is known.

    Returns:
        The curves.

    Raises:
        ConfigError: No output of the bundle leads to the corpus's labels, the limit is below 1, or a name is
            that of no corruption.
        DatasetError: The corpus is missing or malformed, or none of its samples can be read.
    """
    if limit is not None and limit < 1:
        raise ConfigError(f"A limit of {limit} leaves no samples. Give a number from 1.", item=str(limit))
    crops = shows_crops(corpus)
    # A user's own pictures are crops for a face model, and whole for all others.
    small = bundle.kind == "face" if crops is None else crops
    corruptions = _choose(bundle.kind, list_corruptions(crops=small), only)
    task = open_task(bundle, corpus, root, split=split)
    if task.taxonomy == VALENCE:
        raise ConfigError(f"{corpus} {split} gives numbers; curves need a corpus with labels.", item=corpus)
    if limit is not None and limit < len(task.samples):
        drawn = np.random.default_rng(seed).choice(len(task.samples), limit, replace=False)
        task = replace(task, samples=[task.samples[i] for i in np.sort(drawn)])
    reader = build_reader(bundle, crops=crops)
    curves = []
    for curve in iter_curves(task, reader, corruptions, seed=seed):
        tell(curve)
        curves.append(curve)
    samples = len(task.samples)
    return Robustness(bundle.name, bundle.version, corpus, split, task.taxonomy, samples, seed, curves)


def _choose(kind: str, corruptions: Sequence[Corruption], only: Sequence[str]) -> list[Corruption]:
    parts = {"text": {"text"}, "face": {"image"}, "scene": {"image"}}.get(kind, {"text", "image"})
    known = {own.name: own for own in corruptions if own.part in parts}
    if unknown := set(only) - known.keys():
        raise ConfigError(
            f"{', '.join(sorted(unknown))}: no corruption of what it reads. Valid: {', '.join(known)}.",
            item=sorted(unknown)[0],
        )
    return [own for own in known.values() if not only or own.name in only]


def iter_curves(
    task: Task, reader: Reader, corruptions: Sequence[Corruption], *, seed: int = 0
) -> Iterator[Curve]:
    """Answer the samples of a task clean and at every level of each corruption.

    Args:
        task: Samples and labels; the ids are unique.
        reader: What answers them.
        corruptions: What to try; one that concerns no sample is left out.
        seed: Of the corruptions.

    Yields:
        One curve per corruption.

    Raises:
        CorpusFormatError: None of the clean samples can be read.
    """
    clean = task.answer(reader, task.samples)
    if not clean.ids:
        codes = ", ".join(sorted(set(clean.unreadable.values())))
        raise CorpusFormatError(
            f"None of the {len(task.samples)} samples could be read: {codes}.",
            item=codes,
        )
    truth, guess = clean.decide()
    readable = [sample for sample in task.samples if str(sample.id) not in clean.unreadable]
    for corruption in corruptions:
        rows = [i for i, sample in enumerate(readable) if is_concerned(sample, corruption)]
        if rows:
            trial = _Trial(task, reader, seed, [readable[i] for i in rows], truth[rows], guess[rows])
            levels = [trial.level(corruption, number) for number in range(len(corruption.values) + 1)]
            yield Curve(corruption.name, corruption.part, corruption.unit, len(rows), levels)


@dataclass(frozen=True, eq=False)
class _Trial:
    # Samples that a corruption concerns, their truth and their clean answers, row by row.
    task: Task
    reader: Reader
    seed: int
    samples: Sequence[Sample]
    truth: NDArray[Any]
    clean: NDArray[Any]

    def level(self, corruption: Corruption, number: int) -> Level:
        spoiled = [corrupt(sample, corruption, number, seed=self.seed) for sample in self.samples]
        touched = [i for i, sample in enumerate(self.samples) if spoiled[i] is not sample]
        guess = self.clean.copy()
        unreadable = 0
        if touched:
            answers = self.task.answer(self.reader, [spoiled[i] for i in touched])
            guess[touched] = False if self.task.multi_label else NO_ANSWER
            row_of = {str(self.samples[i].id): i for i in touched}
            guess[[row_of[name] for name in answers.ids]] = answers.decide()[1]
            unreadable = len(answers.unreadable)
        flipped = (guess != self.clean).reshape(len(guess), -1).any(axis=1).mean()
        value = float(corruption.values[number - 1]) if number else None
        return Level(value, self._scores(guess), len(touched), float(flipped), unreadable)

    def _scores(self, guess: NDArray[Any]) -> dict[str, tuple[float, float, float]]:
        intervals, _ = bootstrap_scores(self.truth, guess, load_taxonomy(self.task.taxonomy).labels)
        return {name: (own.value, own.low, own.high) for name, own in intervals.items() if name in MEASURES}
