"""The corruptions that models are tried on, and how one sample is corrupted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from emofuse.errors import InputError
from emofuse.evaluate import picture_corruptions as pictures
from emofuse.evaluate import text_corruptions as texts
from emofuse.preprocess import load_image, normalize_text
from emofuse.types import Sample

__all__ = ["Corruption", "corrupt", "is_concerned", "list_corruptions"]


@dataclass(frozen=True)
class Corruption:
    """One way to spoil a text or a picture, at growing severity.

    Attributes:
        name: Of the corruption.
        part: Of the sample that it spoils.
        unit: What its values mean.
        values: Of the levels from 1 on, mildest first; level 0 is the clean sample.
        apply: Text or (H, W, 3) uint8 RGB picture, value and random generator to the same spoiled.
        concerns: Whether a text has what the corruption takes away; samples without are left out.
    """

    name: str
    part: Literal["text", "image"]
    unit: str
    values: Sequence[float]
    apply: Callable[[Any, float, np.random.Generator], Any]
    concerns: Callable[[str], bool] | None = None


_SHARES = (0.25, 0.5, 0.75, 1.0)

_TEXTS = (
    Corruption("typos", "text", "share of letters mistyped", (0.02, 0.05, 0.1, 0.2), texts.add_typos),
    Corruption(
        "small letters", "text", "share of words without capitals", (1.0,), texts.change_words(str.lower)
    ),
    Corruption("capitals", "text", "share of words in capitals", (0.5, 1.0), texts.change_words(str.upper)),
    Corruption("mixed case", "text", "share of letters in the other case", (0.1, 0.5), texts.flip_case),
    Corruption("emoji lost", "text", "share of emoji left out", _SHARES, texts.drop_emoji, texts.has_emoji),
    Corruption("punctuation lost", "text", "share of marks left out", _SHARES, texts.drop_punctuation),
    Corruption(
        "punctuation repeated", "text", "times that . ! ? are written", (2, 3, 5, 8), texts.repeat_punctuation
    ),
    Corruption(
        "long vowels", "text", "share of words stretched", (0.1, 0.25, 0.5, 1.0), texts.lengthen_words
    ),
    Corruption("spaces lost", "text", "share of spaces left out", (0.05, 0.1, 0.25, 0.5), texts.drop_spaces),
)

_PICTURES = (
    Corruption(
        "blur",
        "image",
        "standard deviation, share of the shorter side",
        (0.01, 0.02, 0.04, 0.08),
        pictures.blur,
    ),
    Corruption("noise", "image", "standard deviation, of 255", (8, 16, 32, 64), pictures.add_noise),
    Corruption(
        "darker", "image", "share of the light kept", (0.7, 0.5, 0.3, 0.15), pictures.change_brightness
    ),
    Corruption("brighter", "image", "times the light", (1.3, 1.6, 2, 3), pictures.change_brightness),
    Corruption(
        "low contrast", "image", "share of the contrast kept", (0.7, 0.5, 0.3, 0.15), pictures.change_contrast
    ),
    Corruption("rotation", "image", "degrees against the clock", (10, 20, 30, 45), pictures.rotate),
    Corruption("occlusion", "image", "share of the area covered", (0.05, 0.1, 0.2, 0.4), pictures.occlude),
    Corruption("JPEG", "image", "quality", (50, 25, 10, 5), pictures.compress),
)
_SMALL_FACE = Corruption("small face", "image", "side, px", (36, 24, 16, 12), pictures.shrink)
_SMALL_PICTURE = Corruption("small picture", "image", "shorter side, px", (128, 64, 32, 16), pictures.shrink)


def list_corruptions(*, crops: bool) -> list[Corruption]:
    """All corruptions, those of texts first.

    Args:
        crops: The pictures are crops of single faces rather than whole photographs.

    Returns:
        The corruptions; their names are unique.
    """
    return [*_TEXTS, *_PICTURES, _SMALL_FACE if crops else _SMALL_PICTURE]


def corrupt(sample: Sample, corruption: Corruption, level: int, *, seed: int = 0) -> Sample:
    """Corrupt one sample.

    What is drawn depends on the seed, the corruption and the sample's id alone: neither the order of the
    samples nor the level changes it, so that a milder level spoils a part of what a harder one does. A text
    is normalised first, as models do, so that no escape sequence is torn.

    Args:
        sample: With an id.
        corruption: What to do.
        level: 0 for nothing, up to the number of its values.
        seed: Of the draws.

    Returns:
        The sample itself where nothing changes, where the part is missing and where it cannot be read; else a
        copy with the part replaced.
    """
    if level == 0:
        return sample
    digest = hashlib.sha256(f"{seed}/{corruption.name}/{sample.id}".encode(errors="surrogatepass")).digest()
    random = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    value = corruption.values[level - 1]
    try:
        if corruption.part == "text" and sample.text is not None:
            clean, _ = normalize_text(sample.text)
            text = corruption.apply(clean, value, random)
            return sample if text == clean else replace(sample, text=text)
        if corruption.part == "image" and sample.image is not None:
            image, _ = load_image(sample.image)
            spoiled = corruption.apply(image, value, random)
            return sample if spoiled is image else replace(sample, image=spoiled)
    except InputError:
        pass  # the reader says what is wrong with it
    return sample


def is_concerned(sample: Sample, corruption: Corruption) -> bool:
    """Whether a sample has what a corruption spoils.

    Args:
        sample: Any sample.
        corruption: The corruption.

    Returns:
        False for a sample without the part, or with a text in which there is nothing to take away.
    """
    if corruption.part == "image":
        return sample.image is not None
    if sample.text is None or corruption.concerns is None:
        return sample.text is not None
    try:
        return corruption.concerns(normalize_text(sample.text)[0])
    except InputError:
        return False
