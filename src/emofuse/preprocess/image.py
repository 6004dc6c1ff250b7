"""Pictures from any source as upright RGB arrays, or a clear error."""

from __future__ import annotations

import io
import os
import re
import struct
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from emofuse.errors import (
    EmptyImageFileError,
    ImageIsDirectoryError,
    ImageNotFoundError,
    ImageTooLargeError,
    ImageTooSmallError,
    NotAnImageError,
    TruncatedImageError,
)
from emofuse.types import ImageArray, ImageFile, ImageSource, Notice

__all__ = ["FORMATS", "MAX_PIXELS", "MIN_SIDE_PX", "load_image", "prepare_scene"]

# Pillow reads dozens more, some by old decoders that nobody sends pictures for.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MAX_PIXELS = 64_000_000
# Each scan of a JPEG passes over all its pixels; encoders write about ten, an attacker thousands.
MAX_SCANS = 64
MIN_SIDE_PX = 8

# Rows are converted some at a time: a whole picture in another mode is hundreds of megabytes more.
STRIP_PX = 1_000_000

# What Pillow's decoders and its reading of EXIF data raise when these are damaged.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    struct.error,
)
_JPEG_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")


def load_image(source: ImageSource, *, max_pixels: int = MAX_PIXELS) -> tuple[ImageArray, tuple[Notice, ...]]:
    """Read a picture.

    EXIF orientation is applied; palettes, CMYK, 16-bit and float greys become 8-bit RGB; transparency is
    laid over white; of an animation the first frame is taken.

    Args:
        source: Path, encoded bytes, `ImageFile`, PIL image, or an array of (H, W, 3), (H, W, 4) or (H, W)
            uint8.
        max_pixels: Largest number of pixels that is decoded; checked before decoding.

    Returns:
        (H, W, 3) uint8 RGB, upright, and notices (`animated_first_frame`).

    Raises:
        ImageNotFoundError: No file at the path.
        ImageIsDirectoryError: The path is a directory.
        EmptyImageFileError: Zero bytes.
        NotAnImageError: No supported format, or an array of another shape or type.
        TruncatedImageError: The data end early or are damaged.
        ImageTooLargeError: More than `max_pixels`, or a JPEG that passes over them too often.
        ImageTooSmallError: A side below eight pixels.
    """
    if isinstance(source, np.ndarray):
        return _check_size(_from_array(source), "<array>", max_pixels), ()
    if isinstance(source, Image.Image):
        return _decode(source, "<image>", max_pixels, own=False)
    if isinstance(source, bytes):
        if not source:
            raise EmptyImageFileError("The image has zero bytes. Send the file again.", item="<bytes>")
        return _open(io.BytesIO(source), "<bytes>", max_pixels)
    if not isinstance(source, str | os.PathLike | ImageFile):
        raise NotAnImageError(
            f"A picture must be a path, bytes, a PIL image or an array, not {type(source).__name__}.",
            item=type(source).__name__,
        )
    path = Path(source) if isinstance(source, str | os.PathLike) else source
    name = str(path)
    try:
        if isinstance(path, Path) and path.is_dir():
            raise ImageIsDirectoryError(f"{name} is a directory. Give the path of one picture.", item=name)
        with path.open("rb") as file:
            if not file.seek(0, io.SEEK_END):
                raise EmptyImageFileError(f"{name} has zero bytes. Copy the file again.", item=name)
            file.seek(0)
            return _open(file, name, max_pixels)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ImageNotFoundError(f"There is no file {name}. Check the path.", item=name) from error
    except (OSError, ValueError) as error:
        raise ImageNotFoundError(f"{name!r} cannot be opened: {error}.", item=name) from error


def prepare_scene(image: ImageArray, *, size_px: int) -> ImageArray:
    """Bring a whole picture into the square form that scene models read.

    Nothing is cut off: a picture that is not square is squeezed.

    Args:
        image: (H, W, 3) uint8 RGB.
        size_px: Side of the square.

    Returns:
        (size_px, size_px, 3) uint8 RGB.
    """
    small = Image.fromarray(image).resize((size_px, size_px), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(small)


def _open(file: IO[bytes], name: str, max_pixels: int) -> tuple[ImageArray, tuple[Notice, ...]]:
    with warnings.catch_warnings():
        # Pillow's own limit warns or raises by size; ours is checked right after opening.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
        try:
            image = Image.open(file, formats=FORMATS)
        except Image.DecompressionBombError as error:
            raise _too_large(name, str(error)) from error
        except (UnidentifiedImageError, SyntaxError, OSError, ValueError) as error:
            raise NotAnImageError(
                f"{name} is not a picture in a supported format (JPEG, PNG, WebP, GIF, BMP, TIFF).", item=name
            ) from error
        if image.format in ("JPEG", "MPO"):
            _check_scans(file, name)
        return _decode(image, name, max_pixels, own=True)


def _check_scans(file: IO[bytes], name: str) -> None:
    position = file.tell()
    file.seek(0)
    data = file.read()
    file.seek(position)
    # Far quicker than the walk, which alone tells scans from the same bytes in metadata and thumbnails.
    if data.count(b"\xff\xda") <= MAX_SCANS:
        return
    scans, at = 0, 0
    while (marker := _JPEG_MARKER.search(data, at)) and marker[0] != b"\xff\xd9":
        scans += marker[0] == b"\xff\xda"
        if scans > MAX_SCANS:
            raise ImageTooLargeError(
                f"{name} is a JPEG of more than {MAX_SCANS} scans. Export it again.", item=name
            )
        at = marker.end() + max(2, int.from_bytes(data[marker.end() : marker.end() + 2]))


def _decode(
    image: Image.Image, name: str, max_pixels: int, *, own: bool
) -> tuple[ImageArray, tuple[Notice, ...]]:
    if image.width * image.height > max_pixels:
        raise _too_large(name, f"{image.width:,} x {image.height:,} pixels")
    notices: tuple[Notice, ...] = ()
    if getattr(image, "is_animated", False):
        notices = (Notice("animated_first_frame", "The picture is animated; its first frame was read."),)
    try:
        image.load()
        # In place, which saves a copy, unless the image is the caller's.
        if own:
            ImageOps.exif_transpose(image, in_place=True)
        else:
            image = ImageOps.exif_transpose(image)
        pixels = _to_rgb(image)
    except _DAMAGE as error:
        raise TruncatedImageError(
            f"{name} is cut short or damaged ({error}). Copy or export it again.", item=name
        ) from error
    return _check_size(pixels, name, max_pixels), notices


def _to_rgb(image: Image.Image) -> ImageArray:
    pixels: ImageArray = np.empty((image.height, image.width, 3), np.uint8)
    rows = max(1, STRIP_PX // max(1, image.width))
    strips = [(top, min(top + rows, image.height)) for top in range(0, image.height, rows)]
    full = _full_scale(image, strips)
    for top, bottom in strips:
        strip = image if len(strips) == 1 else image.crop((0, top, image.width, bottom))
        pixels[top:bottom] = _to_8_bit(strip, full) if full is not None else _flatten(strip)
    return pixels


def _full_scale(image: Image.Image, strips: Sequence[tuple[int, int]]) -> float | None:
    if image.mode != "F":
        return 65535.0 if image.mode == "I" or image.mode.startswith("I;16") else None
    tops = [np.asarray(image.crop((0, start, image.width, end))).max() for start, end in strips]
    top = float(np.max(tops, initial=0.0))
    return 1.0 if top <= 1.0 else 255.0 if top <= 255.0 else 65535.0


def _to_8_bit(image: Image.Image, full: float) -> np.ndarray:
    values = np.array(image, np.float32)
    values *= 255.0 / full
    values += 0.5
    return np.clip(values, 0, 255, out=values).astype(np.uint8)[:, :, None]


def _flatten(image: Image.Image) -> np.ndarray:
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        overlay = image.convert("RGBA")
        white = Image.new("RGBA", overlay.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, overlay)
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _from_array(array: np.ndarray) -> ImageArray:
    grey = array.ndim == 2
    if array.dtype != np.uint8 or not (grey or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise NotAnImageError(
            f"An array picture must be (H, W, 3) uint8 RGB, not {array.shape} {array.dtype}.", item="<array>"
        )
    if not array.size:
        raise ImageTooSmallError("The array has no pixels.", item="<array>")
    if grey:
        return np.repeat(array[:, :, None], 3, axis=2)
    if array.shape[2] == 4:
        return _to_rgb(Image.fromarray(array))
    return array


def _check_size(pixels: ImageArray, name: str, max_pixels: int) -> ImageArray:
    height, width = pixels.shape[:2]
    if height * width > max_pixels:
        raise _too_large(name, f"{width:,} x {height:,} pixels")
    if min(height, width) < MIN_SIDE_PX:
        raise ImageTooSmallError(
            f"{name} has {width} x {height} pixels; at least {MIN_SIDE_PX} a side are needed.", item=name
        )
    return pixels


def _too_large(name: str, what: str) -> ImageTooLargeError:
    return ImageTooLargeError(
        f"{name} is too large to decode safely: {what}; at most {MAX_PIXELS:,} pixels. Scale it down first.",
        item=name,
    )
