"""What a model read and answered on its validation samples, as counts in bins: drift is measured from it.

In `bundle.json`:

    "reference": {"split": "validation", "n": 5426, "features": {
        "tokens":  {"cuts": [4, 8, 12], "shares": [0.1, 0.2, 0.3, 0.4]},
        "emotion": {"labels": ["anger", ...], "shares": [0.1, ...]}}}

A feature is a number, with the cuts between its bins, or one of some labels. Of the inputs, texts have
`tokens` (of a window, without special ones), `unknown` (share of tokens outside the vocabulary) and
`continued` (share of tokens that continue a word: high where words are misspelt or of another language);
faces and scenes have `brightness` (mean luma, 0-255) and `sharpness` (log10 of the variance of the Laplacian)
of the picture as the network gets it. Of the answers, all have `emotion` and `sentiment`, the most probable
label as a prediction shows it, each with its `..._confidence`; fusions have `abstained`, too.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Feature", "Reference", "parse_reference"]

MAX_BINS = 255
SUM_TOLERANCE = 0.01  # shares are rounded


@dataclass(frozen=True)
class Feature:
    """Shares of samples in bins.

    Attributes:
        cuts: Rising edges between the bins of a number, which has one bin more; the outer bins are open, and
            a value on a cut belongs to the bin above it. Empty for labels.
        labels: One bin each. Empty for a number.
        shares: (bins,) float, 0-1, sum to 1.
    """

    cuts: tuple[float, ...]
    labels: tuple[str, ...]
    shares: tuple[float, ...]

    @property
    def ordered(self) -> bool:
        """Whether the bins follow each other, so that cumulative shares mean something."""
        return not self.labels

    def bin(self, value: float | str) -> int | None:
        """The bin of a value; None for an unknown label."""
        if isinstance(value, str):
            return self.labels.index(value) if value in self.labels else None
        return bisect_right(self.cuts, value) if self.ordered else None

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each bin."""
        if not self.ordered:
            return self.labels
        ends = [f"{cut:g}" for cut in self.cuts]
        inner = [f"{low} to {high}" for low, high in itertools.pairwise(ends)]
        return (f"below {ends[0]}", *inner, f"{ends[-1]} and above")


@dataclass(frozen=True)
class Reference:
    """What is expected of a model's inputs and answers.

    Attributes:
        split: Where the samples come from.
        n: How many.
        features: By name.
    """

    split: str
    n: int
    features: Mapping[str, Feature]


def parse_reference(data: Mapping[str, Any]) -> Reference:
    """Check and build what `bundle.json` says under `reference`.

    Args:
        data: As in the description of this module.

    Returns:
        The reference.

    Raises:
        KeyError: A key is missing.
        TypeError: A value is of another type.
        ValueError: A value is out of range; the message begins with `reference`.
    """
    if not isinstance(data["n"], int) or data["n"] < 1:
        raise ValueError("reference, whose n must be a whole number above 0")
    features = {name: _parse_feature(name, own) for name, own in data["features"].items()}
    return Reference(str(data["split"]), data["n"], features)


def _parse_feature(name: str, data: Mapping[str, Any]) -> Feature:
    cuts = tuple(float(cut) for cut in data.get("cuts", ()))
    labels = tuple(str(label) for label in data.get("labels", ()))
    shares = tuple(float(share) for share in data["shares"])
    if bool(cuts) == bool(labels):
        raise ValueError(f"reference, whose {name} needs either cuts or labels")
    if any(not low < high for low, high in itertools.pairwise(cuts)) or not all(map(math.isfinite, cuts)):
        raise ValueError(f"reference, whose cuts of {name} must rise")
    if len(set(labels)) < len(labels):
        raise ValueError(f"reference, whose labels of {name} occur twice")
    bins = len(labels) or len(cuts) + 1
    if len(shares) != bins or bins > MAX_BINS:
        raise ValueError(f"reference, whose {name} needs one share for each of at most {MAX_BINS} bins")
    if not (all(0 <= share <= 1 for share in shares) and abs(sum(shares) - 1) <= SUM_TOLERANCE):
        raise ValueError(f"reference, whose shares of {name} must sum to 1")
    return Feature(cuts, labels, shares)
