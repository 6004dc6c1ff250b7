"""Training canvases: a photograph moved, turned, scaled and relit, with its boxes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset

from emofuse.train.face_detection.labels import Photos
from emofuse.train.face_detection.recipe import DetectorRecipe
from emofuse.types import FloatArray, ImageArray

__all__ = ["Scenes", "collate_scenes", "draw_scene"]

SMALLEST_PX = 7.0
MAX_ENLARGE = 2.5
Random = np.random.Generator


class Scenes(IterableDataset[Any]):
    """One epoch of canvases: every photograph once, in an order that seed and epoch decide.

    Of several processes each draws every n-th photograph, and all draw those of a last batch that has fewer
    photographs than there are processes.
    """

    def __init__(
        self, photos: Photos, recipe: DetectorRecipe, epoch: int, *, rank: int = 0, ranks: int = 1
    ) -> None:
        self.photos = photos
        self.recipe = recipe
        self.rank, self.ranks = rank, ranks
        order = np.random.default_rng((recipe.seed, epoch)).permutation(len(photos))
        size = recipe.train.batch_size
        rest = len(order) % size
        shared = len(order) - (rest if rest < ranks else 0)
        self.order = [*order[rank:shared:ranks].tolist(), *order[shared:][: size // ranks].tolist()]
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[tuple[ImageArray, FloatArray, NDArray[np.bool_]]]:
        for index in self.order:
            # Each photograph has draws of its own, whichever process it falls to.
            random = np.random.default_rng((self.recipe.seed, self.epoch, index))
            yield draw_scene(self.photos.image(index), self.photos.boxes[index], self.recipe, random)


def draw_scene(
    image: ImageArray, boxes: FloatArray, recipe: DetectorRecipe, random: Random
) -> tuple[ImageArray, FloatArray, NDArray[np.bool_]]:
    """Draw one canvas.

    Args:
        image: (H, W, 3) uint8 RGB.
        boxes: (n, 15) float32 in px of `image`.
        recipe: Sizes and score limits.
        random: Source of randomness.

    Returns:
        Canvas (side, side, 3) uint8; boxes (n, 15) in px of the canvas; (n,) bool, True where a box is a
        face to learn, False where it is neither face nor background.
    """
    import cv2  # noqa: PLC0415 - an extra

    side = recipe.scenes.canvas_px
    matrix, scale = _choose_transform(image, boxes, recipe, random)
    fill = tuple(int(value) for value in random.integers(0, 256, 3))
    interpolation = cv2.INTER_AREA if scale < 0.7 else cv2.INTER_LINEAR
    if scale < 0.5:
        # warpAffine samples single pixels: halve first so that small faces stay smooth.
        half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        halved = matrix.copy()
        halved[:, :2] *= 2
        canvas = cv2.warpAffine(half, halved, (side, side), flags=interpolation, borderValue=fill)
    else:
        canvas = cv2.warpAffine(image, matrix, (side, side), flags=interpolation, borderValue=fill)
    moved = _move_boxes(boxes, matrix, scale)
    if random.random() < 0.5:
        canvas, moved = np.ascontiguousarray(canvas[:, ::-1]), _mirror(moved, side)
    centres = moved[:, :2] + moved[:, 2:4] / 2
    inside = ((centres > 0) & (centres < side)).all(axis=1)
    learn = inside & (moved[:, 2:4].max(axis=1, initial=0) >= SMALLEST_PX)
    learn &= moved[:, -1] >= recipe.positive_score
    return _relight(canvas, random), moved, learn


def collate_scenes(rows: list[Any]) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Stack canvases (batch, side, side, 3) uint8; keep the boxes per canvas."""
    images, boxes, learn = zip(*rows, strict=True)
    return (
        torch.from_numpy(np.stack(images)),
        [torch.from_numpy(b) for b in boxes],
        [torch.from_numpy(k) for k in learn],
    )


def _choose_transform(
    image: ImageArray, boxes: FloatArray, recipe: DetectorRecipe, random: Random
) -> tuple[NDArray[np.float64], float]:
    scenes = recipe.scenes
    side = scenes.canvas_px
    height, width = image.shape[:2]
    whole = side / max(height, width)
    target = np.array([side / 2, side / 2]) + random.uniform(-0.1, 0.1, 2) * side
    source = np.array([width / 2, height / 2])
    if random.random() < scenes.whole:
        scale = whole * random.uniform(0.7, 1.1)
    elif len(boxes):
        box = boxes[random.integers(len(boxes))]
        low, high = scenes.face_px
        wished = math.exp(random.uniform(math.log(low), math.log(high)))
        scale = float(np.clip(wished / max(box[2], box[3]), whole * 0.45, MAX_ENLARGE))
        source = box[:2] + box[2:4] / 2
        target = random.uniform(0.15, 0.85, 2) * side
    else:
        scale = whole * random.uniform(0.6, 2.5)
        source = random.uniform(0.2, 0.8, 2) * (width, height)
    steep = random.random() < 0.1
    limit = scenes.steep_deg if steep else scenes.rotate_deg
    angle = math.radians(random.uniform(-limit, limit)) if random.random() < 0.6 else 0.0
    cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
    linear = np.array([[cos, -sin], [sin, cos]])
    offset = target - linear @ source
    return np.concatenate([linear, offset[:, None]], axis=1), scale


def _move_boxes(boxes: FloatArray, matrix: NDArray[np.float64], scale: float) -> FloatArray:
    moved = boxes.copy()
    linear, offset = matrix[:, :2].T, matrix[:, 2]
    centres = (boxes[:, :2] + boxes[:, 2:4] / 2) @ linear + offset
    moved[:, 2:4] = boxes[:, 2:4] * scale
    moved[:, :2] = centres - moved[:, 2:4] / 2
    moved[:, 4:14] = (boxes[:, 4:14].reshape(-1, 5, 2) @ linear + offset).reshape(-1, 10)
    return moved


def _mirror(boxes: FloatArray, side: int) -> FloatArray:
    mirrored = boxes.copy()
    mirrored[:, 0] = side - boxes[:, 0] - boxes[:, 2]
    points = boxes[:, 4:14].reshape(-1, 5, 2)[:, [1, 0, 2, 4, 3]].copy()
    points[:, :, 0] = side - points[:, :, 0]
    mirrored[:, 4:14] = points.reshape(-1, 10)
    return mirrored


def _relight(canvas: Any, random: Random) -> Any:
    import cv2  # noqa: PLC0415 - an extra

    if random.random() < 0.2:
        canvas = np.repeat(cv2.cvtColor(canvas, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2)
    if random.random() < 0.15:
        canvas = cv2.GaussianBlur(canvas, (0, 0), random.uniform(0.4, 1.4))
    if random.random() < 0.6:
        gain = random.uniform(0.5, 1.5, 3) if random.random() < 0.3 else random.uniform(0.5, 1.5)
        shift = random.uniform(-30, 30)
        canvas = np.clip(canvas * gain + shift, 0, 255).astype(np.uint8)
    if random.random() < 0.15:
        quality = int(random.integers(20, 70))
        _, encoded = cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, quality])
        canvas = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    return canvas
