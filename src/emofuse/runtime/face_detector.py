"""The face detector at work: shrink, run, suppress overlaps, scale back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from emofuse.preprocess import resize_to_fit
from emofuse.runtime.bundle import ModelBundle
from emofuse.runtime.session import Session
from emofuse.types import FaceBox, FloatArray, ImageArray

__all__ = ["FaceDetector", "FaceDetectorFn", "suppress_overlaps"]

FaceDetectorFn: TypeAlias = Callable[[ImageArray], Sequence[FaceBox]]

MULTIPLE_PX = 32
MAX_FACES = 100


class FaceDetector:
    """Finds faces with a bundle of kind "face_detector".

    Any other callable that takes an (H, W, 3) uint8 RGB picture and returns boxes can stand in its place.
    """

    def __init__(self, bundle: ModelBundle, session: Session) -> None:
        self.bundle = bundle
        self._session = session
        self._input_px: int = bundle.preprocessing["input_px"]
        self._score = bundle.thresholds["score"]
        self._iou = bundle.thresholds["iou"]

    def __call__(self, image: ImageArray) -> list[FaceBox]:
        """Find the faces of a picture.

        Args:
            image: (H, W, 3) uint8 RGB, upright.

        Returns:
            Boxes in px of `image`, largest first, at most 100.
        """
        small, scale = resize_to_fit(image, self._input_px)
        scores, boxes, landmarks = self._session.run(None, {"images": pad_to_multiple(small)[None]})
        # The graph returns logits; comparing them with the threshold's logit saves a sigmoid per point.
        found = np.flatnonzero(scores[0] >= np.log(self._score / (1 - self._score)))
        probability = 1 / (1 + np.exp(-scores[0][found]))
        kept = found[suppress_overlaps(boxes[0][found], probability, self._iou)[:MAX_FACES]]
        faces = [
            _face_box(boxes[0][i] / scale, landmarks[0][i] / scale, float(1 / (1 + np.exp(-scores[0][i]))))
            for i in kept
        ]
        return sorted(faces, key=lambda face: -face.width * face.height)


def pad_to_multiple(image: ImageArray) -> ImageArray:
    """Extend a picture to the right and below to multiples of 32 px with grey."""
    height, width = image.shape[:2]
    bottom, right = -height % MULTIPLE_PX, -width % MULTIPLE_PX
    if not (bottom or right):
        return image
    padded = np.full((height + bottom, width + right, 3), 127, dtype=np.uint8)
    padded[:height, :width] = image
    return padded


def suppress_overlaps(boxes: FloatArray, scores: FloatArray, limit: float) -> NDArray[np.intp]:
    """Greedy non-maximum suppression.

    Args:
        boxes: (n, 4) float x, y, width, height px.
        scores: (n,) float.
        limit: A box that overlaps a better one with a larger IoU is dropped, 0-1.

    Returns:
        Indices of the boxes kept, best first.
    """
    order = np.argsort(-scores, kind="stable")
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    areas = boxes[:, 2] * boxes[:, 3]
    kept = []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(best)
        sides = np.minimum(high[best], high[order]) - np.maximum(low[best], low[order])
        shared = np.clip(sides, 0, None).prod(axis=1)
        order = order[shared <= limit * (areas[best] + areas[order] - shared)]
    return np.array(kept, dtype=np.intp)


def _face_box(box: FloatArray, landmarks: FloatArray, score: float) -> FaceBox:
    x, y, width, height = (float(value) for value in box)
    points = tuple((float(px), float(py)) for px, py in landmarks.reshape(-1, 2))
    return FaceBox(x, y, width, height, score, points)
