"""The measures of an evaluation: scikit-learn's arithmetic, and ours for confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

from emofuse.evaluate.selective import accuracy_at_coverage
from emofuse.metrics import (
    brier_score,
    classwise_calibration_error,
    expected_calibration_error,
    risk_coverage,
)
from emofuse.taxonomy import load_taxonomy
from emofuse.types import FloatArray

__all__ = ["macro_auc", "score"]


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
        Scores by name (0-1, but the Brier score up to 2, or up to the number of labels where several may be
        right), the per-class table, and the confusion matrix (empty if multi-label). Averages of precision,
        recall and F1 leave out labels that do not occur, unless several may be right.
    """
    labels = list(load_taxonomy(taxonomy).labels)
    if multi_label:
        cuts = np.array([(thresholds or {}).get(label, 0.5) for label in labels])
        actual, decided = truth > 0.5, probabilities >= cuts
        columns: Any = sk.precision_recall_fscore_support(actual, decided, zero_division=0)
        per_class = _per_class(labels, columns, actual, probabilities)
        return _score_several(probabilities, actual, decided), per_class, []
    best, guess = truth.argmax(axis=1), probabilities.argmax(axis=1)
    indices = list(range(len(labels)))
    columns = sk.precision_recall_fscore_support(best, guess, labels=indices, zero_division=0)
    actual = best[:, None] == np.array(indices)
    confusion = sk.confusion_matrix(best, guess, labels=indices)
    per_class = _per_class(labels, columns, actual, probabilities)
    return _score_one(probabilities, best, actual), per_class, confusion.tolist()


def _score_one(
    probabilities: FloatArray, best: NDArray[np.int64], actual: NDArray[np.bool_]
) -> dict[str, float]:
    guess, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    present = sorted(set(best.tolist()))
    macro = {"labels": present, "average": "macro", "zero_division": 0}
    recall = float(sk.recall_score(best, guess, **macro))
    return {
        "accuracy": float(sk.accuracy_score(best, guess)),
        "balanced_accuracy": recall,
        "macro_precision": float(sk.precision_score(best, guess, **macro)),
        "macro_recall": recall,  # the same figure under the name that shared tasks give it
        "macro_f1": float(sk.f1_score(best, guess, **macro)),
        "weighted_precision": float(sk.precision_score(best, guess, average="weighted", zero_division=0)),
        "weighted_f1": float(sk.f1_score(best, guess, average="weighted", zero_division=0)),
        "macro_auc": macro_auc(actual, probabilities),
        "macro_average_precision": _mean_precision(actual, probabilities),
        "kappa": _kappa(best, guess),
        "ece": expected_calibration_error(probabilities, best),
        "classwise_ece": _classwise(probabilities, actual),
        "brier": brier_score(probabilities, best),
        "risk_coverage_area": float(risk_coverage(confidence, guess == best)[1].mean()),
        "accuracy_at_80_coverage": accuracy_at_coverage(confidence, guess == best, 0.8),
    }


def _score_several(
    probabilities: FloatArray, actual: NDArray[np.bool_], decided: NDArray[np.bool_]
) -> dict[str, float]:
    return {
        "exact_match": float(sk.accuracy_score(actual, decided)),
        "hamming_loss": float(sk.hamming_loss(actual, decided)),
        "jaccard": float(sk.jaccard_score(actual, decided, average="samples", zero_division=1)),
        "macro_precision": float(sk.precision_score(actual, decided, average="macro", zero_division=0)),
        "macro_recall": float(sk.recall_score(actual, decided, average="macro", zero_division=0)),
        "macro_f1": float(sk.f1_score(actual, decided, average="macro", zero_division=0)),
        "micro_f1": float(sk.f1_score(actual, decided, average="micro", zero_division=0)),
        "weighted_f1": float(sk.f1_score(actual, decided, average="weighted", zero_division=0)),
        "macro_auc": macro_auc(actual, probabilities),
        "macro_average_precision": _mean_precision(actual, probabilities),
        "classwise_ece": _classwise(probabilities, actual),
        "brier": float(((probabilities - actual) ** 2).sum(axis=1).mean()),
    }


def _classwise(probabilities: FloatArray, actual: NDArray[np.bool_]) -> float:
    # Labels that were not to be chosen are right by construction.
    open_ = actual.any(axis=0) | (probabilities > 0).any(axis=0)
    return classwise_calibration_error(probabilities[:, open_], actual[:, open_])


def _mean_precision(actual: NDArray[np.bool_], probabilities: FloatArray) -> float:
    occurring = actual.any(axis=0)  # average precision is undefined without a positive
    if not occurring.any():
        return 0.0
    return float(sk.average_precision_score(actual[:, occurring], probabilities[:, occurring]))


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


def _per_class(
    labels: Sequence[str], columns: Any, actual: NDArray[np.bool_], probabilities: FloatArray
) -> dict[str, dict[str, float]]:
    names = ("precision", "recall", "f1", "support")
    table = {
        label: {name: float(column[i]) for name, column in zip(names, columns, strict=True)}
        for i, label in enumerate(labels)
    }
    for i, label in enumerate(labels):
        own, column = actual[:, i], probabilities[:, i]
        if own.any() and not own.all():
            table[label]["auc"] = float(sk.roc_auc_score(own, column))
            table[label]["average_precision"] = float(sk.average_precision_score(own, column))
    return table
