"""What goes in and what comes out: `Sample` and `Prediction` with their parts."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "PREDICTION_SCHEMA",
    "Emotion",
    "ErrorEntry",
    "Face",
    "FaceBox",
    "FloatArray",
    "ImageArray",
    "ImageFile",
    "ImageSource",
    "Modality",
    "ModalityPrediction",
    "Notice",
    "Prediction",
    "Sample",
    "Sentiment",
]

PREDICTION_SCHEMA = "emofuse.prediction/1"
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))
_PLAIN = frozenset({str, int, bool, type(None)})

FloatArray: TypeAlias = NDArray[np.float32]
ImageArray: TypeAlias = NDArray[np.uint8]


@runtime_checkable
class ImageFile(Protocol):
    """A picture that is no file of this machine, but opens as one; its `str` is its name."""

    def open(self, mode: str = "rb") -> IO[bytes]:
        """Open it at its start; an `OSError` says why not."""
        ...


ImageSource: TypeAlias = "str | os.PathLike[str] | bytes | ImageFile | ImageArray | Image.Image"


class Modality(StrEnum):
    """A way in which a sample can carry emotion."""

    TEXT = "text"
    FACE = "face"
    SCENE = "scene"


@dataclass(frozen=True, eq=False, kw_only=True)
class Sample:
    """One thing to read: a text, an image, or both.

    Attributes:
        id: Name of the sample; None lets the predictor number it by position.
        text: Any string, or None.
        image: A path, encoded bytes, an `ImageFile`, a PIL image or an (H, W, 3) uint8 RGB array, or None.
        labels: Gold labels for training and evaluation: taxonomy name -> label -> weight. A single
            label has weight 1; annotator votes are given as shares that sum to 1; several labels
            of weight 1 make the sample multi-label. `valence` is a number from -1 to 1 instead, the weight of
            a label of the same name.
    """

    id: str | None = None
    text: str | None = None
    image: ImageSource | None = None
    labels: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class FaceBox:
    """A detected face in pixels of the upright image.

    Attributes:
        x: Left edge, px; may lie outside the image.
        y: Top edge, px; may lie outside the image.
        width: px, > 0.
        height: px, > 0.
        score: Detector confidence, 0-1.
        landmarks: ((x, y), ...) px of right eye, left eye, nose tip, right and left mouth corner
            (right and left of the person), or None when the detector has none.
    """

    x: float
    y: float
    width: float
    height: float
    score: float = 1.0
    landmarks: tuple[tuple[float, float], ...] | None = None


@dataclass(frozen=True)
class Notice:
    """Something the caller should know about a prediction that was made all the same.

    Attributes:
        code: Stable identifier, such as "text_windowed".
        message: One sentence.
    """

    code: str
    message: str


@dataclass(frozen=True)
class ErrorEntry:
    """Why a sample has no prediction.

    Attributes:
        code: `EmofuseError.code` of the error.
        message: What is wrong and what to do.
        item: The offending value as a short string, or None.
    """

    code: str
    message: str
    item: str | None = None


@dataclass(frozen=True)
class Emotion:
    """A distribution over one label set.

    Attributes:
        label: The most probable label.
        confidence: Its calibrated probability, 0-1.
        taxonomy: Name of the label set.
        probabilities: Label -> probability in taxonomy order; sums to 1.
    """

    label: str
    confidence: float
    taxonomy: str
    probabilities: Mapping[str, float]


@dataclass(frozen=True)
class Sentiment(Emotion):
    """A distribution over `sentiment3`.

    Attributes:
        mixed: True when positive and negative evidence are both strong, in the answer itself or in
            two modalities that oppose each other.
    """

    mixed: bool = False


@dataclass(frozen=True)
class ModalityPrediction:
    """What one modality says on its own.

    Attributes:
        modality: Which one.
        model: Name of the bundle that read it; several, whose mean is taken, are joined by `+`.
        weight: Its share in the fused answer, 0-1, by its Shapley value; the shares of a prediction
            sum to 1.
        emotion: Its own emotion distribution.
        sentiment: Its own sentiment distribution.
    """

    modality: Modality
    model: str
    weight: float
    emotion: Emotion
    sentiment: Sentiment


@dataclass(frozen=True)
class Face:
    """One face of the image, largest first.

    Attributes:
        box: Where it is.
        emotion: Its own distribution.
    """

    box: FaceBox
    emotion: Emotion


@dataclass(frozen=True)
class Prediction:
    """The answer for one sample, or the reason why there is none.

    Attributes:
        id: The sample's id.
        emotion: Fused distribution; None only when `error` is set.
        sentiment: Fused distribution; None only when `error` is set.
        category: Distribution over labels of the caller's own, from a fusion that was trained on some; None
            from any other.
        fine_emotions: `goemotions28` labels of the text above their thresholds -> probability 0-1,
            most probable first; empty without text.
        modalities: One entry per modality that was present.
        faces: Faces of the image, largest first.
        conflict: Largest Jensen-Shannon divergence (base 2, 0-1) between the emotion distributions of
            two modalities; None with fewer than two.
        abstained: True when the confidence is too low to act on; `emotion` then is the best guess.
        reason: Why it abstained, in words; None otherwise.
        models: Bundle name -> version of every model that took part.
        warnings: What the caller should know.
        error: Why there is no answer; None when there is one.
    """

    id: str
    emotion: Emotion | None = None
    sentiment: Sentiment | None = None
    category: Emotion | None = None
    fine_emotions: Mapping[str, float] = field(default_factory=dict)
    modalities: tuple[ModalityPrediction, ...] = ()
    faces: tuple[Face, ...] = ()
    conflict: float | None = None
    abstained: bool = False
    reason: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[Notice, ...] = ()
    error: ErrorEntry | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON form shared by the command line, the service and the files.

        Returns:
            Plain dicts, lists, strings, floats rounded to six decimals, and None; `schema` names the
            version of the form.
        """
        return {"schema": PREDICTION_SCHEMA, **_plain(self)}

    def to_json(self) -> bytes:
        """`to_dict` as one line of UTF-8, without the line's end; half a surrogate becomes a JSON escape."""
        return _ENCODER.encode(self.to_dict()).encode("utf-8", errors="backslashreplace")


def _plain(value: Any) -> Any:
    # What a prediction has most of comes first: looking for an abstract class is slow.
    if isinstance(value, float):
        return round(value, 6)
    if value.__class__ in _PLAIN:
        return value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value
