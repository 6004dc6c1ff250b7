"""Losses for soft and multi-label targets, each per sample so that unlabelled rows can be left out."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["LOSSES", "asymmetric", "focal", "focal_multilabel", "spread"]

EPSILON = 1e-6
MARGIN = 0.05  # probability of a negative that is let off


def focal(logits: Tensor, targets: Tensor, gamma: float) -> Tensor:
    """Focal loss of one softmax distribution against a soft target.

    -sum_c q_c (1 - p_c)^gamma log p_c; gamma 0 is the cross-entropy with soft labels.

    Args:
        logits: (batch, labels) float.
        targets: (batch, labels) float, rows sum to 1.
        gamma: Focusing exponent, >= 0.

    Returns:
        (batch,) float, >= 0.

    Source: Lin et al. 2017, "Focal Loss for Dense Object Detection", eq. 4, extended to soft labels.
    """
    log_probabilities = functional.log_softmax(logits.float(), dim=-1)
    # A floor above zero: the slope of x^gamma at 0 is infinite for gamma < 1.
    modulation = (1 - log_probabilities.exp()).clamp(min=EPSILON) ** gamma
    return -(targets * modulation * log_probabilities).sum(dim=-1)


def focal_multilabel(logits: Tensor, targets: Tensor, gamma: float) -> Tensor:
    """Focal loss of independent sigmoids, summed over the labels.

    Args:
        logits: (batch, labels) float.
        targets: (batch, labels) float, 0 or 1.
        gamma: Focusing exponent, >= 0; 0 is binary cross-entropy.

    Returns:
        (batch,) float, >= 0.

    Source: Lin et al. 2017, "Focal Loss for Dense Object Detection", eq. 4.
    """
    entropy = functional.binary_cross_entropy_with_logits(logits.float(), targets, reduction="none")
    return ((1 - torch.exp(-entropy)).clamp(min=EPSILON) ** gamma * entropy).sum(dim=-1)


def asymmetric(logits: Tensor, targets: Tensor, gamma: float) -> Tensor:
    """Asymmetric loss of independent sigmoids, summed over the labels.

    Positives count in full; negatives are focused, and those below 0.05 do not count at all.

    Args:
        logits: (batch, labels) float.
        targets: (batch, labels) float, 0-1.
        gamma: Focusing exponent of the negatives, >= 0.

    Returns:
        (batch,) float, >= 0.

    Source: Ridnik et al. 2021, "Asymmetric Loss For Multi-Label Classification", eq. 7, gamma+ = 0.
    """
    logits = logits.float()
    shifted = (torch.sigmoid(logits) - MARGIN).clamp(min=0)
    negative = -((shifted + EPSILON) ** gamma) * torch.log1p(-shifted)
    return (targets * -functional.logsigmoid(logits) + (1 - targets) * negative).sum(dim=-1)


def spread(logits: Tensor, *, multi_label: bool) -> Tensor:
    """Divergence of each answer of a group from the mean answer of the group.

    KL(m || p_i) with m the mean of the probabilities p_i; no gradient flows through m.

    Args:
        logits: (n, labels) float.
        multi_label: Labels are independent, and their divergences are summed.

    Returns:
        (n,) float, >= 0; all 0 where the answers are the same.
    """
    logits = logits.float()
    if not multi_label:
        logs = functional.log_softmax(logits, dim=-1)[..., None]
    else:
        logs = torch.stack([functional.logsigmoid(logits), functional.logsigmoid(-logits)], dim=-1)
    mean = logs.detach().exp().mean(dim=0)
    return (torch.xlogy(mean, mean) - mean * logs).sum(dim=(-2, -1))


LOSSES: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "focal": focal,
    "focal_multilabel": focal_multilabel,
    "asymmetric": asymmetric,
}
