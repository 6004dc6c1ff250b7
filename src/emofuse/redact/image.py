"""Blur faces beyond recovery and write pictures without the data that cameras add."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from emofuse.errors import ConfigError
from emofuse.preprocess import load_image
from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.face_detector import FaceDetector, FaceDetectorFn
from emofuse.runtime.session import open_session
from emofuse.types import FaceBox, ImageArray, ImageSource, Notice

__all__ = ["FORMATS", "SCORE", "FaceRedactor", "mask_faces", "redact_image", "write_picture"]

SCORE = 0.5  # a face found in vain costs a patch of the picture, a missed one a person
CELLS = 3  # a side: what remains of a head are nine colours
SIDES, ABOVE, BELOW = 0.35, 0.6, 0.35  # of the face box: hair, ears, chin and neck
ROUNDS = 4
FORMATS = {
    ".bmp": "BMP",
    ".gif": "GIF",
    ".jpeg": "JPEG",
    ".jpg": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}


class FaceRedactor:
    """Masks the faces of pictures until the detector finds no more.

    Args:
        detector: Callable from an (H, W, 3) uint8 RGB picture to `FaceBox`es; None takes the embedded one,
            with a threshold far below that for reading faces.
    """

    def __init__(self, detector: FaceDetectorFn | None = None) -> None:
        self._detector = detector or _open_eager_detector()

    def redact(self, image: ImageSource) -> tuple[ImageArray, int, tuple[Notice, ...]]:
        """Mask the faces of one picture.

        Args:
            image: Anything that `load_image` reads.

        Returns:
            (H, W, 3) uint8 RGB, upright, of the picture's own size; the number of faces masked; and the
            notices of `load_image`.

        Raises:
            ImageError: The picture cannot be read.
        """
        pixels, notices = load_image(image)
        masked = 0
        for _ in range(ROUNDS):
            # A masked face may uncover one that the detector took for its double.
            faces = self._detector(pixels)
            if not faces:
                break
            masked += len(faces)
            pixels = mask_faces(pixels, faces)
        return pixels, masked, notices


def redact_image(image: ImageSource) -> ImageArray:
    """Mask the faces of one picture with the embedded detector; for many pictures keep a `FaceRedactor`.

    Args:
        image: Anything that `load_image` reads.

    Returns:
        (H, W, 3) uint8 RGB, upright.

    Raises:
        ImageError: The picture cannot be read.
    """
    return FaceRedactor().redact(image)[0]


def mask_faces(image: ImageArray, faces: Sequence[FaceBox]) -> ImageArray:
    """Replace each head by nine mean colours that run into each other.

    A blur of a few pixels can be undone, and recognisers that were trained on blurred or finely pixelated
    faces name people in them; nine means of a whole head leave next to nothing to work on.

    Args:
        image: (H, W, 3) uint8 RGB.
        faces: Boxes in px; what lies outside the picture is passed over.

    Returns:
        A masked copy.

    Source: McPherson, Shokri and Shmatikov 2016, "Defeating Image Obfuscation with Deep Learning".
    """
    masked = image.copy()
    for face in faces:
        left, top, right, bottom = _head(face, image.shape[1], image.shape[0])
        if right <= left or bottom <= top:
            continue
        # From the original, so that overlapping heads do not depend on their order.
        head = Image.fromarray(image[top:bottom, left:right])
        cells = head.resize((CELLS, CELLS), Image.Resampling.BOX)
        masked[top:bottom, left:right] = np.asarray(cells.resize(head.size, Image.Resampling.BILINEAR))
    return masked


def write_picture(image: ImageArray, path: Path) -> None:
    """Write a picture without any metadata: no EXIF, no position, no thumbnail, no comment.

    Args:
        image: (H, W, 3) uint8 RGB.
        path: The suffix decides the format. An existing file is replaced in one step.

    Raises:
        ConfigError: No such format, or the file cannot be written: JPEG and WebP have a largest side.
    """
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(
            f"{path} has no suffix of a picture. Valid: {', '.join(FORMATS)}.", item=path.suffix or path.name
        )
    quality = {"quality": 95} if FORMATS[path.suffix.lower()] in {"JPEG", "WEBP"} else {}
    part = path.with_name(f".{path.name}.part")
    try:
        Image.fromarray(image).save(part, FORMATS[path.suffix.lower()], **quality)
        part.replace(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"{path}, {image.shape[1]} x {image.shape[0]} px, cannot be written: {reason}.", item=str(path)
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _head(face: FaceBox, width: int, height: int) -> tuple[int, int, int, int]:
    left, right = face.x - SIDES * face.width, face.x + (1 + SIDES) * face.width
    top, bottom = face.y - ABOVE * face.height, face.y + (1 + BELOW) * face.height
    return (
        int(max(np.floor(left), 0)),
        int(max(np.floor(top), 0)),
        int(min(np.ceil(right), width)),
        int(min(np.ceil(bottom), height)),
    )


def _open_eager_detector() -> FaceDetector:
    bundle = load_bundle("face_detector")
    eager = replace(bundle, thresholds={**bundle.thresholds, "score": SCORE})
    return FaceDetector(eager, open_session(bundle.model_path))
