"""Score a bundle on a split of a corpus: the same path that users take, then scikit-learn's arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

from emofuse.datasets import DatasetAdapter, load_adapter, shows_crops
from emofuse.errors import ConfigError, CorpusFormatError, InputError
from emofuse.evaluate.intervals import bootstrap_scores
from emofuse.evaluate.readers import build_reader
from emofuse.metrics import brier_score, expected_calibration_error, reliability_bins
from emofuse.runtime.bundle import ModelBundle, OutputSpec
from emofuse.taxonomy import OWN, POLARITIES, load_mapping, load_taxonomy
from emofuse.types import FloatArray, Sample

__all__ = ["Answers", "Evaluation", "answer_corpus", "choose_output", "evaluate_bundle", "macro_auc", "score"]

SMALLEST = 1e-9  # probability that keeps a chosen label possible


@dataclass(frozen=True, eq=False)
class Answers:
    """What a bundle says about the labelled samples of a split.

    Attributes:
        taxonomy: Label set of truth and probabilities.
        ids: Ids of the samples that could be read.
        truth: (n, labels) float32 label weights.
        probabilities: (n, labels) float32, 0-1.
        thresholds: Label -> smallest probability of a yes, for a multi-label corpus in the bundle's labels.
        multi_label: Several labels may be right at once.
        unreadable: Id -> error code of the samples that could not be read.
    """

    taxonomy: str
    ids: Sequence[str]
    truth: FloatArray
    probabilities: FloatArray
    thresholds: Mapping[str, float] | None
    multi_label: bool
    unreadable: Mapping[str, str]

    def decide(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Truth and answers: (n,) int indices, or (n, labels) bool for a multi-label corpus."""
        if not self.multi_label:
            return self.truth.argmax(axis=1), self.probabilities.argmax(axis=1)
        labels = load_taxonomy(self.taxonomy).labels
        cuts = np.array([(self.thresholds or {}).get(label, 0.5) for label in labels])
        return self.truth > 0.5, self.probabilities >= cuts


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


def answer_corpus(  # noqa: PLR0913 - what to read, and which part of it
    bundle: ModelBundle,
    corpus: str,
    root: Path,
    *,
    split: str = "test",
    labels: Sequence[str] = (),
    modalities: Sequence[str] = (),
    taxonomy: str | None = None,
) -> Answers:
    """Run a bundle over the labelled samples of a split.

    Args:
        bundle: Any bundle that reads samples.
        corpus: Name of a dataset adapter.
        root: Folder of the corpus.
        split: One of the adapter's splits.
        labels: As for `evaluate_bundle`.
        modalities: As for `build_reader`.
        taxonomy: One of the label sets of the corpus; None takes the first that the bundle can answer.

    Returns:
        Truth and probabilities in the corpus's labels.

    Raises:
        ConfigError: No output of the bundle leads to the corpus's labels, or labels were chosen from a
            multi-label corpus.
        UnknownLabelError: The corpus has no such label.
        DatasetError: The corpus is missing or malformed, or none of its samples has a label or can be read.
    """
    adapter = load_adapter(corpus)
    if labels and adapter.multi_label:
        raise ConfigError(
            f"{corpus} may give several labels to a sample; `labels` would leave some of them out.",
            item=corpus,
        )
    everything = list(adapter.iter_samples(root, split))
    present = _present(adapter, everything, split, taxonomy)
    output, taxonomy = choose_output(bundle, present, corpus)
    chosen = [load_taxonomy(taxonomy).index(label) for label in labels]
    samples = _select(everything, taxonomy, chosen)
    reader = build_reader(bundle, modalities, crops=shows_crops(corpus))
    unreadable: dict[str, str] = {}
    readings: list[FloatArray] = []
    kept: list[Sample] = []
    for sample, reading in zip(samples, reader(samples), strict=True):
        if isinstance(reading, InputError):
            unreadable[str(sample.id)] = reading.code
        else:
            readings.append(reading[output.taxonomy])
            kept.append(sample)
    if not kept:
        raise CorpusFormatError(
            f"None of the {len(samples)} samples of {corpus} {split} could be read: "
            f"{', '.join(sorted(set(unreadable.values()))) or 'none has the labels asked for'}.",
            item=corpus,
        )
    probabilities = np.stack(readings)
    if output.taxonomy != taxonomy:
        probabilities = load_mapping(output.taxonomy, taxonomy).map_probabilities(probabilities)
    if chosen:
        probabilities = _restrict(probabilities, chosen)
    return Answers(
        taxonomy,
        [str(sample.id) for sample in kept],
        _truth(kept, taxonomy),
        probabilities,
        output.thresholds if adapter.multi_label and output.taxonomy == taxonomy else None,
        adapter.multi_label,
        unreadable,
    )


def _present(
    adapter: DatasetAdapter, samples: Sequence[Sample], split: str, taxonomy: str | None
) -> list[str]:
    present = [name for name in adapter.taxonomies if any(sample.labels.get(name) for sample in samples)]
    if not present:
        raise CorpusFormatError(
            f"{adapter.name} {split} holds no sample labelled in {', '.join(adapter.taxonomies)}.",
            item=adapter.name,
        )
    if taxonomy is None:
        return present
    if taxonomy not in present:
        raise ConfigError(
            f"{adapter.name} {split} is not labelled in {taxonomy!r}. Valid: {', '.join(present)}.",
            item=taxonomy,
        )
    return [taxonomy]


def _select(samples: Sequence[Sample], taxonomy: str, chosen: Sequence[int]) -> list[Sample]:
    if taxonomy.startswith(f"{OWN}:"):
        samples = [_rename_own(sample, taxonomy) for sample in samples]
    labelled = [sample for sample in samples if sample.labels.get(taxonomy)]
    if not chosen:
        return labelled
    top = _truth(labelled, taxonomy).argmax(axis=1)
    return [sample for sample, label in zip(labelled, top, strict=True) if label in chosen]


def _rename_own(sample: Sample, taxonomy: str) -> Sample:
    # The corpus does not know which labels the model was trained on.
    labels = sample.labels.get(OWN, {})
    for label in labels:
        load_taxonomy(taxonomy).index(label)
    return replace(sample, labels={taxonomy: labels})


def _restrict(probabilities: FloatArray, chosen: Sequence[int]) -> FloatArray:
    allowed = np.zeros_like(probabilities)
    allowed[:, chosen] = np.maximum(probabilities[:, chosen], SMALLEST)
    restricted: FloatArray = allowed / allowed.sum(axis=1, keepdims=True)
    return restricted


def choose_output(bundle: ModelBundle, taxonomies: Sequence[str], corpus: str) -> tuple[OutputSpec, str]:
    """Pick the output that answers a corpus: one in its main labels, else one that maps to them.

    Args:
        bundle: A text or face bundle.
        taxonomies: Label sets of the corpus, main one first; the next is tried when nothing leads to one.
        corpus: Its name, for the message.

    Returns:
        The output, and the label set to compare in.

    Raises:
        ConfigError: No output leads to any of the label sets.
    """
    for taxonomy in taxonomies:
        if taxonomy in bundle.outputs:
            return bundle.outputs[taxonomy], taxonomy
        if taxonomy == OWN:
            own = [name for name in bundle.outputs if name.startswith(f"{OWN}:")]
            if own:
                return bundle.outputs[own[0]], own[0]
            continue
        for name, output in bundle.outputs.items():
            if (
                output.activation == "softmax"
                and not name.startswith(f"{OWN}:")
                and (name in POLARITIES) == (taxonomy in POLARITIES)
            ):
                return output, taxonomy
    raise ConfigError(
        f"{bundle.name} answers in {', '.join(bundle.outputs)}; none of them leads to the labels of "
        f"{corpus} ({', '.join(taxonomies)}).",
        item=corpus,
    )


def _truth(samples: Sequence[Sample], taxonomy: str) -> FloatArray:
    labels = load_taxonomy(taxonomy).labels
    truth = np.zeros((len(samples), len(labels)), dtype=np.float32)
    for row, sample in enumerate(samples):
        for label, weight in sample.labels[taxonomy].items():
            truth[row, labels.index(label)] = weight
    return truth


def score(
    probabilities: FloatArray,
    truth: FloatArray,
    taxonomy: str,
    *,
    thresholds: Mapping[str, float] | None = None,
    multi_label: bool = False,
) -> tuple[dict[str, float], dict[str, dict[str, float]], list[list[int]]]:
    """Compare probabilities with the truth.

    Args:
        probabilities: (n, labels) float, 0-1.
        truth: (n, labels) float, label weights.
        taxonomy: Name of the label set of both.
        thresholds: Label -> smallest probability that counts as a yes; None takes 0.5.
        multi_label: Several labels may be right at once.

    Returns:
        Scores by name (0-1), the per-class table, and the confusion matrix (empty if multi-label).
    """
    labels = list(load_taxonomy(taxonomy).labels)
    if multi_label:
        cuts = np.array([(thresholds or {}).get(label, 0.5) for label in labels])
        actual, decided = truth > 0.5, probabilities >= cuts
        occurring = actual.any(axis=0)  # average precision is undefined without a positive
        scores = {
            "macro_f1": float(sk.f1_score(actual, decided, average="macro", zero_division=0)),
            "micro_f1": float(sk.f1_score(actual, decided, average="micro", zero_division=0)),
            "macro_auc": macro_auc(actual, probabilities),
            "macro_average_precision": float(
                sk.average_precision_score(actual[:, occurring], probabilities[:, occurring])
            ),
        }
        columns: Any = sk.precision_recall_fscore_support(actual, decided, zero_division=0)
        return scores, _per_class(labels, columns), []
    best, guess = truth.argmax(axis=1), probabilities.argmax(axis=1)
    present = sorted(set(best.tolist()))
    scores = {
        "accuracy": float(sk.accuracy_score(best, guess)),
        "macro_recall": float(sk.recall_score(best, guess, labels=present, average="macro", zero_division=0)),
        "macro_f1": float(sk.f1_score(best, guess, labels=present, average="macro", zero_division=0)),
        "weighted_f1": float(sk.f1_score(best, guess, average="weighted", zero_division=0)),
        "macro_auc": macro_auc(np.eye(len(labels))[best], probabilities),
        "kappa": _kappa(best, guess),
        "ece": expected_calibration_error(probabilities, best),
        "brier": brier_score(probabilities, best),
    }
    indices = list(range(len(labels)))
    columns = sk.precision_recall_fscore_support(best, guess, labels=indices, zero_division=0)
    confusion = sk.confusion_matrix(best, guess, labels=indices)
    return scores, _per_class(labels, columns), confusion.tolist()


def _kappa(truth: NDArray[np.int64], guess: NDArray[np.int64]) -> float:
    # With one label alone, agreement beyond chance is 0 / 0.
    one = len(np.unique(np.concatenate([truth, guess]))) == 1
    return 0.0 if one else float(sk.cohen_kappa_score(truth, guess))


def macro_auc(truth: NDArray[Any], probabilities: FloatArray) -> float:
    """Mean over the labels of the area under each label's ROC curve.

    Args:
        truth: (n, labels), > 0 where the label holds.
        probabilities: (n, labels) float, 0-1.

    Returns:
        0-1; 0.5 is chance. Labels that always or never hold have no curve and do not count; 0.5 without any.
    """
    actual = truth > 0
    curved = actual.any(axis=0) & ~actual.all(axis=0)
    if not curved.any():
        return 0.5
    return float(sk.roc_auc_score(actual[:, curved], probabilities[:, curved], average="macro"))


def _per_class(labels: Sequence[str], columns: Any) -> dict[str, dict[str, float]]:
    names = ("precision", "recall", "f1", "support")
    return {
        label: {name: float(column[i]) for name, column in zip(names, columns, strict=True)}
        for i, label in enumerate(labels)
    }
