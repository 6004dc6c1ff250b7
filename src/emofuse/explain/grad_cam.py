"""Grad-CAM of face and scene models, in closed form.

The heads of these models are linear in the mean of the features of all patches. The gradient of a label's
score by a patch's features then is the head's weights, divided by the number of patches, and Grad-CAM equals
the class activation map of Zhou et al. 2016 without its negative part.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from PIL import Image

from emofuse.errors import ConfigError
from emofuse.explain.explanation import Explanation, HeatMap
from emofuse.explain.own_answer import OwnAnswer, find_own_answer
from emofuse.explain.picture import areas_of, face_notices
from emofuse.explain.subject import Subject, SubjectReader
from emofuse.preprocess import cut_face, face_square, prepare_crop, prepare_scene
from emofuse.runtime.image_model import ImageModel
from emofuse.types import FloatArray, ImageArray, Modality, Sample

__all__ = ["GradCamExplainer", "LinearHead", "grad_cam"]

TOLERANCE = 0.05  # between the mean of the states and what the heads see, which int8 rounds
TURNED_PX = 24


@dataclass(frozen=True, eq=False)
class LinearHead:
    """The weights of a head.

    Attributes:
        weight: (labels, width) float32.
        bias: (labels,) float32.
    """

    weight: FloatArray
    bias: FloatArray


class GradCamExplainer:
    """Where the features lie that raise a label's score in a model's own answer.

    The score is the logarithm of the summed exponentials of those logits that count as the label; of a
    single one, that logit. A model that averages over mirror images is seen from both sides.

    Args:
        reader: Reads the samples.
        modality: Face or scene.

    Source: Selvaraju et al. 2017, "Grad-CAM", section 3.1.
    """

    name = "grad_cam"

    def __init__(self, reader: SubjectReader, modality: Modality) -> None:
        self._reader = reader
        self._modality = modality
        self._open = cache(_read_head)

    def explain(self, sample: Sample, label: str | None = None) -> Explanation:
        """Explain one answer; see `Explainer.explain`."""
        subject = self._reader.read(sample)
        areas = areas_of(subject, self._modality, crop=self._reader.crop)
        target = subject.choose(label)
        own = find_own_answer(self._reader.models, subject, self._modality, target)
        [model] = self._reader.models.images(self._modality)
        head = self._open(own.bundle.model_path, own.source)
        maps = []
        for number, (left, top, right, bottom) in enumerate(areas):
            values = _look(model, self._prepare(subject, number, model.size_px), head, own)
            if self._modality is Modality.FACE and not self._reader.crop:
                assert subject.image is not None
                *_, angle = face_square(subject.image, subject.boxes[number])
                values = _turn(values, angle)
            maps.append(HeatMap(left, top, right - left, bottom - top, values))
        return Explanation(
            method=self.name,
            modality=self._modality,
            label=target.label,
            taxonomy=target.taxonomy,
            probability=own.probability,
            answer=own.bundle.name,
            maps=tuple(maps),
            notices=face_notices(subject, self._modality),
        )

    def _prepare(self, subject: Subject, number: int, side: int) -> ImageArray:
        assert subject.image is not None
        if self._modality is Modality.SCENE:
            return prepare_scene(subject.image, size_px=side)
        if self._reader.crop:
            return prepare_crop(subject.image, size_px=side)
        return cut_face(subject.image, subject.boxes[number], size_px=side)


def grad_cam(states: FloatArray, head: LinearHead, shares: FloatArray) -> FloatArray:
    """Grad-CAM of a head that is linear in the mean of the states.

    Args:
        states: (rows, columns, width) float.
        head: Its weights.
        shares: (labels,) float, how far each label counts, 0-1, not all 0.

    Returns:
        (rows, columns) float32, >= 0: each patch's share in the score, where it is above 0.
    """
    rows, columns, _ = states.shape
    logits = states.mean(axis=(0, 1)) @ head.weight.T + head.bias
    raised = shares * np.exp(logits - logits.max())
    # Gradient of log(sum of shares * exp(logits)) by the mean of the states.
    slope = (raised / raised.sum()) @ head.weight
    found: FloatArray = np.maximum(states @ slope / (rows * columns), 0).astype(np.float32)
    return found


def _look(model: ImageModel, picture: ImageArray, head: LinearHead, own: OwnAnswer) -> FloatArray:
    upright, mirrored = model.read([picture, np.ascontiguousarray(picture[:, ::-1])], deep=True)
    if upright.states is None or mirrored.states is None or upright.embedding is None:
        raise _not_linear(own)
    own_side, other_side = _grid(upright.states, own), _grid(mirrored.states, own)[:, ::-1]
    both: FloatArray = (own_side + other_side) / np.float32(2)
    for states in (own_side, both):
        if _agrees(states, upright.embedding):
            return grad_cam(states, head, own.shares)
    raise _not_linear(own)


def _agrees(states: FloatArray, embedding: FloatArray) -> bool:
    mean = states.mean(axis=(0, 1))
    return float(np.abs(mean - embedding).max()) <= TOLERANCE


def _grid(states: FloatArray, own: OwnAnswer) -> FloatArray:
    side = round(len(states) ** 0.5)
    if side * side != len(states):
        raise _not_linear(own)
    return states.reshape(side, side, -1)


def _read_head(path: Path, name: str) -> LinearHead:
    found = {
        tensor.name.rpartition(f"heads.{name}.")[2]: numpy_helper.to_array(tensor)
        for tensor in onnx.load(path).graph.initializer
        if f"heads.{name}." in tensor.name
    }
    if not {"weight", "bias"} <= found.keys():
        raise ConfigError(
            f"{path.parent.name} has no linear head for {name}, which grad_cam needs. Explain it by "
            "occlusion.",
            item=path.parent.name,
        )
    weight = found["weight"]
    return LinearHead(weight if len(weight) == len(found["bias"]) else weight.T, found["bias"])


def _turn(values: FloatArray, angle: float) -> FloatArray:
    # The square that the model saw, turned, within the upright one that holds it.
    if not angle:
        return values
    larger = Image.fromarray(values).resize((TURNED_PX, TURNED_PX), Image.Resampling.BILINEAR)
    reach = abs(np.cos(angle)) + abs(np.sin(angle))
    cos, sin, middle = np.cos(angle) * reach, np.sin(angle) * reach, TURNED_PX / 2
    matrix = (cos, sin, middle * (1 - cos - sin), -sin, cos, middle * (1 + sin - cos))
    size = (TURNED_PX, TURNED_PX)
    return np.asarray(larger.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR))


def _not_linear(own: OwnAnswer) -> ConfigError:
    return ConfigError(
        f"The heads of {own.bundle.name} are not linear in the mean of what it sees in each patch, which "
        "grad_cam needs. Explain it by occlusion.",
        item=own.bundle.name,
    )
