"""Samples through every model that reads them: what each modality says, before it is fused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from emofuse.errors import InputError, NoFaceError
from emofuse.preprocess import cut_face, load_image, prepare_crop, prepare_scene
from emofuse.runtime.evidence import Evidence, ModelReading
from emofuse.runtime.model_set import ModelSet
from emofuse.taxonomy import load_taxonomy
from emofuse.types import FaceBox, FloatArray, ImageArray, Modality, Notice, Sample

__all__ = ["Reading", "SampleReader"]

FINE = "goemotions28"


@dataclass(eq=False)
class Reading:
    """What is known about one sample before it is fused.

    Attributes:
        evidence: What each modality says that is there and could be read.
        fine: `goemotions28` labels above their thresholds -> probability, most probable first.
        faces: Box and `ekman7` distribution of each face, largest first.
        notices: What the caller should know.
        errors: Why a part could not be read.
        models: Name -> version of the models that took part.
    """

    evidence: dict[Modality, Evidence] = field(default_factory=dict)
    fine: dict[str, float] = field(default_factory=dict)
    faces: list[tuple[FaceBox, FloatArray]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    errors: list[InputError] = field(default_factory=list)
    models: dict[str, str] = field(default_factory=dict)


class SampleReader:
    """Runs the models of a set over samples.

    Args:
        models: The models.
        crop: Take every image as one face; whole-picture models then read nothing.
    """

    def __init__(self, models: ModelSet, *, crop: bool = False) -> None:
        self._models = models
        self._crop = crop

    def read(self, samples: Sequence[Sample], *, deep: bool | None = None) -> list[Reading]:
        """Read samples.

        Args:
            samples: At most some hundreds; they are held in memory.
            deep: Also give embeddings and states; None does so where the fusion looks at them.

        Returns:
            One reading per sample in order; one without evidence tells why in `errors`, unless the sample was
            empty.
        """
        readings = [Reading() for _ in samples]
        if deep is None:
            alone = all(sample.image is None or (self._crop and sample.text is None) for sample in samples)
            deep = self._models.deep and not (alone and self._models.fusion.keeps_alone)
        self._read_texts(samples, readings, deep=deep)
        self._read_images(samples, readings, deep=deep)
        return readings

    def _read_texts(self, samples: Sequence[Sample], readings: Sequence[Reading], *, deep: bool) -> None:
        rows = [i for i, sample in enumerate(samples) if sample.text is not None]
        if not rows:
            return
        texts = [samples[i].text or "" for i in rows]
        models = self._models.texts()
        columns = [model.predict(texts, deep=deep) for model in models]
        for i, *results in zip(rows, *columns, strict=True):
            reading = readings[i]
            read = []
            for model, result in zip(models, results, strict=True):
                if isinstance(result, InputError):
                    # Whether a text can be read does not depend on the model.
                    reading.errors.append(result)
                    break
                read.append(result)
                reading.models[model.bundle.name] = model.bundle.version
            if read:
                reading.notices += read[0].notices
                reading.evidence[Modality.TEXT] = Evidence(read)
        for model, column in zip(models, columns, strict=True):
            if FINE in model.bundle.outputs:
                _add_fine(model.bundle.outputs[FINE].limits, [readings[i] for i in rows], column)

    def _read_images(self, samples: Sequence[Sample], readings: Sequence[Reading], *, deep: bool) -> None:
        crops: list[tuple[int, FaceBox, dict[int, ImageArray]]] = []
        scenes: list[tuple[int, dict[int, ImageArray]]] = []
        for i, (sample, reading) in enumerate(zip(samples, readings, strict=True)):
            if sample.image is None:
                continue
            try:
                image, notices = load_image(sample.image)
            except InputError as error:
                reading.errors.append(_let_go(error))
                continue
            reading.notices += notices
            if sides := self._sides(Modality.SCENE):
                scenes.append((i, {side: prepare_scene(image, size_px=side) for side in sides}))
            try:
                crops += [(i, box, found) for box, found in self._find_faces(image, reading)]
            except NoFaceError as error:
                reading.errors.append(_let_go(error))
        if crops:
            self._read_faces(crops, readings, deep=deep)
        if scenes:
            for model in self._models.images(Modality.SCENE):
                found = model.read([prepared[model.size_px] for _, prepared in scenes], deep=deep)
                for (i, _), result in zip(scenes, found, strict=True):
                    _add(readings[i], Modality.SCENE, result)
                    readings[i].models[model.bundle.name] = model.bundle.version

    def _sides(self, modality: Modality) -> set[int]:
        if self._crop and modality is Modality.SCENE:
            return set()
        return {bundle.preprocessing["size_px"] for bundle in self._models.members(modality)}

    def _find_faces(self, image: ImageArray, reading: Reading) -> list[tuple[FaceBox, dict[int, ImageArray]]]:
        sides = self._sides(Modality.FACE)
        if not sides:
            return []
        if self._crop:
            height, width = image.shape[:2]
            whole = FaceBox(0, 0, width, height)
            return [(whole, {side: prepare_crop(image, size_px=side) for side in sides})]
        found = (box for box in self._models.detector(image) if _overlaps(box, image))
        boxes = sorted(found, key=lambda box: -box.width * box.height)
        if not boxes:
            raise NoFaceError(
                "No face was found in the image. Use a larger picture of the face, or `crop` if the whole "
                "picture is one face."
            )
        reading.models |= self._models.detector_versions()
        return [(box, {side: cut_face(image, box, size_px=side) for side in sides}) for box in boxes]

    def _read_faces(
        self,
        crops: Sequence[tuple[int, FaceBox, Mapping[int, ImageArray]]],
        readings: Sequence[Reading],
        *,
        deep: bool,
    ) -> None:
        owners: dict[int, list[int]] = {}
        for row, (i, _, _) in enumerate(crops):
            owners.setdefault(i, []).append(row)
        columns = []
        for model in self._models.images(Modality.FACE):
            columns.append(model.read([found[model.size_px] for _, _, found in crops], deep=deep))
            for i, rows in owners.items():
                areas = np.array([crops[row][1].width * crops[row][1].height for row in rows], np.float32)
                _add(readings[i], Modality.FACE, _pool([columns[-1][row] for row in rows], areas))
                readings[i].models[model.bundle.name] = model.bundle.version
        for (i, box, _), *own in zip(crops, *columns, strict=True):
            readings[i].faces.append((box, Evidence(own).emotion))


def _let_go(error: InputError) -> InputError:
    # Its traceback holds the whole picture for as long as the error is kept.
    for own in (error, error.__cause__, error.__context__):
        if own is not None:
            own.__traceback__ = None
    return error


def _overlaps(box: FaceBox, image: ImageArray) -> bool:
    # A detector may be anybody's: a box of no area, outside the picture or not a number shows no face.
    height, width = image.shape[:2]
    inside = box.x < width and box.y < height and box.x + box.width > 0 and box.y + box.height > 0
    return inside and 0 < box.width < np.inf and 0 < box.height < np.inf


def _add_fine(
    limits: FloatArray, readings: Sequence[Reading], results: Sequence[ModelReading | InputError]
) -> None:
    labels = load_taxonomy(FINE).labels
    read = [
        (own, result)
        for own, result in zip(readings, results, strict=True)
        if not isinstance(result, InputError)
    ]
    if not read:
        return
    probabilities = np.stack([result.probabilities[FINE] for _, result in read])
    # Row by row, the most probable first.
    rows, columns = (probabilities >= limits).nonzero()
    values = probabilities[rows, columns]
    order = np.lexsort((-values, rows))
    for row, column, value in zip(*(part[order].tolist() for part in (rows, columns, values)), strict=True):
        read[row][0].fine[labels[column]] = value


def _add(reading: Reading, modality: Modality, result: ModelReading) -> None:
    before = reading.evidence[modality].readings if modality in reading.evidence else ()
    reading.evidence[modality] = Evidence((*before, result))


def _pool(faces: Sequence[ModelReading], areas: FloatArray) -> ModelReading:
    # Large faces are those that a picture is about.
    first, shares = faces[0], areas / areas.sum()
    probabilities = {
        name: shares @ np.stack([face.probabilities[name] for face in faces]) for name in first.probabilities
    }
    if first.embedding is None:
        return ModelReading(first.model, probabilities, first.softmax)
    embeddings = np.stack([face.embedding for face in faces if face.embedding is not None])
    return ModelReading(first.model, probabilities, first.softmax, shares @ embeddings, embeddings)
