"""Fusion of what the modalities say into one distribution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from emofuse.errors import ConfigError, NoModalityError
from emofuse.types import FloatArray, Modality

__all__ = ["FusionHead", "LogLinearFusion"]

FLOOR = 1e-7


class FusionHead(Protocol):
    """Turns distributions per modality into one; copes with any non-empty subset of modalities."""

    def fuse(self, probabilities: Mapping[Modality, FloatArray], present: NDArray[np.bool_]) -> FloatArray:
        """Fuse; see `LogLinearFusion.fuse`."""
        ...

    def shares(self, probabilities: Mapping[Modality, FloatArray], present: NDArray[np.bool_]) -> FloatArray:
        """Share of each modality in the decision; see `LogLinearFusion.shares`."""
        ...


class LogLinearFusion:
    """Logarithmic opinion pool of calibrated distributions.

    With weights w_m over the modalities present, the answer is proportional to prod_m p_m^(a_m), where
    a_m = w_m / max(w). The strongest modality counts in full and the others on top of it: agreement makes the
    answer more certain, and a single modality is returned as it is.

    Args:
        weights: Modality -> finite weight > 0.

    Raises:
        ConfigError: A weight is not above 0.

    Source: Genest and Zidek 1986, "Combining Probability Distributions", section 3.
    """

    def __init__(self, weights: Mapping[Modality, float]) -> None:
        self.weights = dict(weights)
        if not all(np.isfinite(weight) and weight > 0 for weight in self.weights.values()):
            raise ConfigError(f"Fusion weights must be above 0, not {self.weights}.", item="weights")

    def fuse(self, probabilities: Mapping[Modality, FloatArray], present: NDArray[np.bool_]) -> FloatArray:
        """Pool the modalities that are present, row by row.

        Args:
            probabilities: Modality -> (batch, labels) float, rows sum to 1; rows that are not present may
                hold anything, NaN included.
            present: (batch, modalities) bool, columns in key order of `probabilities`.

        Returns:
            (batch, labels) float32, rows sum to 1.

        Raises:
            NoModalityError: A row of `present` is all False.
            ConfigError: A modality has no weight.
        """
        exponents = self._exponents(probabilities, present)
        parts = list(probabilities.values())
        if len(parts) == 1:
            return parts[0].astype(np.float32)
        logs = np.stack([np.log(np.maximum(part, FLOOR)) for part in parts], axis=1)
        total = (np.where(present[:, :, None], logs, 0.0) * exponents[:, :, None]).sum(axis=1)
        raised = np.exp(total - total.max(axis=1, keepdims=True))
        pooled: FloatArray = (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)
        alone = present & (present.sum(axis=1, keepdims=True) == 1)
        for part, rows in zip(parts, alone.T, strict=True):
            pooled[rows] = part[rows]
        return pooled

    def shares(self, probabilities: Mapping[Modality, FloatArray], present: NDArray[np.bool_]) -> FloatArray:
        """Share of each modality in the pool.

        Args:
            probabilities: As for `fuse`.
            present: As for `fuse`.

        Returns:
            (batch, modalities) float32, rows sum to 1, zero where absent.

        Raises:
            NoModalityError: A row of `present` is all False.
            ConfigError: A modality has no weight.
        """
        exponents = self._exponents(probabilities, present)
        shares: FloatArray = (exponents / exponents.sum(axis=1, keepdims=True)).astype(np.float32)
        return shares

    def _exponents(
        self, probabilities: Mapping[Modality, FloatArray], present: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        if unweighted := sorted(set(probabilities) - set(self.weights)):
            raise ConfigError(
                f"The fusion has no weight for {', '.join(unweighted)}. Choose a fusion that knows it.",
                item=unweighted[0],
            )
        own = np.array([self.weights[modality] for modality in probabilities])
        if present.all():
            whole: NDArray[np.float64] = present * (own / own.max())
            return whole
        empty = np.flatnonzero(~present.any(axis=1))
        if empty.size:
            raise NoModalityError(
                "A row has no modality present. Give each sample a text or an image.", item=f"row {empty[0]}"
            )
        weights = np.where(present, own, 0.0)
        exponents: NDArray[np.float64] = weights / weights.max(axis=1, keepdims=True)
        return exponents
