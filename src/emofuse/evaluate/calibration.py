"""Temperature and decision thresholds, chosen on validation data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit, log_softmax
from sklearn.metrics import precision_recall_curve

from emofuse.types import FloatArray

__all__ = [
    "Activation",
    "choose_thresholds",
    "clear_rows",
    "fit_temperature",
    "match_confidence",
    "probabilities_of",
]

Activation = Literal["softmax", "sigmoid"]


def fit_temperature(logits: FloatArray, targets: FloatArray, activation: Activation) -> float:
    """Find the temperature that minimises the negative log-likelihood.

    Args:
        logits: (n, labels) float.
        targets: (n, labels) float: shares that sum to 1 for softmax, 0 or 1 for sigmoid.
        activation: What turns logits into probabilities.

    Returns:
        Temperature between 0.1 and 10; probabilities are activation(logits / temperature).

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2.
    """

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        if activation == "softmax":
            return float(-(targets * log_softmax(scaled, axis=1)).sum(axis=1).mean())
        return float((np.logaddexp(0, scaled) - targets * scaled).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.1), np.log(10)), method="bounded")
    return float(np.exp(found.x))


def match_confidence(logits: FloatArray, targets: FloatArray) -> float:
    """Find the temperature at which the mean confidence is the accuracy.

    Where training on a few thousand samples has bent the scores, the likelihood is ruled by the surest
    answers, and `fit_temperature` may leave the others too sure.

    Args:
        logits: (n, labels) float, of softmax outputs.
        targets: (n, labels) float, shares that sum to 1; an answer is right as far as its label's share.

    Returns:
        Temperature between 0.1 and 10, one of these where none in between does it.

    Source: Clarte et al. 2023, "Expectation consistency for calibration of neural networks", eq. 5.
    """
    accuracy = targets[np.arange(len(targets)), logits.argmax(axis=1)].mean()

    def excess(log_temperature: float) -> float:
        confidence = np.exp(log_softmax(logits / np.exp(log_temperature), axis=1).max(axis=1)).mean()
        return float(confidence - accuracy)

    low, high = np.log(0.1), np.log(10)
    if excess(low) <= 0:
        return 0.1
    return 10.0 if excess(high) >= 0 else float(np.exp(brentq(excess, low, high)))


def clear_rows(targets: FloatArray) -> NDArray[np.bool_]:
    """Find the samples on which most annotators agree.

    A test split that holds such samples alone, as that of FER+ does by its majority rule, needs a temperature
    that was fitted on such samples alone. Votes for none of the labels, which FER+ counts, are not in
    `targets` any more; the rule here is that much looser.

    Args:
        targets: (n, labels) float, shares of the votes.

    Returns:
        (n,) bool: one label has more than half of the votes. All True if that holds nowhere.
    """
    clear: NDArray[np.bool_] = targets.max(axis=1) > 0.5
    return clear if clear.any() else ~clear


def choose_thresholds(
    probabilities: FloatArray, targets: NDArray[np.float32 | np.bool_], labels: Sequence[str]
) -> dict[str, float]:
    """Find per label the probability threshold with the highest F1.

    Args:
        probabilities: (n, labels) float, 0-1.
        targets: (n, labels), positive where > 0.
        labels: Names of the columns.

    Returns:
        Label -> threshold 0-1; 0.5 for a label without a positive example.
    """
    thresholds = {}
    for column, label in enumerate(labels):
        positive = targets[:, column] > 0
        if not positive.any():
            thresholds[label] = 0.5
            continue
        precision, recall, cuts = precision_recall_curve(positive, probabilities[:, column])
        f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
        # Between two neighbouring scores any cut gives the same F1: the middle generalises best.
        best = int(f1[:-1].argmax())
        lower = cuts[best - 1] if best else 0.0
        thresholds[label] = float((cuts[best] + lower) / 2)
    return thresholds


def probabilities_of(logits: FloatArray, temperature: float, activation: Activation) -> FloatArray:
    """Calibrated probabilities (n, labels) from logits (n, labels)."""
    scaled = logits / temperature
    result: FloatArray = expit(scaled) if activation == "sigmoid" else np.exp(log_softmax(scaled, axis=1))
    return result
