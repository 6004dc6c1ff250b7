"""The learning-rate schedule of every recipe."""

from __future__ import annotations

import math

__all__ = ["warmup_cosine"]


def warmup_cosine(step: int, total: int, warmup: float) -> float:
    """Factor of the peak rate: a linear rise, then a cosine to zero.

    Args:
        step: 0-based step.
        total: Number of steps.
        warmup: Share of the steps that rise, 0-1.

    Returns:
        0-1.
    """
    rising = max(1, round(total * warmup))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rising) / max(1, total - rising))))
