"""Compare the boxes of a face detector with those of a reference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emofuse.types import FloatArray

__all__ = ["DetectionCounts", "count_detections", "iou_matrix"]

MATCH_IOU = 0.5


@dataclass
class DetectionCounts:
    """Running counts over photographs.

    Attributes:
        reference: Reference boxes that count.
        found: Those of them that a box of ours overlaps with IoU >= 0.5.
        boxes: Boxes of ours that count.
        false: Those of them that overlap no reference box with IoU >= 0.5.
    """

    reference: int = 0
    found: int = 0
    boxes: int = 0
    false: int = 0

    @property
    def recall(self) -> float:
        """Share of the reference boxes that were found, 0-1; NaN without any."""
        return self.found / self.reference if self.reference else float("nan")

    @property
    def false_share(self) -> float:
        """Share of our boxes that are false, 0-1; NaN without any."""
        return self.false / self.boxes if self.boxes else float("nan")


def iou_matrix(first: FloatArray, second: FloatArray) -> FloatArray:
    """Intersection over union of every pair.

    Args:
        first: (n, 4) float x, y, width, height.
        second: (m, 4) float, likewise.

    Returns:
        (n, m) float, 0-1.
    """
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum((first[:, :2] + first[:, 2:])[:, None], (second[:, :2] + second[:, 2:])[None])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = first[:, 2:].prod(axis=1)[:, None] + second[:, 2:].prod(axis=1)[None]
    overlap: FloatArray = shared / np.maximum(areas - shared, 1e-9)
    return overlap


def count_detections(
    pairs: Iterable[tuple[FloatArray, FloatArray]],
    *,
    sizes_px: tuple[float, float],
    sure: float = 0.9,
    possible: float = 0.6,
) -> DetectionCounts:
    """Count hits and false boxes over photographs.

    Args:
        pairs: Per photograph our boxes (n, 4) and the reference's (m, 5), x, y, width, height px and,
            for the reference, its score.
        sizes_px: Only boxes at least as wide as the first and narrower than the second count.
        sure: Reference boxes from this score on must be found.
        possible: A box of ours is false only if no reference box from this score on overlaps it.

    Returns:
        The counts; a box of ours finds at most one reference box.
    """
    counts = DetectionCounts()
    smallest, largest = sizes_px
    for ours, reference in pairs:
        overlaps = iou_matrix(ours, reference[:, :4])
        wanted = (reference[:, 4] >= sure) & _within(reference[:, 2], smallest, largest)
        counts.reference += int(wanted.sum())
        counts.found += _found(overlaps, np.flatnonzero(wanted))
        counted = _within(ours[:, 2], smallest, largest)
        likely = overlaps[:, reference[:, 4] >= possible]
        counts.boxes += int(counted.sum())
        counts.false += int((counted & (likely.max(axis=1, initial=0) < MATCH_IOU)).sum())
    return counts


def _within(widths: FloatArray, smallest: float, largest: float) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (widths >= smallest) & (widths < largest)
    return inside


def _found(overlaps: FloatArray, wanted: NDArray[np.intp]) -> int:
    free = np.ones(len(overlaps), dtype=bool)
    found = 0
    for column in wanted:
        scores = np.where(free, overlaps[:, column], 0.0)
        if scores.size and scores.max() >= MATCH_IOU:
            free[scores.argmax()] = False
            found += 1
    return found
