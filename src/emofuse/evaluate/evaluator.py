"""Score a bundle on a split of a corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from emofuse.evaluate.answers import answer_corpus
from emofuse.evaluate.intervals import bootstrap_scores
from emofuse.evaluate.scores import score
from emofuse.metrics import reliability_bins
from emofuse.runtime.bundle import ModelBundle
from emofuse.taxonomy import load_taxonomy

__all__ = ["Evaluation", "evaluate_bundle"]


@dataclass(frozen=True)
class Evaluation:
    """Result of one bundle on one split.

    Attributes:
        bundle: Name of the bundle.
        version: Its version.
        corpus: Name of the adapter.
        split: Split that was read.
        taxonomy: Label set of the figures.
        samples: Number of samples scored.
        unreadable: Samples that raised an input error, with its code; they count as wrong nowhere and
            are listed here so that nothing is lost.
        scores: Measure -> value.
        intervals: Measure -> ends of its 95 % bootstrap interval, for the measures that have one.
        per_class: Label -> precision, recall, f1, support, and f1_low and f1_high where the label occurs.
        calibration: Confidence bin -> its samples, their mean confidence and their accuracy; empty for
            multi-label corpora.
        confusion: Rows truth, columns prediction, in taxonomy order; empty for multi-label corpora.
    """

    bundle: str
    version: str
    corpus: str
    split: str
    taxonomy: str
    samples: int
    unreadable: Mapping[str, str]
    scores: Mapping[str, float]
    intervals: Mapping[str, Sequence[float]]
    per_class: Mapping[str, Mapping[str, float]]
    calibration: Sequence[Mapping[str, float]]
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
    calibration = []
    if not answers.multi_label:
        calibration = reliability_bins(answers.probabilities, answers.truth.argmax(axis=1))
    return Evaluation(
        bundle.name,
        bundle.version,
        corpus,
        split,
        answers.taxonomy,
        len(answers.ids),
        answers.unreadable,
        scores,
        {name: (interval.low, interval.high) for name, interval in intervals.items()},
        per_class,
        calibration,
        confusion,
    )
