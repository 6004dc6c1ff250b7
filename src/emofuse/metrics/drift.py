"""How far a distribution has moved from a reference, in plain numpy."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "PSI_SHIFTED",
    "PSI_WATCH",
    "categorical_psi",
    "expected_psi",
    "ks_critical_value",
    "ks_p_value",
    "ks_statistic",
    "population_stability_index",
]

# Siddiqi 2006, "Credit Risk Scorecards", chapter 10: below .1 no, up to .25 some, above it a major change.
PSI_WATCH, PSI_SHIFTED = 0.1, 0.25
SMALLEST_SHARE = 1e-4
TERMS = 100  # of the Kolmogorov series, whose terms fall like exp(-2 j^2 x^2)
SERIES_FROM = 0.2  # below it the sum is 1 to more digits than a float has


def population_stability_index(reference: ArrayLike, current: ArrayLike) -> float:
    r"""Distance between two distributions over the same bins.

    $$PSI = \sum_b (q_b - p_b) \ln \frac{q_b}{p_b}$$ with the shares $p$ of the reference and $q$ of what is
    compared with it; symmetric, and the sum of the two Kullback-Leibler divergences. An empty bin would make
    it infinite: every share below 0.0001 is raised to that, and the shares are scaled back to a sum of 1.
    Rule of thumb: below 0.1 no change, 0.1 to 0.25 some, above 0.25 a major one; it takes no account of how
    many samples were counted, for which see `expected_psi`.

    Args:
        reference: (bins,) float, counts or shares, >= 0, with a sum above 0.
        current: Same shape.

    Returns:
        0 where the shares are equal, else above 0 (differences below 0.0001 aside); at most some 9.2 a bin.

    Source: Kullback and Leibler 1951, "On Information and Sufficiency", their divergence J; the rule of thumb
    from Siddiqi 2006, "Credit Risk Scorecards".

    Example:
        >>> round(population_stability_index([50, 50], [25, 75]), 4)
        0.2747
    """
    p, q = _shares(reference), _shares(current)
    return float(((q - p) * np.log(q / p)).sum())


def categorical_psi(reference: Mapping[str, float], current: Mapping[str, float]) -> float:
    """The population stability index of label counts or shares.

    Args:
        reference: Label -> count or share, >= 0, with a sum above 0.
        current: The same; a label that only one of the two has counts 0 in the other.

    Returns:
        As `population_stability_index`.

    Example:
        >>> round(categorical_psi({"joy": 1, "fear": 1}, {"joy": 1, "fear": 3}), 4)
        0.2747
    """
    labels = sorted({*reference, *current})
    sides = ([side.get(label, 0.0) for label in labels] for side in (reference, current))
    return population_stability_index(*sides)


def expected_psi(bins: int, n: int, m: int) -> float:
    r"""What chance alone makes of the index when nothing has changed.

    $$E[PSI] \approx (B - 1) \left(\frac{1}{n} + \frac{1}{m}\right)$$ since $PSI / (1/n + 1/m)$ then follows
    a chi-squared distribution with B - 1 degrees of freedom, if no bin is nearly empty.

    Args:
        bins: Number of bins, >= 1.
        n: Samples of the reference, >= 1.
        m: Samples compared with it, >= 1.

    Returns:
        Mean of the index, >= 0.

    Source: Yurdakul 2018, "Statistical Properties of Population Stability Index".

    Example:
        >>> expected_psi(11, 1000, 1000)
        0.02
    """
    return (bins - 1) * (1 / n + 1 / m)


def ks_statistic(reference: ArrayLike, current: ArrayLike) -> float:
    r"""Kolmogorov-Smirnov distance between two distributions over the same ordered bins.

    $$D = \max_b |F(b) - G(b)|$$ with the cumulative shares $F$ and $G$ at the upper edge of each bin. Within
    a bin nothing is known, so this is at most the distance of the samples themselves.

    Args:
        reference: (bins,) float, counts or shares in the order of the bins, >= 0, with a sum above 0.
        current: Same shape.

    Returns:
        0 (equal) to 1 (no overlap).

    Source: Smirnov 1948, "Table for Estimating the Goodness of Fit of Empirical Distributions".

    Example:
        >>> ks_statistic([1, 1, 2], [2, 1, 1])
        0.25
    """
    p, q = (np.asarray(side, dtype=np.float64) for side in (reference, current))
    gaps = np.abs(np.cumsum(p / p.sum()) - np.cumsum(q / q.sum()))
    return min(float(gaps.max()), 1.0)


def ks_p_value(statistic: float, n: int, m: int) -> float:
    r"""How often chance alone makes the distance at least that large, for large samples.

    $$Q(x) = 2 \sum_{j \ge 1} (-1)^{j - 1} e^{-2 j^2 x^2}, \quad x = D \sqrt{\frac{n m}{n + m}}$$ Of binned
    values the true figure is smaller: the test then misses changes rather than inventing some.

    Args:
        statistic: Of `ks_statistic`, 0-1.
        n: Samples of the reference, >= 1.
        m: Samples compared with it, >= 1.

    Returns:
        0-1.

    Source: Smirnov 1948, as above; Kolmogorov 1933.

    Example:
        >>> round(ks_p_value(0.1, 500, 500), 4)
        0.0135
    """
    x = statistic * math.sqrt(n * m / (n + m))
    if x < SERIES_FROM:
        return 1.0
    total = math.fsum((-1.0) ** (j - 1) * math.exp(-2 * j * j * x * x) for j in range(1, TERMS + 1))
    return min(max(2 * total, 0.0), 1.0)


def ks_critical_value(n: int, m: int, alpha: float = 0.05) -> float:
    r"""The distance that chance alone reaches in a share `alpha` of the cases, for large samples.

    $$D_\alpha = \sqrt{-\frac{1}{2} \ln \frac{\alpha}{2}} \sqrt{\frac{n + m}{n m}}$$, from the first term of
    the series in `ks_p_value`.

    Args:
        n: Samples of the reference, >= 1.
        m: Samples compared with it, >= 1.
        alpha: 0-1, not 0.

    Returns:
        Above 0; above 1 where so few samples can show nothing.

    Source: Smirnov 1948, as above.

    Example:
        >>> round(ks_critical_value(500, 500), 4)
        0.0859
    """
    return math.sqrt(-math.log(alpha / 2) / 2) * math.sqrt((n + m) / (n * m))


def _shares(counts: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(counts, dtype=np.float64)
    raised = np.maximum(values / values.sum(), SMALLEST_SHARE)
    shares: NDArray[np.float64] = raised / raised.sum()
    return shares
