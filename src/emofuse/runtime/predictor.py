"""One call for everything: samples in, predictions out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from emofuse.errors import EmofuseError, EmptySampleError
from emofuse.metrics import jensen_shannon
from emofuse.runtime.evidence import BASE, SENTIMENT, Evidence, ModelReading
from emofuse.runtime.face_detector import FaceDetectorFn
from emofuse.runtime.fusion import fuse_subsets, shapley_shares
from emofuse.runtime.model_set import ModelSet
from emofuse.runtime.reader import Reading, SampleReader
from emofuse.taxonomy import OWN, load_mapping, load_taxonomy, main_output
from emofuse.types import (
    Emotion,
    ErrorEntry,
    Face,
    FloatArray,
    Modality,
    ModalityPrediction,
    Notice,
    Prediction,
    Sample,
    Sentiment,
)

__all__ = ["Predictor", "fuse_evidence"]

# What is read at a time: texts enough that many have one length and share a batch, and of pictures and long
# texts as many as fit into memory.
CHUNK = 1 << 18
SHORT_TEXT, PICTURE = CHUNK // 1024, CHUNK // 256
_WHOLE = np.ones(1, np.float32)  # the share of a modality that stands alone
_WHOLE.setflags(write=False)


class Predictor:
    """Reads emotion and sentiment from texts, faces and photos.

    Build one with `Predictor.load()` and keep it: models are opened on the first call that needs them and
    stay open. A predictor may be used from several threads.
    """

    def __init__(self, models: ModelSet, *, taxonomy: str = BASE, crop: bool = False) -> None:
        load_mapping(BASE, taxonomy)
        self._models = models
        self._taxonomy = taxonomy
        self._reader = SampleReader(models, crop=crop)

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
            crop: Take every image as one face instead of looking for faces; what lies around it, which scene
                models read, is not there then.
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
        for chunk in _chunks(samples):
            start = len(predictions)
            predictions += (
                self._conclude(sample.id if sample.id is not None else str(start + i), reading)
                for i, (sample, reading) in enumerate(zip(chunk, self._reader.read(chunk), strict=True))
            )
        return predictions

    def _conclude(self, name: str, reading: Reading) -> Prediction:
        constants = self._models.bundle("fusion")
        if not reading.evidence:
            return _refuse(name, reading)
        fused, shares = fuse_evidence(self._models, reading.evidence)
        pooled, feelings, category = fused.read_as(BASE), fused.read_as(SENTIMENT), self._category(fused)
        emotion = self._emotion(pooled)
        sentiment = self._sentiment(feelings, [own.sentiment for own in reading.evidence.values()])
        confidence = category.confidence if category else max(pooled.tolist())
        limit = constants.thresholds["abstain"]
        abstained = confidence < limit
        return Prediction(
            id=name,
            emotion=emotion,
            sentiment=sentiment,
            category=category,
            fine_emotions=reading.fine,
            modalities=tuple(
                ModalityPrediction(
                    modality,
                    "+".join(part.model for part in own.readings),
                    share,
                    # One that stands alone is the answer itself.
                    emotion if own.emotion is pooled else self._emotion(own.emotion),
                    sentiment
                    if own.sentiment is feelings
                    else self._sentiment(own.sentiment, [own.sentiment]),
                )
                for (modality, own), share in zip(reading.evidence.items(), shares.tolist(), strict=True)
            ),
            faces=tuple(Face(box, self._emotion(p)) for box, p in reading.faces),
            conflict=_conflict([evidence.emotion for evidence in reading.evidence.values()]),
            abstained=abstained,
            reason=_doubt(confidence, limit) if abstained else None,
            models={**reading.models, constants.name: constants.version},
            warnings=(*reading.notices, *(Notice(error.code, error.message) for error in reading.errors)),
        )

    def _category(self, fused: ModelReading) -> Emotion | None:
        own = [name for name in fused.probabilities if name.startswith(f"{OWN}:")]
        return Emotion(*_distribution(fused.probabilities[own[0]], own[0])) if own else None

    def _sentiment(self, answer: FloatArray, parts: Sequence[FloatArray]) -> Sentiment:
        # The answer itself may lean both ways, or one modality clearly contradicts another.
        limits = self._models.bundle("fusion").thresholds
        negative, _, positive = answer.tolist()
        torn = min(negative, positive) >= limits["mixed"]
        opposed = len(parts) > 1 and min(np.max(parts, axis=0)[[0, 2]]) >= limits["opposed"]
        return Sentiment(*_distribution(answer, SENTIMENT), bool(torn or opposed))

    def _emotion(self, probabilities: FloatArray) -> Emotion:
        if self._taxonomy != BASE:
            probabilities = load_mapping(BASE, self._taxonomy).map_probabilities(probabilities)
        return Emotion(*_distribution(probabilities, self._taxonomy))


def fuse_evidence(models: ModelSet, evidence: Mapping[Modality, Evidence]) -> tuple[ModelReading, FloatArray]:
    """Fuse what the modalities of a sample say.

    Args:
        models: Bring the fusion.
        evidence: What each modality says; at least one.

    Returns:
        The fused answer, and the share of each modality in it, (modalities,) float32 in key order.
    """
    fusion = models.fusion
    if len(evidence) == 1 and fusion.keeps_alone:
        [own] = evidence.values()
        alone = {name: own.read_as(name) for name in fusion.outputs}
        return ModelReading("", alone, fusion.outputs), _WHOLE
    rows = fuse_subsets(fusion, evidence)
    main = main_output(rows)
    answers = rows[main]
    shares = shapley_shares(answers[:, answers[-1].argmax()], 1 / answers.shape[1])
    if main.startswith(f"{OWN}:"):
        rows = {**fuse_subsets(models.pool(), evidence), **rows}
    named = {name: values[-1] for name, values in rows.items()}
    return ModelReading("", named, [name for name in named if not name.startswith(f"{OWN}:")]), shares


def _chunks(samples: Iterable[Sample]) -> Iterator[list[Sample]]:
    chunk: list[Sample] = []
    room = CHUNK
    for sample in samples:
        chunk.append(sample)
        length = len(sample.text) if isinstance(sample.text, str) else 0
        room -= max(length, PICTURE if sample.image is not None else SHORT_TEXT)
        if room <= 0:
            yield chunk
            chunk, room = [], CHUNK
    if chunk:
        yield chunk


def _refuse(name: str, reading: Reading) -> Prediction:
    error: EmofuseError = (
        reading.errors[0]
        if reading.errors
        else EmptySampleError(
            "The sample has neither text nor image that the chosen models read. Give it one.", item=name
        )
    )
    entry = ErrorEntry(error.code, error.message, error.item)
    return Prediction(id=name, error=entry, warnings=tuple(reading.notices))


def _conflict(distributions: Sequence[FloatArray]) -> float | None:
    if len(distributions) < 2:
        return None
    return max(float(jensen_shannon(one, other)) for one, other in combinations(distributions, 2))


def _doubt(confidence: float, limit: float) -> str:
    return (
        f"The most likely answer has a probability of only {confidence:.2f}; below {limit:.2f} it is too "
        "uncertain to act on."
    )


def _distribution(probabilities: FloatArray, taxonomy: str) -> tuple[str, float, str, dict[str, float]]:
    labels = load_taxonomy(taxonomy).labels
    values = probabilities.tolist()
    best = max(values)
    return labels[values.index(best)], best, taxonomy, dict(zip(labels, values, strict=True))
