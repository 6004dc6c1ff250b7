"""Several models on the same samples: intervals for each, and whether their differences could be chance."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from emofuse.datasets import VALENCE
from emofuse.errors import ConfigError, CorpusFormatError
from emofuse.evaluate.answers import Answers
from emofuse.evaluate.intervals import Interval, bootstrap_scores
from emofuse.evaluate.scores import macro_auc
from emofuse.metrics import expected_calibration_error
from emofuse.taxonomy import load_taxonomy

__all__ = ["Comparison", "Disagreement", "McNemar", "Row", "compare_answers"]

EXAMPLES = 20


@dataclass(frozen=True)
class McNemar:
    """Exact McNemar test of a model against the first one; of several labels all must be right.

    Attributes:
        only_first: Samples that only the first model answers rightly.
        only_this: Samples that only this model answers rightly.
        p: Two-sided probability of so uneven a split if both were equally good, 0-1.
    """

    only_first: int
    only_this: int
    p: float


@dataclass(frozen=True)
class Disagreement:
    """Where a model answers otherwise than the first one.

    Attributes:
        share: Of the samples that the two answer differently, 0-1.
        by_label: True label -> the samples that only this model answers rightly, and those that only the
            first does; where several labels may hold, the yes or no of each label counts.
        samples: Ids of the samples on which the two are sure of different answers, the surest first, with
            the truth and both answers; empty where several labels may hold.
    """

    share: float
    by_label: Mapping[str, Sequence[int]]
    samples: Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Row:
    """One model of a comparison.

    Attributes:
        name: Of the model.
        scores: Measure -> figure with interval, 0-1.
        auc: Mean area under the labels' ROC curves, 0-1.
        ece: Expected calibration error, 15 bins; None where several labels may be right.
        mcnemar: Against the first model; None for the first.
        disagreement: With the first model; None for the first.
    """

    name: str
    scores: Mapping[str, Interval]
    auc: float
    ece: float | None
    mcnemar: McNemar | None
    disagreement: Disagreement | None


@dataclass(frozen=True)
class Comparison:
    """Models side by side.

    Attributes:
        corpus: Name of the adapter.
        split: Split that was read.
        taxonomy: Label set of the figures.
        samples: Number of samples that every model could read.
        unreadable: Samples that at least one model could not read.
        rows: One per model, in the order given.
    """

    corpus: str
    split: str
    taxonomy: str
    samples: int
    unreadable: int
    rows: Sequence[Row]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    def to_markdown(self) -> str:
        """A Markdown table, figures in per cent."""
        measures = list(self.rows[0].scores)
        header = ["model", *measures, "AUC", "ECE", "McNemar against the first"]
        lines = [header, ["---"] * len(header)]
        for row in self.rows:
            figures = [
                f"{100 * i.value:.1f} ({100 * i.low:.1f}–{100 * i.high:.1f})" for i in row.scores.values()
            ]
            ece = "–" if row.ece is None else f"{row.ece:.3f}"
            test = row.mcnemar
            chance = "–" if test is None else f"{test.only_this} : {test.only_first}, p = {test.p:.2g}"
            lines.append([row.name, *figures, f"{row.auc:.3f}", ece, chance])
        return _table(lines) + self._disagreements()

    def _disagreements(self) -> str:
        others = [(row.name, row.disagreement) for row in self.rows if row.disagreement]
        if not others:
            return ""
        first = self.rows[0].name
        lines = [["true label", *(name for name, _ in others)], ["---"] * (len(others) + 1)]
        lines.append(["answered otherwise", *(f"{100 * own.share:.1f} %" for _, own in others)])
        for label in load_taxonomy(self.taxonomy).labels:
            counts = [own.by_label[label] for _, own in others]
            lines.append([label, *(f"{this} : {only}" for this, only in counts)])
        return f"\nWhere they disagree: right only here : right only with {first}\n\n" + _table(lines)


def compare_answers(answers: Mapping[str, Answers], corpus: str, split: str) -> Comparison:
    """Compare what models answered.

    Args:
        answers: Name -> answers of `answer_corpus` or `fit_baselines`; the first is the one that the others
            are tested against. Models are compared on the samples that all of them could read.
        corpus: Name of the corpus.
        split: Name of the split.

    Returns:
        The comparison, with 1,000 bootstrap resamples of the samples per figure.

    Raises:
        ConfigError: There is nothing to compare, the models answer in different labels, or in a number.
        CorpusFormatError: No sample can be read by every model.
    """
    taxonomies = {own.taxonomy for own in answers.values()}
    if len(taxonomies) != 1:
        found = ", ".join(sorted(taxonomies)) or "none"
        raise ConfigError(
            f"Models can only be compared in one label set, not in {found}. Choose models with the same "
            "heads.",
            item=corpus,
        )
    if VALENCE in taxonomies:
        raise ConfigError(
            "Valences are numbers; `emofuse evaluate` scores them, one model at a time.", item=corpus
        )
    common = set.intersection(*(set(own.ids) for own in answers.values()))
    if not common:
        raise CorpusFormatError(f"No sample of {corpus} {split} can be read by every model.", item=corpus)
    first: Answers | None = None
    rows = []
    for name, given in answers.items():
        own = _keep(given, common)
        truth, guess = own.decide()
        scores, _ = bootstrap_scores(truth, guess, load_taxonomy(own.taxonomy).labels)
        actual = truth if own.multi_label else np.eye(own.truth.shape[1])[truth]
        auc = macro_auc(actual, own.probabilities)
        ece = None if own.multi_label else expected_calibration_error(own.probabilities, truth)
        against = (None, None) if first is None else (_mcnemar(first, own), _disagree(first, own))
        rows.append(Row(name, scores, auc, ece, *against))
        first = first or own
    everything = set.union(*({*own.ids, *own.unreadable} for own in answers.values()))
    return Comparison(corpus, split, taxonomies.pop(), len(common), len(everything) - len(common), rows)


def _keep(answers: Answers, ids: Collection[str]) -> Answers:
    kept = np.array([index for index, id_ in enumerate(answers.ids) if id_ in ids])
    return replace(
        answers,
        samples=[answers.samples[i] for i in kept],
        truth=answers.truth[kept],
        probabilities=answers.probabilities[kept],
    )


def _mcnemar(first: Answers, other: Answers) -> McNemar:
    (truth, one), (_, two) = first.decide(), other.decide()
    right = [(truth == guess).reshape(len(truth), -1).min(axis=1) for guess in (one, two)]
    only_first, only_other = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    discordant = only_first + only_other
    p = float(binomtest(only_first, discordant).pvalue) if discordant else 1.0
    return McNemar(only_first, only_other, p)


def _disagree(first: Answers, other: Answers) -> Disagreement:
    labels = load_taxonomy(first.taxonomy).labels
    (truth, one), (_, two) = first.decide(), other.decide()
    differ: NDArray[np.bool_] = (one != two).reshape(len(truth), -1).max(axis=1)
    by_label = {}
    for index, label in enumerate(labels):
        if first.multi_label:
            right_one, right_two = one[:, index] == truth[:, index], two[:, index] == truth[:, index]
        else:
            own = truth == index
            right_one, right_two = own & (one == index), own & (two == index)
        by_label[label] = (int((right_two & ~right_one).sum()), int((right_one & ~right_two).sum()))
    samples: list[Mapping[str, str]] = []
    if not first.multi_label:
        sure = np.minimum(first.probabilities.max(axis=1), other.probabilities.max(axis=1))
        surest = [int(i) for i in np.argsort(-sure, kind="stable") if differ[i]][:EXAMPLES]
        samples = [
            {"id": first.ids[i], "truth": labels[truth[i]], "first": labels[one[i]], "this": labels[two[i]]}
            for i in surest
        ]
    return Disagreement(float(differ.mean()), by_label, samples)


def _table(lines: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
