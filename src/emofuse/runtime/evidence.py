"""What models say about one sample, before it is fused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from emofuse.errors import BundleSchemaError
from emofuse.taxonomy import POLARITIES, load_mapping
from emofuse.types import FloatArray

__all__ = [
    "BASE",
    "EMBEDDING",
    "MAX_STATES",
    "SENTIMENT",
    "STATES",
    "Evidence",
    "ModelReading",
    "feature_vector",
]

BASE, SENTIMENT = "ekman7", "sentiment3"
EMBEDDING, STATES = "embeddings", "states"
MAX_STATES = 64  # tokens, patches or faces of a sample that a fusion looks at


@dataclass(frozen=True, eq=False)
class ModelReading:
    """What one model says about one sample.

    Attributes:
        model: Name of the bundle.
        probabilities: Output of the bundle -> (labels,) float32, 0-1.
        softmax: Those outputs that are distributions over one label set.
        embedding: (width,) float32, what the heads see; None where nobody asked for it.
        states: (n, width) float32, what the embedding pools: tokens, patches, or the embeddings of several
            faces; None where nobody asked for it.
    """

    model: str
    probabilities: Mapping[str, FloatArray]
    softmax: Sequence[str]
    embedding: FloatArray | None = None
    states: FloatArray | None = None

    def read_as(self, taxonomy: str) -> FloatArray:
        """The distribution over a label set: an output of its own, or one that is mapped to it.

        Args:
            taxonomy: Name of the label set.

        Returns:
            (labels,) float32.

        Raises:
            BundleSchemaError: No output of the model leads there.
        """
        if taxonomy in self.probabilities:
            return self.probabilities[taxonomy]
        source = self.source_of(taxonomy)
        return load_mapping(source, taxonomy).map_probabilities(self.probabilities[source])

    def source_of(self, taxonomy: str) -> str:
        """The output that an answer in a label set comes from.

        Args:
            taxonomy: Name of the label set.

        Returns:
            The label set itself where the model answers in it, else that of the output that is mapped to it.

        Raises:
            BundleSchemaError: No output of the model leads there.
        """
        if taxonomy in self.probabilities:
            return taxonomy
        polar = taxonomy in POLARITIES
        feelings = [name for name in self.softmax if name in POLARITIES]
        emotions = sorted(set(self.softmax) - set(feelings), key=lambda name: (name != BASE, name))
        for source in [*(feelings if polar else []), *emotions]:
            return source
        raise BundleSchemaError(
            f"{self.model} answers in {', '.join(self.probabilities)}; none of them is a distribution over "
            f"emotions that leads to {taxonomy}. Train it with an emotion head.",
            item=self.model,
        )


@dataclass(frozen=True, eq=False)
class Evidence:
    """What one modality of a sample says.

    Attributes:
        readings: One per model of the modality; at least one.
    """

    readings: Sequence[ModelReading]
    _known: dict[str, FloatArray] = field(default_factory=dict, init=False, repr=False)

    @property
    def emotion(self) -> FloatArray:
        """(7,) float32 over `ekman7`, the mean of the models."""
        return self.read_as(BASE)

    @property
    def sentiment(self) -> FloatArray:
        """(3,) float32 over `sentiment3`, the mean of the models."""
        return self.read_as(SENTIMENT)

    def read_as(self, taxonomy: str) -> FloatArray:
        """(labels,) float32 over a label set, the mean of the models; see `ModelReading.read_as`."""
        if taxonomy not in self._known:
            parts = [reading.read_as(taxonomy) for reading in self.readings]
            self._known[taxonomy] = parts[0] if len(parts) == 1 else np.mean(parts, axis=0, dtype=np.float32)
        return self._known[taxonomy]


def feature_vector(reading: ModelReading, gives: Sequence[str]) -> FloatArray:
    """What a model hands to a learned fusion, as one vector.

    Args:
        reading: Of the model.
        gives: Label sets, whose probabilities are taken, and `embedding`. Of a label set with two labels the
            second says nothing that the first does not; its last probability alone is taken.

    Returns:
        (width,) float32.

    Raises:
        BundleSchemaError: The model cannot give one of them.
    """
    parts = []
    for name in gives:
        if name == "embedding":
            if reading.embedding is None:
                raise BundleSchemaError(
                    f"The graph of {reading.model} gives no {EMBEDDING}. Export it again.", item=reading.model
                )
            parts.append(reading.embedding)
        else:
            probabilities = reading.read_as(name)
            parts.append(probabilities if len(probabilities) > 2 else probabilities[-1:])
    return np.concatenate(parts)
