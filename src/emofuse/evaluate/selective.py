"""Answering only when sure enough: risk and coverage."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emofuse.metrics import risk_coverage
from emofuse.types import FloatArray

__all__ = ["accuracy_at_coverage", "threshold_at_coverage"]


def accuracy_at_coverage(confidence: FloatArray, right: NDArray[np.bool_], coverage: float) -> float:
    """Accuracy on the most confident samples.

    Args:
        confidence: (n,) float, 0-1.
        right: (n,) bool.
        coverage: Share of the samples that is answered, above 0, at most 1.

    Returns:
        0-1.
    """
    covered, risk = risk_coverage(confidence, right)
    index = min(int(np.searchsorted(covered, coverage - 1e-6)), len(risk) - 1)
    return float(1 - risk[index])


def threshold_at_coverage(confidence: FloatArray, coverage: float) -> float:
    """The confidence from which on a share of the samples is answered.

    Args:
        confidence: (n,) float, 0-1, on validation samples.
        coverage: Share to be answered, 0-1.

    Returns:
        0-1; answers below it are the least sure `1 - coverage` of them.
    """
    return float(np.quantile(confidence, 1 - coverage))
