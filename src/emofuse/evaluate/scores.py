"""The measures of an evaluation: scikit-learn's arithmetic, and ours for confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

from emofuse.metrics import brier_score, expected_calibration_error
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
