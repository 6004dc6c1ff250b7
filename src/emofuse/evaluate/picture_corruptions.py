"""What happens to pictures on their way to a model: poor light, poor lenses, poor connections."""

from __future__ import annotations

import io
import math

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from emofuse.types import ImageArray

__all__ = [
    "add_noise",
    "blur",
    "change_brightness",
    "change_contrast",
    "compress",
    "occlude",
    "rotate",
    "shrink",
]

GREY = 128  # of the patch that covers a part of the picture


def blur(image: ImageArray, share: float, random: np.random.Generator) -> ImageArray:
    """Gaussian blur.

    Args:
        image: (H, W, 3) uint8 RGB.
        share: Standard deviation as a share of the shorter side, so that small and large pictures lose as
            much.
        random: Not used.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    radius = share * min(image.shape[:2])
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)))


def add_noise(image: ImageArray, deviation: float, random: np.random.Generator) -> ImageArray:
    """Gaussian noise, drawn anew for each pixel and colour.

    Args:
        image: (H, W, 3) uint8 RGB.
        deviation: Standard deviation in steps of 255.
        random: Draws the noise.

    Returns:
        (H, W, 3) uint8 RGB, cut off at 0 and 255.
    """
    noise = random.standard_normal(image.shape, dtype=np.float32) * deviation
    return np.clip(image + noise + 0.5, 0, 255).astype(np.uint8)


def change_brightness(image: ImageArray, factor: float, random: np.random.Generator) -> ImageArray:
    """Make a picture darker or brighter.

    Args:
        image: (H, W, 3) uint8 RGB.
        factor: What each value is multiplied by, from 0; 1 changes nothing.
        random: Not used.

    Returns:
        (H, W, 3) uint8 RGB, cut off at 255.
    """
    return np.asarray(ImageEnhance.Brightness(Image.fromarray(image)).enhance(factor))


def change_contrast(image: ImageArray, factor: float, random: np.random.Generator) -> ImageArray:
    """Draw all values towards the mean grey of the picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        factor: Share of each value's distance from the mean that is kept; 1 changes nothing.
        random: Not used.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    return np.asarray(ImageEnhance.Contrast(Image.fromarray(image)).enhance(factor))


def rotate(image: ImageArray, degrees: float, random: np.random.Generator) -> ImageArray:
    """Turn a picture around its centre, against the clock; its border is repeated to fill the corners.

    Args:
        image: (H, W, 3) uint8 RGB.
        degrees: Angle.
        random: Not used.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    height, width = image.shape[:2]
    # Both sides grow by as much, so that the centre stays where it is.
    margin = math.ceil((math.hypot(height, width) - min(height, width)) / 2)
    padded = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    turned = Image.fromarray(padded).rotate(degrees, Image.Resampling.BILINEAR)
    return np.asarray(turned)[margin : margin + height, margin : margin + width]


def occlude(image: ImageArray, share: float, random: np.random.Generator) -> ImageArray:
    """Cover a part of the picture with a grey patch of the same shape as the picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        share: Of the area that is covered, 0-1.
        random: Draws where the patch lies; it lies inside the picture.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    height, width = image.shape[:2]
    tall, wide = round(height * math.sqrt(share)), round(width * math.sqrt(share))
    down, across = random.random(2)
    top, left = round(down * (height - tall)), round(across * (width - wide))
    covered = image.copy()
    covered[top : top + tall, left : left + wide] = GREY
    return covered


def compress(image: ImageArray, quality: float, random: np.random.Generator) -> ImageArray:
    """Save as JPEG and open again.

    Args:
        image: (H, W, 3) uint8 RGB.
        quality: 1-95, as Pillow and libjpeg count it.
        random: Not used.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="JPEG", quality=int(quality))
    with Image.open(file) as opened:
        return np.asarray(opened.convert("RGB"))


def shrink(image: ImageArray, side_px: float, random: np.random.Generator) -> ImageArray:
    """Bring a picture down to few pixels and back up to its size.

    Args:
        image: (H, W, 3) uint8 RGB.
        side_px: Shorter side of the small picture, px; one that is no larger stays as it is.
        random: Not used.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    height, width = image.shape[:2]
    scale = side_px / min(height, width)
    if scale >= 1:
        return image
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    shrunk = Image.fromarray(image).resize(small, Image.Resampling.BOX)
    return np.asarray(shrunk.resize((width, height), Image.Resampling.BILINEAR))
