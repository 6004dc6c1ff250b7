"""Numbers about confidence that scikit-learn does not have, in plain numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emofuse.types import FloatArray

__all__ = ["brier_score", "expected_calibration_error", "jensen_shannon", "risk_coverage"]


def expected_calibration_error(
    probabilities: FloatArray, targets: NDArray[np.integer], bins: int = 15
) -> float:
    r"""Mean gap between confidence and accuracy of the top label.

    $$ECE = \sum_b \frac{n_b}{n} |acc_b - conf_b|$$ over bins of equal width on (0, 1].

    Args:
        probabilities: (n, labels) float, rows sum to 1; n >= 1.
        targets: (n,) int, index of the true label.
        bins: Number of bins.

    Returns:
        0 (perfect) to 1.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", eq. 3.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == targets
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(index, weights=correct - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


def brier_score(probabilities: FloatArray, targets: NDArray[np.integer]) -> float:
    """Mean squared distance between a distribution and the one-hot truth.

    Args:
        probabilities: (n, labels) float, rows sum to 1; n >= 1.
        targets: (n,) int, index of the true label.

    Returns:
        0 (perfect) to 2.

    Source: Brier 1950, "Verification of forecasts expressed in terms of probability".
    """
    truth = np.eye(probabilities.shape[1])[targets]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def jensen_shannon(first: FloatArray, second: FloatArray) -> NDArray[np.float64]:
    """Jensen-Shannon divergence to base 2 along the last axis.

    Args:
        first: (..., labels) float, sums to 1; zeros allowed.
        second: Same shape.

    Returns:
        (...) float64 from 0 (equal) to 1 (disjoint).

    Source: Lin 1991, "Divergence measures based on the Shannon entropy".
    """
    p, q = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    middle = (p + q) / 2
    divergence = (_entropy_terms(p, middle) + _entropy_terms(q, middle)).sum(axis=-1) / 2
    clipped: NDArray[np.float64] = np.clip(divergence, 0.0, 1.0)
    return clipped


def risk_coverage(
    confidences: FloatArray, correct: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Error rate among the most confident share of the predictions.

    Args:
        confidences: (n,) float; n >= 1.
        correct: (n,) bool.

    Returns:
        Coverage (n,) from 1/n to 1, and the risk (n,) 0-1 when only that share is answered. Ties keep
        their order.

    Source: Geifman and El-Yaniv 2017, "Selective Classification for Deep Neural Networks".
    """
    order = np.argsort(-confidences, kind="stable")
    answered = np.arange(1, len(order) + 1)
    return answered / len(order), np.cumsum(~correct[order]) / answered


def _entropy_terms(p: NDArray[np.float64], middle: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio = np.divide(p, middle, out=np.ones_like(p), where=p > 0)
    terms: NDArray[np.float64] = p * np.log2(ratio)
    return terms
