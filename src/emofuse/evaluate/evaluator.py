"""Score what a bundle answers on a split of a corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emofuse.datasets import VALENCE
from emofuse.errors import CorpusFormatError
from emofuse.evaluate.answers import Answers, answer_corpus
from emofuse.evaluate.intervals import bootstrap_regression, bootstrap_scores
from emofuse.evaluate.scores import score
from emofuse.metrics import reliability_bins, risk_coverage
from emofuse.runtime.bundle import ModelBundle
from emofuse.taxonomy import load_taxonomy

__all__ = ["Evaluation", "evaluate_bundle", "score_answers"]

STEPS = 10


@dataclass(frozen=True)
class Evaluation:
    """Result of one bundle on one split.

    Attributes:
        bundle: Name of the bundle.
        version: Its version.
        corpus: Name of the adapter.
        split: Split that was read.
        taxonomy: Label set of the figures, or `valence`.
        samples: Number of samples scored.
        data_sha256: Digest of these samples and their labels.
        unreadable: Samples that raised an input error, with its code; they count as wrong nowhere and
            are listed here so that nothing is lost.
        scores: Measure -> value; see `emofuse.evaluate.scores`.
        intervals: Measure -> ends of its 95 % bootstrap interval, for the measures that have one.
        per_class: Label -> precision, recall, f1, support, auc and average_precision where they are defined,
            and f1_low and f1_high where the label occurs; empty for `valence`.
        calibration: Confidence bin -> its samples, their mean confidence and their accuracy; empty for
            multi-label corpora and `valence`.
        risk_coverage: Accuracy when only the surest tenth, two tenths, ... of the samples are answered, and
            the least confidence among them; empty as above.
        confusion: Rows truth, columns prediction, in taxonomy order; empty as above.
    """

    bundle: str
    version: str
    corpus: str
    split: str
    taxonomy: str
    samples: int
    data_sha256: str
    unreadable: Mapping[str, str]
    scores: Mapping[str, float]
    intervals: Mapping[str, Sequence[float]]
    per_class: Mapping[str, Mapping[str, float]]
    calibration: Sequence[Mapping[str, float]]
    risk_coverage: Sequence[Mapping[str, float]]
    confusion: Sequence[Sequence[int]]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def evaluate_bundle(
    bundle: ModelBundle,
    corpus: str,
    root: Path,
    *,
    split: str = "test",
    labels: Sequence[str] = (),
    taxonomy: str | None = None,
) -> Evaluation:
    """Run a bundle over a split and score it.

    Args:
        bundle: Any bundle that reads samples.
        corpus: Name of a dataset adapter.
        root: Folder of the corpus.
        split: One of the adapter's splits.
        labels: Keep only the samples with one of these labels of the corpus, and let the bundle choose
            among these alone; empty takes all.
        taxonomy: As for `answer_corpus`.

    Returns:
        The evaluation. A multi-label corpus is scored with the bundle's thresholds, any other by the most
        probable label. Where several annotators voted, the truth is the label with most votes.

    Raises:
        ConfigError: No output of the bundle leads to the corpus's labels.
        DatasetError: The corpus is missing or malformed.
    """
    answers = answer_corpus(bundle, corpus, root, split=split, labels=labels, taxonomy=taxonomy)
    return score_answers(answers, bundle, corpus, split)


def score_answers(answers: Answers, bundle: ModelBundle, corpus: str, split: str) -> Evaluation:
    """Score what a bundle said.

    Args:
        answers: Of `answer_corpus`.
        bundle: Who gave them.
        corpus: Name of the adapter.
        split: Split that was read.

    Returns:
        The evaluation.
    """
    figures = _score_valence(answers) if answers.taxonomy == VALENCE else _score_labels(answers)
    return Evaluation(
        bundle=bundle.name,
        version=bundle.version,
        corpus=corpus,
        split=split,
        taxonomy=answers.taxonomy,
        samples=len(answers.samples),
        data_sha256=answers.data_sha256,
        unreadable=answers.unreadable,
        **figures,
    )


def _score_labels(answers: Answers) -> dict[str, Any]:
    scores, per_class, confusion = score(
        answers.probabilities,
        answers.truth,
        answers.taxonomy,
        thresholds=answers.thresholds,
        multi_label=answers.multi_label,
    )
    intervals, per_label = bootstrap_scores(*answers.decide(), load_taxonomy(answers.taxonomy).labels)
    for label, interval in per_label.items():
        per_class[label] |= {"f1_low": interval.low, "f1_high": interval.high}
    one = not answers.multi_label
    return {
        "scores": scores,
        "intervals": {name: (interval.low, interval.high) for name, interval in intervals.items()},
        "per_class": per_class,
        "calibration": reliability_bins(answers.probabilities, answers.truth.argmax(axis=1)) if one else [],
        "risk_coverage": _cover(answers) if one else [],
        "confusion": confusion,
    }


def _score_valence(answers: Answers) -> dict[str, Any]:
    if len(answers.samples) < 2:
        raise CorpusFormatError("A correlation needs two samples; the split has one.", item=VALENCE)
    found = bootstrap_regression(answers.truth[:, 0], answers.probabilities[:, 0])
    return {
        "scores": {name: interval.value for name, interval in found.items()},
        "intervals": {name: (interval.low, interval.high) for name, interval in found.items()},
        "per_class": {},
        "calibration": [],
        "risk_coverage": [],
        "confusion": [],
    }


def _cover(answers: Answers) -> list[dict[str, float]]:
    truth, guess = answers.decide()
    confidence = answers.probabilities.max(axis=1)
    coverage, risk = risk_coverage(confidence, truth == guess)
    ordered = np.sort(confidence)[::-1]
    rows = []
    for step in range(1, STEPS + 1):
        last = min(int(np.searchsorted(coverage, step / STEPS - 1e-9)), len(risk) - 1)
        rows.append(
            {
                "coverage": float(coverage[last]),
                "accuracy": float(1 - risk[last]),
                "confidence": float(ordered[last]),
            }
        )
    return rows
