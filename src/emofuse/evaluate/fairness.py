"""Does a text model read a sentence differently when it speaks of another person?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ttest_1samp

from emofuse.datasets.eec import EecSentence
from emofuse.errors import ConfigError, InputError
from emofuse.evaluate.equity_pairs import GroupPairs, Pair, build_pairs
from emofuse.evaluate.intervals import RESAMPLES, SEED, Interval
from emofuse.evaluate.readers import Reader, build_reader
from emofuse.runtime.bundle import ModelBundle
from emofuse.taxonomy import load_taxonomy
from emofuse.types import FloatArray, Sample

__all__ = ["TARGET", "Gap", "TextAudit", "WorstTemplate", "audit_text", "compare_groups", "holm"]

TAXONOMIES = ("ekman7", "sentiment3")
TARGET = 0.02
WORST = 3


@dataclass(frozen=True)
class Gap:
    """The scores of a label in two groups.

    Attributes:
        group: What differs, one of `equity_pairs.GROUPS`.
        first: First group.
        second: Second group.
        taxonomy: Label set of the label.
        label: Whose probabilities are compared.
        pairs: Number of pairs, names averaged.
        mean: Mean of first - second over the pairs, -1 to 1.
        absolute: Mean of |first - second|, with its 95 % bootstrap interval over the fillings.
        p: Of a two-sided paired t-test of the mean, corrected for all tests of the audit (Holm); 1 where
            there is one pair alone or all differ equally, so that nothing can be tested.
        one_to_one: Mean of |first - second| with no name averaged; None where there is no such pair.
        one_to_one_pairs: Their number.
    """

    group: str
    first: str
    second: str
    taxonomy: str
    label: str
    pairs: int
    mean: float
    absolute: Interval
    p: float
    one_to_one: float | None
    one_to_one_pairs: int


@dataclass(frozen=True)
class WorstTemplate:
    """A template on which a label differs most between two groups.

    Attributes:
        group: What differs.
        label: Whose probabilities are compared.
        template: As in the corpus.
        absolute: Mean of |first - second| over its pairs.
        mean: Mean of first - second.
    """

    group: str
    label: str
    template: str
    absolute: float
    mean: float


@dataclass(frozen=True)
class TextAudit:
    """What a text model makes of the persons in a sentence.

    Attributes:
        bundle: Name of the model.
        version: Its version.
        sentences: Number of sentences read.
        gaps: One per pair of groups and label.
        worst: For each pair of groups, the templates and labels that differ most.
    """

    bundle: str
    version: str
    sentences: int
    gaps: Sequence[Gap]
    worst: Sequence[WorstTemplate]

    @property
    def largest(self) -> Gap:
        """The gap with the largest mean absolute difference, by which the target is judged."""
        return max(self.gaps, key=lambda gap: gap.absolute.value)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        target = {"target": TARGET, "target_met": self.largest.absolute.value <= TARGET}
        return {**asdict(self), "largest": asdict(self.largest), **target}


def audit_text(
    bundle: ModelBundle, sentences: Sequence[EecSentence], *, reader: Reader | None = None
) -> TextAudit:
    """Compare the scores of a text model between groups of persons.

    Args:
        bundle: A text model with outputs in `ekman7` or `sentiment3`.
        sentences: Of the Equity Evaluation Corpus, or in its layout.
        reader: Reads the sentences in its place.

    Returns:
        Gaps of every label and pair of groups.

    Raises:
        ConfigError: The bundle is no text model, or has none of the outputs.
        CorpusFormatError: The sentences cannot be paired.
        InputError: A sentence cannot be read.
    """
    taxonomies = [name for name in TAXONOMIES if name in bundle.outputs]
    if bundle.kind != "text" or not taxonomies:
        raise ConfigError(
            f"{bundle.name} is no text model that answers in {' or '.join(TAXONOMIES)}.", item=bundle.name
        )
    groups = build_pairs(sentences)
    readings = (reader or build_reader(bundle))([Sample(text=sentence.text) for sentence in sentences])
    rows = []
    for reading in readings:
        if isinstance(reading, InputError):
            raise reading
        rows.append(reading)
    probabilities = {name: np.stack([row[name] for row in rows]) for name in taxonomies}
    gaps, worst = compare_groups(probabilities, groups)
    return TextAudit(bundle.name, bundle.version, len(sentences), gaps, worst)


def compare_groups(
    probabilities: Mapping[str, FloatArray], groups: Sequence[GroupPairs]
) -> tuple[list[Gap], list[WorstTemplate]]:
    """Differences between groups in every label.

    Args:
        probabilities: Label set -> (sentences, labels), 0-1.
        groups: Which rows are compared.

    Returns:
        The gaps in order of the groups and labels, p-values corrected for all of them together, and the worst
        templates of each group.
    """
    names = [(taxonomy, label) for taxonomy in probabilities for label in load_taxonomy(taxonomy).labels]
    scores = np.concatenate(list(probabilities.values()), axis=1)
    found = [(group, _differences(scores, group.pairs)) for group in groups]
    corrected = holm(np.stack([_paired_test(differences) for _, differences in found]))
    gaps = [
        gap
        for (group, differences), p in zip(found, corrected, strict=True)
        for gap in _gaps(group, differences, _differences(scores, group.one_to_one), p=p, names=names)
    ]
    return gaps, [entry for group, rows in found for entry in _worst(group, rows, names)]


def _differences(scores: FloatArray, pairs: Sequence[Pair]) -> NDArray[np.float64]:
    precise = scores.astype(np.float64)
    if all(len(pair.first) == len(pair.second) == 1 for pair in pairs):
        sides = ([pair.first[0] for pair in pairs], [pair.second[0] for pair in pairs])
        return precise[sides[0]] - precise[sides[1]]
    rows = [
        precise[list(pair.first)].mean(axis=0) - precise[list(pair.second)].mean(axis=0) for pair in pairs
    ]
    return np.stack(rows)


def _gaps(
    group: GroupPairs,
    differences: NDArray[np.float64],
    single: NDArray[np.float64],
    *,
    p: NDArray[np.float64],
    names: Sequence[tuple[str, str]],
) -> list[Gap]:
    absolute = np.abs(differences)
    low, high = _bootstrap(absolute, group.pairs)
    return [
        Gap(
            group.name,
            group.first,
            group.second,
            *name,
            pairs=len(differences),
            mean=float(differences[:, i].mean()),
            absolute=Interval(float(absolute[:, i].mean()), float(low[i]), float(high[i])),
            p=float(p[i]),
            one_to_one=float(np.abs(single[:, i]).mean()) if len(single) else None,
            one_to_one_pairs=len(single),
        )
        for i, name in enumerate(names)
    ]


def _bootstrap(
    values: NDArray[np.float64], pairs: Sequence[Pair]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # Pairs of one filling are alike, so fillings are drawn, not pairs: else the interval would be too narrow.
    _, index = np.unique([" | ".join(pair.filling) for pair in pairs], return_inverse=True)
    sums = np.zeros((index.max() + 1, values.shape[1]))
    np.add.at(sums, index, values)
    counts = np.bincount(index)
    random = np.random.default_rng(SEED)
    times = random.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), RESAMPLES)
    means = (times @ sums) / (times @ counts)[:, None]
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    return low, high


def _paired_test(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    # A single pair, or differences that are all equal, have no spread to test against.
    p = np.ones(differences.shape[1])
    spread = np.ptp(differences, axis=0) > np.finfo(np.float32).eps
    if spread.any():
        p[spread] = ttest_1samp(differences[:, spread], 0.0).pvalue
    return p


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Correct p-values for their number.

    With m values in rising order, $$\tilde p_{(i)} = \max_{j \le i} \min(1, (m - j + 1) \, p_{(j)})$$

    Args:
        p: Any shape, 0-1.

    Returns:
        Corrected values of the same shape: the chance of one or more false alarms among all tests stays below
        the level at which they are read.

    Source: Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure".

    Example:
        >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, axis=None)
    scaled = p.ravel()[order] * np.arange(p.size, 0, -1)
    corrected = np.empty(p.size)
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return corrected.reshape(p.shape)


def _worst(
    group: GroupPairs, differences: NDArray[np.float64], names: Sequence[tuple[str, str]]
) -> list[WorstTemplate]:
    templates = np.array([pair.filling[0] for pair in group.pairs])
    entries = [
        WorstTemplate(
            group.name,
            label,
            str(template),
            float(np.abs(differences[templates == template, i]).mean()),
            float(differences[templates == template, i].mean()),
        )
        for template in np.unique(templates)
        for i, (_, label) in enumerate(names)
    ]
    return sorted(entries, key=lambda entry: -entry.absolute)[:WORST]
