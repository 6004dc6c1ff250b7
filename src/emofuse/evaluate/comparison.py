"""Several models on the same samples: intervals for each, and whether their differences could be chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from emofuse.errors import ConfigError, CorpusFormatError
from emofuse.evaluate.answers import Answers
from emofuse.evaluate.intervals import Interval, bootstrap_scores
from emofuse.evaluate.scores import macro_auc
from emofuse.metrics import expected_calibration_error
from emofuse.taxonomy import load_taxonomy

__all__ = ["Comparison", "McNemar", "Row", "compare_answers"]


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
class Row:
    """One model of a comparison.

    Attributes:
        name: Of the model.
        scores: Measure -> figure with interval, 0-1.
        auc: Mean area under the labels' ROC curves, 0-1.
        ece: Expected calibration error, 15 bins; None where several labels may be right.
        mcnemar: Against the first model; None for the first.
    """

    name: str
    scores: Mapping[str, Interval]
    auc: float
    ece: float | None
    mcnemar: McNemar | None


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
        return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


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
        ConfigError: There is nothing to compare, or the models answer in different labels.
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
    common = set.intersection(*(set(own.ids) for own in answers.values()))
    if not common:
        raise CorpusFormatError(f"No sample of {corpus} {split} can be read by every model.", item=corpus)
    first: NDArray[np.bool_] | None = None
    rows = []
    for name, own in answers.items():
        kept = np.array([index for index, id_ in enumerate(own.ids) if id_ in common])
        truth, guess = own.decide()
        truth, guess = truth[kept], guess[kept]
        right: NDArray[np.bool_] = (truth == guess).reshape(len(kept), -1).min(axis=1)
        scores, _ = bootstrap_scores(truth, guess, load_taxonomy(own.taxonomy).labels)
        actual = truth if own.multi_label else np.eye(own.truth.shape[1])[truth]
        auc = macro_auc(actual, own.probabilities[kept])
        ece = None
        if not own.multi_label:
            ece = expected_calibration_error(own.probabilities[kept], truth)
        rows.append(Row(name, scores, auc, ece, None if first is None else _mcnemar(first, right)))
        first = right if first is None else first
    everything = set.union(*({*own.ids, *own.unreadable} for own in answers.values()))
    return Comparison(corpus, split, taxonomies.pop(), len(common), len(everything) - len(common), rows)


def _mcnemar(first: NDArray[np.bool_], other: NDArray[np.bool_]) -> McNemar:
    only_first, only_other = int((first & ~other).sum()), int((other & ~first).sum())
    discordant = only_first + only_other
    p = float(binomtest(only_first, discordant).pvalue) if discordant else 1.0
    return McNemar(only_first, only_other, p)
