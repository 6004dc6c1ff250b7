"""What a model is given, in a few numbers that say nothing of the content."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emofuse.errors import InputError
from emofuse.preprocess import (
    WordPieceTokenizer,
    cut_face,
    load_image,
    normalize_text,
    prepare_crop,
    prepare_scene,
    spell_emoji,
    split_windows,
)
from emofuse.preprocess.wordpiece import CONTINUATION, UNKNOWN
from emofuse.runtime.bundle import ModelBundle
from emofuse.types import FaceBox, ImageArray, ImageSource

__all__ = ["PictureMeter", "TextMeter", "measure_picture"]

READ_CHARACTERS = 1000  # more than a window holds; the rest of a long text would only cost time
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R 601, as Pillow's grey
FLATTEST = 0.01  # variance, so that its logarithm is finite


class TextMeter:
    """Measures texts as a bundle reads them.

    Args:
        bundle: Of kind "text".
    """

    def __init__(self, bundle: ModelBundle) -> None:
        constants = bundle.preprocessing
        self._tokenizer = WordPieceTokenizer.from_file(bundle.path / "tokenizer.json")
        self._spell_emoji = constants["emoji"] == "spell"
        self._frame = (len(constants["prefix_ids"]), len(constants["suffix_ids"]))
        self._room: int = constants["max_tokens"] - sum(self._frame)
        pieces = self._tokenizer.pieces
        self._unknown = pieces.index(UNKNOWN)
        self._continues = [piece.startswith(CONTINUATION) for piece in pieces]

    def measure(self, text: str) -> dict[str, float]:
        """Measure a text; of a long one, its first window.

        Args:
            text: Any string.

        Returns:
            `tokens`, `unknown` and `continued`, as `runtime.reference` describes them; empty for a text that
            cannot be read.
        """
        try:
            cleaned, _ = normalize_text(text[:READ_CHARACTERS])
        except InputError:
            return {}
        ids = self._tokenizer.encode(spell_emoji(cleaned) if self._spell_emoji else cleaned)
        windows, _ = split_windows(ids, self._room, len(ids))
        return self._measure(windows[0])

    def measure_window(self, ids: NDArray[np.integer]) -> dict[str, float]:
        """Measure what the network gets.

        Args:
            ids: (tokens,) int, with special tokens.

        Returns:
            As `measure`.
        """
        before, after = self._frame
        return self._measure(ids[before : len(ids) - after].tolist())

    def _measure(self, ids: Sequence[int]) -> dict[str, float]:
        count = len(ids)
        if not count:
            return {}
        continued = sum(map(self._continues.__getitem__, ids))
        return {"tokens": count, "unknown": ids.count(self._unknown) / count, "continued": continued / count}


class PictureMeter:
    """Measures pictures as a bundle reads them.

    Args:
        bundle: Of kind "face" or "scene".
    """

    def __init__(self, bundle: ModelBundle) -> None:
        self._faces = bundle.kind == "face"
        self._size_px: int = bundle.preprocessing["size_px"]

    def measure(self, image: ImageSource, faces: Sequence[FaceBox]) -> dict[str, float]:
        """Measure a picture, or its largest face; the picture is decoded for that.

        Args:
            image: The picture.
            faces: What was found in it, largest first.

        Returns:
            `brightness` and `sharpness`, as `runtime.reference` describes them; empty for a picture that
            cannot be read, or a face model without a face.
        """
        if self._faces and not faces:
            return {}
        try:
            pixels, _ = load_image(image)
        except InputError:
            return {}
        if not self._faces:
            return measure_picture(prepare_scene(pixels, size_px=self._size_px))
        box, (height, width) = faces[0], pixels.shape[:2]
        if (box.x, box.y, box.width, box.height) == (0, 0, width, height):
            return measure_picture(prepare_crop(pixels, size_px=self._size_px))
        return measure_picture(cut_face(pixels, box, size_px=self._size_px))


def measure_picture(picture: ImageArray) -> dict[str, float]:
    r"""How bright and how sharp a picture is.

    The sharpness is $\log_{10} Var(4 I_{x,y} - I_{x-1,y} - I_{x+1,y} - I_{x,y-1} - I_{x,y+1})$; noise counts
    as sharpness, too.

    Args:
        picture: (H, W) uint8 grey or (H, W, 3) uint8 RGB, as the network gets it; sides of at least 3.

    Returns:
        `brightness`, the mean luma, 0-255, and `sharpness`, from -2 for a flat picture to about 6.

    Source: Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy: a comparative study".
    """
    grey = picture @ LUMA if picture.ndim == 3 else picture.astype(np.float32)
    inner = 4 * grey[1:-1, 1:-1]
    laplacian = inner - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    sharpness = math.log10(max(float(laplacian.var()), FLATTEST))
    return {"brightness": float(grey.mean()), "sharpness": sharpness}
