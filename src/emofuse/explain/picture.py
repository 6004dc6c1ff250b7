"""The explainer that covers parts of a picture and reads what is left; it needs no look into the model."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from emofuse.errors import NoModalityError
from emofuse.explain.explanation import Explanation, HeatMap
from emofuse.explain.subject import Subject, SubjectReader, Target
from emofuse.preprocess import crop_area, face_square
from emofuse.types import FloatArray, ImageArray, Modality, Notice, Sample

__all__ = ["MAX_FACES", "PictureOcclusion", "areas_of", "face_notices"]

CELLS = 8  # a side
PATCH = 2  # cells a side that are covered at once
MAX_FACES = 4

Area = tuple[float, float, float, float]  # left, top, right, bottom in px


class PictureOcclusion:
    """How much the probability falls when a patch is painted over with the mean colour around it.

    Patches overlap by half; a cell gets the mean of the patches that cover it.

    Args:
        reader: Reads the samples.
        modality: Face or scene: which models see the patch.

    Source: Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", section 4.2.
    """

    name = "occlusion"

    def __init__(self, reader: SubjectReader, modality: Modality) -> None:
        self._reader = reader
        self._modality = modality

    def explain(self, sample: Sample, label: str | None = None) -> Explanation:
        """Explain one answer; see `Explainer.explain`."""
        subject = self._reader.read(sample)
        areas = areas_of(subject, self._modality, crop=self._reader.crop)
        target = subject.choose(label)
        probability = self._reader.probability(subject, target, {})
        return Explanation(
            method=self.name,
            modality=self._modality,
            label=target.label,
            taxonomy=target.taxonomy,
            probability=probability,
            maps=tuple(self._map(subject, target, area, probability) for area in areas),
            notices=face_notices(subject, self._modality),
        )

    def _map(self, subject: Subject, target: Target, area: Area, probability: float) -> HeatMap:
        assert subject.image is not None
        pictures = _covered(subject.image, area)
        drops = probability - self._reader.score_pictures(subject, target, self._modality, pictures)
        left, top, right, bottom = area
        return HeatMap(left, top, right - left, bottom - top, _spread(drops))


def areas_of(subject: Subject, modality: Modality, *, crop: bool) -> list[Area]:
    """The parts of a picture that the models of a modality look at.

    Args:
        subject: Any.
        modality: Face or scene.
        crop: The whole picture is one face.

    Returns:
        Left, top, right and bottom in px; the whole picture, or the upright square around each of the largest
        four faces.

    Raises:
        NoModalityError: The picture was not read that way.
    """
    if modality not in subject.evidence or subject.image is None:
        raise NoModalityError(f"There is no {modality} to explain in this sample. Give a picture with one.")
    height, width = subject.image.shape[:2]
    if modality is Modality.SCENE:
        return [(0.0, 0.0, float(width), float(height))]
    if crop:
        return [crop_area(subject.image)]
    areas = []
    for box in subject.boxes[:MAX_FACES]:
        x, y, side, angle = face_square(subject.image, box)
        reach = side / 2 * (abs(np.cos(angle)) + abs(np.sin(angle)))
        areas.append((x - reach, y - reach, x + reach, y + reach))
    return areas


def face_notices(subject: Subject, modality: Modality) -> tuple[Notice, ...]:
    """Say so when not every face is explained."""
    if modality is not Modality.FACE or len(subject.boxes) <= MAX_FACES:
        return ()
    message = f"The largest {MAX_FACES} of {len(subject.boxes)} faces are explained."
    return (Notice("faces_left_out", message),)


def _covered(image: ImageArray, area: Area) -> Iterator[ImageArray]:
    height, width = image.shape[:2]
    columns = np.linspace(area[0], area[2], CELLS + 1).round().astype(int).clip(0, width)
    rows = np.linspace(area[1], area[3], CELLS + 1).round().astype(int).clip(0, height)
    around = image[rows[0] : rows[-1], columns[0] : columns[-1]]
    if not around.size:
        around = image  # anybody's detector may find a face of one pixel
    colour = around.reshape(-1, 3).mean(axis=0).round().astype(np.uint8)
    for row in range(CELLS - PATCH + 1):
        for column in range(CELLS - PATCH + 1):
            covered = image.copy()
            covered[rows[row] : rows[row + PATCH], columns[column] : columns[column + PATCH]] = colour
            yield covered


def _spread(drops: FloatArray) -> FloatArray:
    total, count = np.zeros((CELLS, CELLS), np.float32), np.zeros((CELLS, CELLS), np.float32)
    side = CELLS - PATCH + 1
    for row, line in enumerate(drops.reshape(side, side)):
        for column, drop in enumerate(line):
            total[row : row + PATCH, column : column + PATCH] += drop
            count[row : row + PATCH, column : column + PATCH] += 1
    return total / count
