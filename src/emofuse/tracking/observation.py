"""What a tracker reads of a prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emofuse.errors import BadTurnError
from emofuse.taxonomy import load_mapping, load_taxonomy
from emofuse.types import Prediction

__all__ = ["EMOTIONS", "SENTIMENTS", "Observation", "Vector", "observe"]

Vector = NDArray[np.float64]
EMOTIONS, SENTIMENTS = "ekman7", "sentiment3"
TOLERANCE = 1e-3  # the JSON form rounds to six decimals


@dataclass(frozen=True, eq=False)
class Observation:
    """One reading.

    Attributes:
        emotion: (7,) float64 over `ekman7`, 0-1, sums to 1.
        sentiment: (3,) float64 over `sentiment3`, 0-1, sums to 1.
        abstained: Whether the predictor would not stand by it.
    """

    emotion: Vector
    sentiment: Vector
    abstained: bool = False

    @property
    def label(self) -> str:
        """The most probable emotion."""
        return load_taxonomy(EMOTIONS).labels[int(self.emotion.argmax())]

    @property
    def valence(self) -> float:
        """P(positive) - P(negative), -1 to 1."""
        return float(self.sentiment[2] - self.sentiment[0])


def observe(prediction: Prediction | Mapping[str, Any]) -> Observation | None:
    """Read a prediction.

    Args:
        prediction: A `Prediction`; its JSON form as a dict; or probabilities, `ekman7` label -> 0-1, all
            seven, whose sentiment is then taken from the emotions.

    Returns:
        What it says; None for a prediction that failed.

    Raises:
        BadTurnError: It is none of these, of another label set, not finite, or does not sum to 1.
    """
    if isinstance(prediction, Prediction):
        prediction = prediction.to_dict()
    if not isinstance(prediction, Mapping):
        raise BadTurnError(f"A turn is a Prediction or a mapping, not {type(prediction).__name__}.")
    if prediction.get("error"):
        return None
    if "emotion" not in prediction:
        emotion = _read(prediction, EMOTIONS)
        return Observation(emotion, emotion @ load_mapping(EMOTIONS, SENTIMENTS).matrix.astype(np.float64))
    return Observation(
        _read(_probabilities(prediction, "emotion"), EMOTIONS),
        _read(_probabilities(prediction, "sentiment"), SENTIMENTS),
        abstained=prediction.get("abstained") is True,
    )


def _probabilities(prediction: Mapping[str, Any], part: str) -> Any:
    found = prediction.get(part)
    if not isinstance(found, Mapping) or "probabilities" not in found:
        raise BadTurnError(f"The prediction has no probabilities under {part!r}.", item=part)
    return found["probabilities"]


def _read(probabilities: Any, taxonomy: str) -> Vector:
    labels = load_taxonomy(taxonomy).labels
    if not isinstance(probabilities, Mapping) or set(probabilities) != set(labels):
        raise BadTurnError(
            f"A turn needs a probability for each label of {taxonomy} ({', '.join(labels)}) and no other.",
            item=taxonomy,
        )
    given = [probabilities[label] for label in labels]
    # Said so that NaN, for which every comparison is false, is refused as well.
    if not all(isinstance(value, int | float | np.floating) and 0 <= value <= 1 for value in given):
        raise BadTurnError(f"A probability of {taxonomy} is no number from 0 to 1.", item=taxonomy)
    values = np.array(given, dtype=np.float64)
    if abs(values.sum() - 1) > TOLERANCE:
        raise BadTurnError(f"The probabilities of {taxonomy} sum to {values.sum():g}, not 1.", item=taxonomy)
    normalised: Vector = values / values.sum()
    return normalised
