"""What is written of a prediction: columns with stable names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from emofuse.errors import ConfigError
from emofuse.taxonomy import load_taxonomy
from emofuse.types import Modality, ModalityPrediction, Prediction

__all__ = ["DEFAULT_FIELDS", "FIELDS", "PREFIX", "Column", "choose_columns"]

PREFIX = "emofuse_"
DEFAULT_FIELDS = (
    "emotion",
    "emotion_confidence",
    "sentiment",
    "sentiment_confidence",
    "mixed",
    "conflict",
    "abstained",
    "warnings",
    "error",
)


@dataclass(frozen=True)
class Column:
    """A column of the output.

    Attributes:
        name: With the prefix.
        kind: "string", "number", "boolean" or "object" (a dict, as JSON in a cell).
        read: Takes its value from a prediction; None where the prediction has none.
    """

    name: str
    kind: str
    read: Callable[[Prediction], Any]


@dataclass(frozen=True)
class Field:
    """What can be chosen for the output.

    Attributes:
        meaning: One sentence.
        columns: Its columns, without the prefix, for a label set of the emotions.
    """

    meaning: str
    columns: Callable[[str], Sequence[Column]]


def choose_columns(names: Sequence[str], taxonomy: str) -> tuple[Column, ...]:
    """The columns of chosen fields.

    Args:
        names: Of `FIELDS`; each once.
        taxonomy: Label set of the emotions.

    Returns:
        The columns in the order of the names.

    Raises:
        ConfigError: An unknown name, or the same one twice; the message lists the names.
    """
    for name in names:
        if name not in FIELDS:
            raise ConfigError(f"There is no field {name!r}. Valid: {', '.join(FIELDS)}.", item=name)
        if names.count(name) > 1:
            raise ConfigError(f"The field {name!r} is named twice.", item=name)
    return tuple(
        Column(PREFIX + column.name, column.kind, column.read)
        for name in names
        for column in FIELDS[name].columns(taxonomy)
    )


def _one(name: str, kind: str, read: Callable[[Prediction], Any]) -> Callable[[str], Sequence[Column]]:
    return lambda _: (Column(name, kind, read),)


def _distribution(part: str) -> Callable[[str], Sequence[Column]]:
    def columns(taxonomy: str) -> Sequence[Column]:
        labels = load_taxonomy("sentiment3" if part == "sentiment" else taxonomy).labels
        return [Column(f"{part}_{label}", "number", _probability(part, label)) for label in labels]

    return columns


def _probability(part: str, label: str) -> Callable[[Prediction], float | None]:
    def read(prediction: Prediction) -> float | None:
        answer = getattr(prediction, part)
        return None if answer is None else answer.probabilities[label]

    return read


def _part(part: str, attribute: str) -> Callable[[Prediction], Any]:
    def read(prediction: Prediction) -> Any:
        answer = getattr(prediction, part)
        return None if answer is None else getattr(answer, attribute)

    return read


def _modality(modality: Modality) -> Callable[[str], Sequence[Column]]:
    reads: dict[str, tuple[str, Callable[[ModalityPrediction], Any]]] = {
        "emotion": ("string", lambda own: own.emotion.label),
        "sentiment": ("string", lambda own: own.sentiment.label),
        "weight": ("number", lambda own: own.weight),
    }

    def find(read: Callable[[ModalityPrediction], Any]) -> Callable[[Prediction], Any]:
        return lambda prediction: next(
            (read(own) for own in prediction.modalities if own.modality is modality), None
        )

    columns = [Column(f"{modality}_{name}", kind, find(read)) for name, (kind, read) in reads.items()]
    return lambda _: columns


def _answered(read: Callable[[Prediction], Any]) -> Callable[[Prediction], Any]:
    return lambda prediction: None if prediction.error is not None else read(prediction)


def _fine_emotions(prediction: Prediction) -> dict[str, float]:
    return {label: round(own, 6) for label, own in prediction.fine_emotions.items()}


FIELDS: dict[str, Field] = {
    "emotion": Field("most probable emotion", _one("emotion", "string", _part("emotion", "label"))),
    "emotion_confidence": Field(
        "its calibrated probability, 0-1",
        _one("emotion_confidence", "number", _part("emotion", "confidence")),
    ),
    "emotion_probabilities": Field(
        "a column for each emotion, `emofuse_emotion_LABEL`, 0-1", _distribution("emotion")
    ),
    "sentiment": Field(
        "negative, neutral or positive", _one("sentiment", "string", _part("sentiment", "label"))
    ),
    "sentiment_confidence": Field(
        "its calibrated probability, 0-1",
        _one("sentiment_confidence", "number", _part("sentiment", "confidence")),
    ),
    "sentiment_probabilities": Field(
        "a column for each sentiment, `emofuse_sentiment_LABEL`, 0-1", _distribution("sentiment")
    ),
    "mixed": Field(
        "whether positive and negative are both strong", _one("mixed", "boolean", _part("sentiment", "mixed"))
    ),
    "category": Field(
        "label of one's own, from a fusion that was trained on some",
        _one("category", "string", _part("category", "label")),
    ),
    "category_confidence": Field(
        "its calibrated probability, 0-1",
        _one("category_confidence", "number", _part("category", "confidence")),
    ),
    "fine_emotions": Field(
        "`goemotions28` labels of the text above their thresholds, with probabilities",
        _one("fine_emotions", "object", _answered(_fine_emotions)),
    ),
    "conflict": Field(
        "disagreement of the modalities, 0-1; empty with fewer than two",
        _one("conflict", "number", lambda prediction: prediction.conflict),
    ),
    "abstained": Field(
        "whether the confidence is too low to act on",
        _one("abstained", "boolean", _answered(lambda prediction: prediction.abstained)),
    ),
    "reason": Field("why it abstained", _one("reason", "string", lambda prediction: prediction.reason)),
    "text": Field("emotion, sentiment and share of the text alone", _modality(Modality.TEXT)),
    "face": Field("emotion, sentiment and share of the faces alone", _modality(Modality.FACE)),
    "scene": Field("emotion, sentiment and share of the whole picture alone", _modality(Modality.SCENE)),
    "faces": Field(
        "number of faces found",
        _one("faces", "number", _answered(lambda prediction: len(prediction.faces))),
    ),
    "warnings": Field(
        "codes of what was noticed, with `;` between",
        _one(
            "warnings",
            "string",
            lambda prediction: ";".join(dict.fromkeys(own.code for own in prediction.warnings)) or None,
        ),
    ),
    "error": Field(
        "code of why the row has no answer",
        _one("error", "string", lambda prediction: prediction.error and prediction.error.code),
    ),
    "prediction": Field(
        "the whole answer, as `emofuse predict --json` gives it",
        _one("prediction", "object", lambda prediction: prediction.to_dict()),
    ),
}
