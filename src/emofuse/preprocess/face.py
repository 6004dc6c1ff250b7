"""From a face in a photo to the grey square that face models read."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from PIL import Image

from emofuse.types import FaceBox, ImageArray

__all__ = ["CROP_SCALE", "crop_area", "cut_face", "face_square", "prepare_crop", "resize_to_fit"]

CROP_SCALE = 1.28  # of the box width; reproduces the framing of FER-2013
LEVEL_FROM_DEG, LEVEL_TO_DEG = 3.0, 45.0
SQUARE_TOLERANCE = 1.25
MAX_PATCH_PX = 4096  # side of the largest square that is filled up beyond the picture


def cut_face(image: ImageArray, box: FaceBox, *, size_px: int = 48) -> ImageArray:
    """Cut a face as a square of 1.28 box widths around the box centre, eyes levelled if slightly tilted.

    Args:
        image: (H, W, 3) uint8 RGB.
        box: The face; what lies outside the image repeats its border.
        size_px: Side of the result, px.

    Returns:
        (size_px, size_px) uint8 grey (ITU-R 601).
    """
    height, width = image.shape[:2]
    centre_x, centre_y, side, angle = face_square(image, box)
    # A tilted square reaches further: take what its rotation can touch.
    reach = side / 2 * (abs(math.cos(angle)) + abs(math.sin(angle)))
    if 2 * reach > MAX_PATCH_PX and 2 * reach > min(height, width):
        factor = math.ceil(2 * reach / MAX_PATCH_PX)
        return cut_face(_reduce(image, factor), _shrink(box, factor), size_px=size_px)
    grey, left, top = _patch(image, centre_x, centre_y, reach)
    # Shrink first, with antialiasing; a rotation samples single pixels and would alias.
    scale = min(1.0, 2 * size_px / side)
    if scale < 1:
        smaller = (max(1, round(grey.width * scale)), max(1, round(grey.height * scale)))
        x_scale, y_scale = smaller[0] / grey.width, smaller[1] / grey.height
        grey = grey.resize(smaller, Image.Resampling.BOX)
    else:
        x_scale = y_scale = 1.0
    x, y = (centre_x - left) * x_scale, (centre_y - top) * y_scale
    half_x, half_y = side / 2 * x_scale, side / 2 * y_scale
    if angle:
        return _level(grey, (x, y), half_x, angle, size_px)
    area = (
        max(x - half_x, 0.0),
        max(y - half_y, 0.0),
        min(x + half_x, grey.width),
        min(y + half_y, grey.height),
    )
    return np.asarray(grey.resize((size_px, size_px), Image.Resampling.BILINEAR, box=area))


def face_square(image: ImageArray, box: FaceBox) -> tuple[float, float, float, float]:
    """Where `cut_face` cuts.

    Args:
        image: (H, W, 3) uint8 RGB.
        box: The face.

    Returns:
        Centre x and y and side of the square in px, and the angle in radians by which it is turned around its
        centre, clockwise on the screen.
    """
    height, width = image.shape[:2]
    # Boxes come from any callable: one far outside or far larger than the picture must not exhaust memory.
    side = min(max(CROP_SCALE * box.width, 1.0), 4.0 * max(height, width))
    centre_x = min(max(box.x + box.width / 2, 0.0), float(width))
    centre_y = min(max(box.y + box.height / 2, 0.0), float(height))
    return centre_x, centre_y, side, _eye_tilt(box)


def prepare_crop(image: ImageArray, *, size_px: int = 48) -> ImageArray:
    """Take a whole picture as one face.

    Args:
        image: (H, W, 3) uint8 RGB; a picture far from square is cut to its central square.
        size_px: Side of the result, px.

    Returns:
        (size_px, size_px) uint8 grey; the input itself when it has that size already.
    """
    grey = Image.fromarray(image).convert("L")
    if grey.size == (size_px, size_px):
        return np.asarray(grey)
    area = crop_area(image)
    return np.asarray(grey.resize((size_px, size_px), Image.Resampling.BILINEAR, box=area))


def crop_area(image: ImageArray) -> tuple[float, float, float, float]:
    """The part of a whole picture that `prepare_crop` takes: left, top, right and bottom in px."""
    height, width = image.shape[:2]
    if max(height, width) <= SQUARE_TOLERANCE * min(height, width):
        return 0.0, 0.0, float(width), float(height)
    side = min(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def resize_to_fit(image: ImageArray, side_px: int) -> tuple[ImageArray, float]:
    """Shrink a picture so that its long side fits; never enlarge.

    Args:
        image: (H, W, 3) uint8.
        side_px: Largest side of the result, px.

    Returns:
        (h, w, 3) uint8, and the scale h / H (0-1].
    """
    height, width = image.shape[:2]
    scale = side_px / max(height, width)
    if scale >= 1:
        return image, 1.0
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = Image.fromarray(image)
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)), scale


def _eye_tilt(box: FaceBox) -> float:
    if box.landmarks is None or len(box.landmarks) < 2:
        return 0.0
    (right_x, right_y), (left_x, left_y) = box.landmarks[:2]
    # The person's right eye is on the left of an upright picture.
    angle = math.atan2(left_y - right_y, left_x - right_x)
    return angle if LEVEL_FROM_DEG <= abs(math.degrees(angle)) <= LEVEL_TO_DEG else 0.0


def _level(
    grey: Image.Image, centre: tuple[float, float], half: float, angle: float, size_px: int
) -> ImageArray:
    doubled = 2 * size_px
    step = 2 * half / doubled
    cos, sin = math.cos(angle) * step, math.sin(angle) * step
    (x, y), middle = centre, doubled / 2
    matrix = (cos, -sin, x - middle * cos + middle * sin, sin, cos, y - middle * sin - middle * cos)
    levelled = grey.transform((doubled, doubled), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return np.asarray(levelled.resize((size_px, size_px), Image.Resampling.BOX))


def _patch(image: ImageArray, x: float, y: float, reach: float) -> tuple[Image.Image, int, int]:
    height, width = image.shape[:2]
    left, right = math.floor(x - reach), math.ceil(x + reach)
    top, bottom = math.floor(y - reach), math.ceil(y + reach)
    inside = image[max(top, 0) : bottom, max(left, 0) : right]
    grey = Image.fromarray(inside).convert("L")
    beyond = ((max(-top, 0), max(bottom - height, 0)), (max(-left, 0), max(right - width, 0)))
    if any(map(any, beyond)):
        grey = Image.fromarray(np.pad(np.asarray(grey), beyond, mode="edge"))
    return grey, left, top


def _reduce(image: ImageArray, factor: int) -> ImageArray:
    return np.asarray(Image.fromarray(image).reduce(factor))


def _shrink(box: FaceBox, factor: int) -> FaceBox:
    # The landmarks stay: only their angle is used.
    x, y, width, height = (value / factor for value in (box.x, box.y, box.width, box.height))
    return replace(box, x=x, y=y, width=width, height=height)
