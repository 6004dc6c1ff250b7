"""Numbers about confidence that scikit-learn does not have, in plain numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emofuse.types import FloatArray

__all__ = [
    "brier_score",
    "classwise_calibration_error",
    "expected_calibration_error",
    "jensen_shannon",
    "reliability_bins",
    "risk_coverage",
]


def expected_calibration_error(
    probabilities: FloatArray, targets: NDArray[np.integer], bins: int = 15
) -> float:
    r"""Mean gap between confidence and accuracy of the top label.

    $$ECE = \sum_b \frac{n_b}{n} |acc_b - conf_b|$$ where bin $b$ holds the $n_b$ rows whose highest
    probability lies in $((b - 1) / bins, b / bins]$, $acc_b$ is the share of them whose top label is right
    and $conf_b$ the mean of their highest probabilities. An empty bin adds nothing; a confidence on an edge
    belongs to the lower bin, 0 to the first; of equal probabilities the first label is the top one. The
    value depends on `bins` and is biased upwards for small n.

    Args:
        probabilities: (n, labels) float, rows sum to 1; n >= 1.
        targets: (n,) int, index of the true label.
        bins: Number of bins of equal width, >= 1.

    Returns:
        0 (perfect) to 1.

    Source: Naeini et al. 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning"; Guo et al.
    2017, "On Calibration of Modern Neural Networks", eq. 3.

    Example:
        >>> probabilities = np.array([[0.75, 0.25], [0.25, 0.75]])
        >>> expected_calibration_error(probabilities, np.array([0, 0]))
        0.25
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == targets
    index = _bin_index(confidence, bins)
    gaps = np.bincount(index, weights=correct - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


def classwise_calibration_error(probabilities: FloatArray, truth: NDArray[np.bool_], bins: int = 15) -> float:
    r"""Mean gap between the probability of a label and how often it holds, averaged over the labels.

    $$cwECE = \frac{1}{K} \sum_k \sum_b \frac{n_{bk}}{n} |freq_{bk} - prob_{bk}|$$ where bin $b$ of label
    $k$ holds the rows whose probability of $k$ lies in $((b - 1) / bins, b / bins]$. Unlike the expected
    calibration error it looks at every label, so it is also defined where several hold at once; most
    probabilities of rare labels are near 0 and well calibrated, which keeps it small.

    Args:
        probabilities: (n, labels) float, 0-1; n >= 1.
        truth: (n, labels) bool.
        bins: Number of bins of equal width, >= 1.

    Returns:
        0 (perfect) to 1.

    Source: Kull et al. 2019, "Beyond temperature scaling", definition 2.

    Example:
        >>> classwise_calibration_error(np.array([[0.75, 0.25]]), np.array([[True, False]]))
        0.25
    """
    gaps = []
    for column, own in zip(probabilities.T, truth.T, strict=True):
        off = np.bincount(_bin_index(column, bins), weights=own - column, minlength=bins)
        gaps.append(np.abs(off).sum() / len(column))
    return float(np.mean(gaps))


def reliability_bins(
    probabilities: FloatArray, targets: NDArray[np.integer], bins: int = 15
) -> list[dict[str, float]]:
    """The bins behind the expected calibration error, for a reliability diagram.

    Args:
        probabilities: (n, labels) float, rows sum to 1; n >= 1.
        targets: (n,) int, index of the true label.
        bins: Number of bins of equal width, >= 1.

    Returns:
        One entry per bin that is not empty, from low confidence to high: `n`, mean `confidence` and
        `accuracy`, 0-1.

    Source: Niculescu-Mizil and Caruana 2005, "Predicting Good Probabilities with Supervised Learning".

    Example:
        >>> reliability_bins(np.array([[0.75, 0.25], [0.25, 0.75]]), np.array([0, 0]), bins=2)
        [{'n': 2, 'confidence': 0.75, 'accuracy': 0.5}]
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == targets
    index = _bin_index(confidence, bins)
    return [
        {
            "n": int((index == i).sum()),
            "confidence": float(confidence[index == i].mean()),
            "accuracy": float(correct[index == i].mean()),
        }
        for i in np.unique(index)
    ]


def _bin_index(confidence: FloatArray, bins: int) -> NDArray[np.int64]:
    index: NDArray[np.int64] = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    return index


def brier_score(probabilities: FloatArray, targets: NDArray[np.integer]) -> float:
    r"""Mean squared distance between a distribution and the one-hot truth.

    $$BS = \frac{1}{n} \sum_i \sum_k (p_{ik} - [y_i = k])^2$$ This is Brier's own form over all labels; with
    two labels it is twice the form that looks at one of them only. The even guess over k labels scores
    1 - 1/k.

    Args:
        probabilities: (n, labels) float, rows sum to 1; n >= 1.
        targets: (n,) int, index of the true label.

    Returns:
        0 (certain and right) to 2 (certain and wrong).

    Source: Brier 1950, "Verification of Forecasts Expressed in Terms of Probability".

    Example:
        >>> brier_score(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([0, 0]))
        0.25
    """
    truth = np.eye(probabilities.shape[1])[targets]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def jensen_shannon(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    r"""Jensen-Shannon divergence to base 2 along the last axis.

    $$JS(p, q) = \frac{1}{2} \sum_k p_k \log_2 \frac{2 p_k}{p_k + q_k} + \frac{1}{2} \sum_k q_k \log_2
    \frac{2 q_k}{p_k + q_k}$$ with $0 \log 0 = 0$, so that zeros need no smoothing. Symmetric; the square of
    the Jensen-Shannon distance.

    Args:
        first: (..., labels) float, sums to 1; zeros allowed.
        second: Same shape.

    Returns:
        (...) float64 from 0 (equal) to 1 (no label in common); a scalar for two vectors.

    Source: Lin 1991, "Divergence Measures Based on the Shannon Entropy", with equal weights.

    Example:
        >>> jensen_shannon([[1, 0], [0.5, 0.5]], [[0, 1], [0.5, 0.5]]).tolist()
        [1.0, 0.0]
    """
    p, q = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    divergence = (_relative_terms(p, q) + _relative_terms(q, p)).sum(axis=-1) / 2
    # Rounding alone can leave the range by some 1e-16.
    clipped: NDArray[np.float64] = np.clip(divergence, 0.0, 1.0)
    return clipped


def risk_coverage(
    confidences: FloatArray, correct: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Error rate among the most confident share of the predictions.

    With the predictions in order of falling confidence, $$coverage_i = \frac{i}{n}, \quad risk_i =
    \frac{1}{i} \sum_{j \le i} [j\ is\ wrong]$$ The last risk is the error rate of answering everything; the
    mean of the risks is the area under the curve.

    Args:
        confidences: (n,) float; only their order counts. Ties keep the order of the input.
        correct: (n,) bool, or 0 and 1.

    Returns:
        Coverage (n,) from 1/n to 1, and the risk (n,) 0-1 when only that share is answered. Both are empty
        for n = 0.

    Source: Geifman and El-Yaniv 2017, "Selective Classification for Deep Neural Networks", section 2.

    Example:
        >>> coverage, risk = risk_coverage(np.array([0.5, 0.9]), np.array([False, True]))
        >>> coverage.tolist(), risk.tolist()
        ([0.5, 1.0], [0.0, 0.5])
    """
    order = np.argsort(-np.asarray(confidences), kind="stable")
    wrong = ~np.asarray(correct, dtype=bool)[order]
    answered = np.arange(1, len(order) + 1)
    return answered / len(order), np.cumsum(wrong) / answered


def _relative_terms(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    # Halving the sum instead of doubling p would turn the smallest floats into a division by zero.
    ratio = np.divide(2 * p, p + q, out=np.ones_like(p), where=p > 0)
    terms: NDArray[np.float64] = p * np.log2(ratio)
    return terms
