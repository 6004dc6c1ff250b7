"""How far another sample of the same size could move a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from emofuse.types import FloatArray

__all__ = ["Interval", "bootstrap_regression", "bootstrap_scores"]

RESAMPLES, BLOCK = 1000, 100
SEED = 7


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % bootstrap percentile interval over the samples."""

    value: float
    low: float
    high: float


def bootstrap_scores(
    truth: NDArray[Any], guess: NDArray[Any], labels: Sequence[str]
) -> tuple[dict[str, Interval], dict[str, Interval]]:
    """Scores with intervals from 1,000 resamples of the samples, drawn with a fixed seed.

    Args:
        truth: (n,) int index of the label, or (n, labels) bool where several may hold.
        guess: The same for the answers.
        labels: Names of the labels.

    Returns:
        Measure -> interval (accuracy unless several labels may hold, macro_f1, weighted_f1), and label -> F1
        with interval for the labels that occur.

    Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3.
    """
    multi_label = truth.ndim > 1
    if not multi_label:
        columns = np.arange(len(labels))
        truth, guess = truth[:, None] == columns, guess[:, None] == columns
    random, n = np.random.default_rng(SEED), len(truth)
    once = np.ones((1, n), dtype=np.int64)
    draws = (random.multinomial(n, np.full(n, 1 / n), BLOCK) for _ in range(RESAMPLES // BLOCK))
    blocks = [_count(times, truth, guess) for times in (once, *draws)]
    support, right, f1 = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    occurring: NDArray[np.bool_] = truth.max(axis=0)
    # As in `score`: a label that a resample does not hold has no F1 in it, unless several may hold.
    averaged = np.ones_like(f1) if multi_label else support > 0
    measures = {
        "macro_f1": (f1 * averaged).sum(axis=1) / averaged.sum(axis=1),
        "weighted_f1": (f1 * support).sum(axis=1) / np.maximum(support.sum(axis=1), 1),
    }
    if not multi_label:
        measures = {"accuracy": right.sum(axis=1) / n, **measures}
    drawn = np.where(support > 0, f1, np.nan)
    per_label = {label: drawn[:, i] for i, label in enumerate(labels) if occurring[i]}
    return (
        {name: _interval(values) for name, values in measures.items()},
        {label: _interval(values) for label, values in per_label.items()},
    )


def bootstrap_regression(truth: FloatArray, guess: FloatArray) -> dict[str, Interval]:
    """Scores of guessed numbers, with intervals as in `bootstrap_scores`.

    Args:
        truth: (n,) float.
        guess: (n,) float; n >= 2.

    Returns:
        Measure -> interval: `pearson` and `spearman` correlation (-1 to 1; 0 where one side is constant),
        `mean_absolute_error`, `root_mean_squared_error` (both in the unit of the numbers), and `r2`, the
        share of the variance explained (at most 1; below 0 is worse than always guessing the mean; left out
        where the truth is constant).
    """
    random, n = np.random.default_rng(SEED), len(truth)
    drawn = [np.arange(n), *(random.integers(0, n, n) for _ in range(RESAMPLES))]
    rows = [_regress(truth[own], guess[own]) for own in drawn]
    return {
        name: _interval(np.array([row[name] for row in rows]))
        for name, value in rows[0].items()
        if not np.isnan(value)
    }


def _regress(truth: FloatArray, guess: FloatArray) -> dict[str, float]:
    error, variance = guess - truth, float(((truth - truth.mean()) ** 2).sum())
    return {
        "pearson": _correlate(truth, guess),
        "spearman": _correlate(rankdata(truth), rankdata(guess)),
        "mean_absolute_error": float(np.abs(error).mean()),
        "root_mean_squared_error": float(np.sqrt((error**2).mean())),
        "r2": 1 - float((error**2).sum()) / variance if variance else float("nan"),
    }


def _correlate(first: NDArray[Any], second: NDArray[Any]) -> float:
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _count(
    times: NDArray[np.int64], truth: NDArray[np.bool_], guess: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    # Row r of `times` says how often resample r holds each sample: counts are then matrix products.
    weights = times.astype(np.float32)
    support, claimed, right = (
        (weights @ part.astype(np.float32)).astype(np.float64) for part in (truth, guess, truth & guess)
    )
    return support, right, 2 * right / np.maximum(support + claimed, 1)


def _interval(values: NDArray[np.float64]) -> Interval:
    low, high = np.nanpercentile(values[1:], [2.5, 97.5])
    return Interval(float(values[0]), float(low), float(high))
