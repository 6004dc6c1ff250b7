"""One call for everything: samples in, predictions out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emofuse.errors import BundleSchemaError, EmofuseError, EmptySampleError, InputError, NoFaceError
from emofuse.metrics import jensen_shannon
from emofuse.preprocess import cut_face, load_image, prepare_crop
from emofuse.runtime.bundle import ModelBundle
from emofuse.runtime.face_detector import FaceDetectorFn
from emofuse.runtime.model_set import ModelSet
from emofuse.taxonomy import POLARITIES, load_mapping, load_taxonomy
from emofuse.types import (
    Emotion,
    ErrorEntry,
    Face,
    FaceBox,
    FloatArray,
    ImageArray,
    Modality,
    ModalityPrediction,
    Notice,
    Prediction,
    Sample,
    Sentiment,
)

__all__ = ["Predictor"]

BASE, SENTIMENT, FINE = "ekman7", "sentiment3", "goemotions28"
CHUNK = 256


@dataclass(eq=False)
class _Reading:
    """What is known about one sample so far."""

    emotions: dict[Modality, FloatArray] = field(default_factory=dict)
    sentiments: dict[Modality, FloatArray] = field(default_factory=dict)
    fine: dict[str, float] = field(default_factory=dict)
    faces: list[tuple[FaceBox, FloatArray]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    errors: list[InputError] = field(default_factory=list)
    models: dict[str, str] = field(default_factory=dict)


class Predictor:
    """Reads emotion and sentiment from texts, faces and photos.

    Build one with `Predictor.load()` and keep it: models are opened on the first call that needs them and
    stay open. A predictor may be used from several threads.
    """

    def __init__(self, models: ModelSet, *, taxonomy: str = BASE, crop: bool = False) -> None:
        load_mapping(BASE, taxonomy)
        self._models = models
        self._taxonomy = taxonomy
        self._crop = crop

    @classmethod
    def load(
        cls,
        models: Sequence[str | os.PathLike[str]] | None = None,
        *,
        taxonomy: str = BASE,
        crop: bool = False,
        detector: FaceDetectorFn | None = None,
        threads: int | None = None,
    ) -> Predictor:
        """Build a predictor.

        Args:
            models: Names of embedded bundles or bundle folders; each replaces the default of its kind.
            taxonomy: Label set of the emotions in the answer.
            crop: Take every image as one face instead of looking for faces.
            detector: Callable from an (H, W, 3) uint8 RGB picture to `FaceBox`es, instead of the embedded
                face detector.
            threads: Threads within an operator; None leaves the choice to ONNX Runtime.

        Returns:
            The predictor; no model is opened yet.

        Raises:
            UnknownModelError: No such bundle; the message lists the names.
            UnknownTaxonomyError: No such label set; the message lists the names.
            BundleError: A bundle cannot be trusted.
        """
        return cls(ModelSet(models, detector=detector, threads=threads), taxonomy=taxonomy, crop=crop)

    def predict(self, samples: Iterable[Sample]) -> list[Prediction]:
        """Read samples.

        Args:
            samples: Any number of samples; each has a text, an image or both.

        Returns:
            One prediction per sample in order. A sample that cannot be read has `error` set and disturbs no
            other; of a sample with one good and one bad part the good part is read, with a warning.
        """
        predictions: list[Prediction] = []
        batch: list[Sample] = []
        for sample in samples:
            batch.append(sample)
            if len(batch) == CHUNK:
                predictions += self._predict_chunk(batch, len(predictions))
                batch = []
        return predictions + self._predict_chunk(batch, len(predictions))

    def _predict_chunk(self, samples: Sequence[Sample], start: int) -> list[Prediction]:
        readings = [_Reading() for _ in samples]
        self._read_texts(samples, readings)
        self._read_images(samples, readings)
        return [
            self._conclude(sample.id if sample.id is not None else str(start + i), sample, reading)
            for i, (sample, reading) in enumerate(zip(samples, readings, strict=True))
        ]

    def _read_texts(self, samples: Sequence[Sample], readings: Sequence[_Reading]) -> None:
        rows = [i for i, sample in enumerate(samples) if sample.text is not None]
        if not rows:
            return
        model = self._models.text
        for i, result in zip(rows, model.predict([samples[i].text or "" for i in rows]), strict=True):
            if isinstance(result, InputError):
                readings[i].errors.append(result)
                continue
            reading = readings[i]
            reading.notices += result.notices
            emotion = _to_base(result.probabilities, model.bundle)
            reading.emotions[Modality.TEXT] = emotion
            derived = load_mapping(BASE, SENTIMENT).map_probabilities(emotion)
            reading.sentiments[Modality.TEXT] = result.probabilities.get(SENTIMENT, derived)
            reading.models[model.bundle.name] = model.bundle.version
            if FINE in result.probabilities:
                reading.fine = _above(result.probabilities[FINE], model.bundle.outputs[FINE].thresholds)

    def _read_images(self, samples: Sequence[Sample], readings: Sequence[_Reading]) -> None:
        crops: list[ImageArray] = []
        owners: list[tuple[int, FaceBox]] = []
        for i, (sample, reading) in enumerate(zip(samples, readings, strict=True)):
            if sample.image is None:
                continue
            try:
                image, notices = load_image(sample.image)
                found = self._find_faces(image, reading)
            except InputError as error:
                reading.errors.append(error)
                continue
            reading.notices += notices
            crops += [crop for _, crop in found]
            owners += [(i, box) for box, _ in found]
        if not crops:
            return
        model = self._models.face
        emotions = _to_base(model.predict(crops), model.bundle)
        for (i, box), emotion in zip(owners, emotions, strict=True):
            readings[i].faces.append((box, emotion))
            readings[i].models[model.bundle.name] = model.bundle.version
        for reading in readings:
            if reading.faces:
                _pool_faces(reading)

    def _find_faces(self, image: ImageArray, reading: _Reading) -> list[tuple[FaceBox, ImageArray]]:
        size_px = int(self._models.bundle("face").preprocessing["size_px"])
        if self._crop:
            height, width = image.shape[:2]
            return [(FaceBox(0, 0, width, height), prepare_crop(image, size_px=size_px))]
        found = (box for box in self._models.detector(image) if _overlaps(box, image))
        boxes = sorted(found, key=lambda box: -box.width * box.height)
        if not boxes:
            raise NoFaceError(
                "No face was found in the image. Use a larger picture of the face, or `crop` if the whole "
                "picture is one face."
            )
        reading.models |= self._models.detector_versions()
        return [(box, cut_face(image, box, size_px=size_px)) for box in boxes]

    def _conclude(self, name: str, sample: Sample, reading: _Reading) -> Prediction:
        if not reading.emotions:
            error: EmofuseError = (
                reading.errors[0]
                if reading.errors
                else EmptySampleError(
                    "The sample has neither text nor image. Give it one of them.", item=name
                )
            )
            entry = ErrorEntry(error.code, error.message, error.item)
            return Prediction(id=name, error=entry, warnings=tuple(reading.notices))
        fusion, constants = self._models.fusion, self._models.bundle("fusion")
        present = np.ones((1, len(reading.emotions)), dtype=bool)
        stacked = {modality: p[None] for modality, p in reading.emotions.items()}
        pooled = fusion.fuse(stacked, present)[0]
        shares = fusion.shares(stacked, present)[0]
        feelings = fusion.fuse({m: p[None] for m, p in reading.sentiments.items()}, present)[0]
        emotion = self._emotion(pooled)
        confidence = float(pooled.max())
        abstained = confidence < constants.thresholds["abstain"]
        reason = (
            f"The most likely emotion has a probability of only {confidence:.2f}; below "
            f"{constants.thresholds['abstain']:.2f} the answer is too uncertain to act on."
        )
        failed = [Notice(error.code, error.message) for error in reading.errors]
        return Prediction(
            id=name,
            emotion=emotion,
            sentiment=_sentiment(feelings, constants.thresholds["mixed"]),
            fine_emotions=reading.fine,
            modalities=tuple(
                self._modality(modality, float(share), reading, constants.thresholds["mixed"])
                for modality, share in zip(reading.emotions, shares, strict=True)
            ),
            faces=tuple(Face(box, self._emotion(p)) for box, p in reading.faces),
            conflict=_conflict(list(reading.emotions.values())),
            abstained=abstained,
            reason=reason if abstained else None,
            models={**reading.models, constants.name: constants.version},
            warnings=(*reading.notices, *failed),
        )

    def _modality(
        self, modality: Modality, share: float, reading: _Reading, mixed: float
    ) -> ModalityPrediction:
        kind = "text" if modality is Modality.TEXT else "face"
        return ModalityPrediction(
            modality=modality,
            model=self._models.bundle(kind).name,
            weight=share,
            emotion=self._emotion(reading.emotions[modality]),
            sentiment=_sentiment(reading.sentiments[modality], mixed),
        )

    def _emotion(self, probabilities: FloatArray) -> Emotion:
        mapped = load_mapping(BASE, self._taxonomy).map_probabilities(probabilities)
        return Emotion(**_distribution(mapped, self._taxonomy))


def _overlaps(box: FaceBox, image: ImageArray) -> bool:
    # A detector may be anybody's: a box of no area, outside the picture or not a number shows no face.
    height, width = image.shape[:2]
    inside = box.x < width and box.y < height and box.x + box.width > 0 and box.y + box.height > 0
    return inside and 0 < box.width < np.inf and 0 < box.height < np.inf


def _to_base(probabilities: Mapping[str, FloatArray], bundle: ModelBundle) -> FloatArray:
    for name in sorted(probabilities, key=lambda name: name != BASE):
        if bundle.outputs[name].activation == "softmax" and name not in POLARITIES:
            return load_mapping(name, BASE).map_probabilities(probabilities[name])
    raise BundleSchemaError(
        f"{bundle.name} answers in {', '.join(probabilities)}; none of them is a distribution over emotions. "
        "Train it with an emotion head.",
        item=bundle.name,
    )


def _above(probabilities: FloatArray, thresholds: Mapping[str, float]) -> dict[str, float]:
    pairs = zip(load_taxonomy(FINE).labels, probabilities, strict=True)
    kept = [(label, float(p)) for label, p in pairs if p >= thresholds[label]]
    return dict(sorted(kept, key=lambda pair: -pair[1]))


def _pool_faces(reading: _Reading) -> None:
    areas = np.array([box.width * box.height for box, _ in reading.faces], dtype=np.float32)
    emotions = np.stack([p for _, p in reading.faces])
    pooled = (areas / areas.sum()) @ emotions
    reading.emotions[Modality.FACE] = pooled
    reading.sentiments[Modality.FACE] = load_mapping(BASE, SENTIMENT).map_probabilities(pooled)


def _conflict(distributions: Sequence[FloatArray]) -> float | None:
    if len(distributions) < 2:
        return None
    return float(jensen_shannon(distributions[0], distributions[1]))


def _sentiment(probabilities: FloatArray, mixed: float) -> Sentiment:
    parts = _distribution(probabilities, SENTIMENT)
    both = min(parts["probabilities"]["negative"], parts["probabilities"]["positive"])
    return Sentiment(**parts, mixed=both >= mixed)


def _distribution(probabilities: FloatArray, taxonomy: str) -> dict[str, Any]:
    labels = load_taxonomy(taxonomy).labels
    best = int(np.argmax(probabilities))
    return {
        "label": labels[best],
        "confidence": float(probabilities[best]),
        "taxonomy": taxonomy,
        "probabilities": {label: float(p) for label, p in zip(labels, probabilities, strict=True)},
    }
