"""From logits to calibrated probabilities."""

from __future__ import annotations

import numpy as np

from emofuse.runtime.bundle import OutputSpec
from emofuse.types import FloatArray

__all__ = ["activate"]


def activate(logits: FloatArray, output: OutputSpec) -> FloatArray:
    """Apply a head's temperature and activation.

    Args:
        logits: (..., labels) float.
        output: The head.

    Returns:
        (..., labels) float32, 0-1; rows of a softmax head sum to 1.
    """
    scaled = np.asarray(logits, dtype=np.float32) / np.float32(output.temperature)
    if output.activation == "sigmoid":
        squashed: FloatArray = 1 / (1 + np.exp(-np.clip(scaled, -60, 60)))
        return squashed
    raised = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    shares: FloatArray = raised / raised.sum(axis=-1, keepdims=True)
    return shares
