"""The crop of a training face."""

from __future__ import annotations

from emofuse.errors import CorpusFormatError
from emofuse.preprocess import load_image, prepare_crop
from emofuse.types import ImageArray, Sample

__all__ = ["crop_of"]


def crop_of(sample: Sample, size_px: int) -> ImageArray:
    """Read the picture of a sample as one face.

    Args:
        sample: Its image is a face.
        size_px: Side of the crop.

    Returns:
        (size_px, size_px) uint8 grey.

    Raises:
        CorpusFormatError: The sample has no image.
        InputError: The image cannot be read.
    """
    if sample.image is None:
        raise CorpusFormatError(f"Sample {sample.id} has no image; a face recipe needs one.", item=sample.id)
    image, _ = load_image(sample.image)
    return prepare_crop(image, size_px=size_px)
