"""Which points answer for which face, and how wrong they are."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from emofuse.train.face_detection.network import STRIDES

__all__ = ["assign", "detection_loss", "points_of"]

# Longest side of the faces that a stride answers for, px; the ranges overlap.
RANGES = ((0.0, 56.0), (36.0, 128.0), (88.0, 1e9))
RADIUS = 1.0  # around the face's centre, in strides


def points_of(side: int) -> tuple[Tensor, Tensor]:
    """Centres (points, 2) px and strides (points,) of a square canvas."""
    centres, strides = [], []
    for stride in STRIDES:
        line = (torch.arange(side // stride) + 0.5) * stride
        y, x = torch.meshgrid(line, line, indexing="ij")
        centres.append(torch.stack([x.reshape(-1), y.reshape(-1)], dim=-1))
        strides.append(torch.full((len(centres[-1]),), float(stride)))
    return torch.cat(centres), torch.cat(strides)


def assign(boxes: Tensor, learn: Tensor, points: Tensor, strides: Tensor) -> tuple[Tensor, Tensor]:
    """Give each point a face, background, or nothing.

    Args:
        boxes: (n, 15) float px.
        learn: (n,) bool; the others are ignored.
        points: (points, 2) px.
        strides: (points,) px.

    Returns:
        (points,) int64 index of the face, -1 for background; (points,) bool, False where a point is to be
        left out because it lies in an ignored box.
    """
    face = torch.full((len(points),), -1, dtype=torch.int64)
    count = torch.ones(len(points), dtype=torch.bool)
    if not len(boxes):
        return face, count
    corner, size = boxes[:, :2], boxes[:, 2:4]
    centre, longest = corner + size / 2, size.max(dim=1).values
    inside = ((points[:, None] > corner) & (points[:, None] < corner + size)).all(dim=-1)
    distance = (points[:, None] - centre).abs().max(dim=-1).values / strides[:, None]
    low = torch.tensor([r[0] for r in RANGES])[torch.bucketize(strides, torch.tensor(STRIDES) * 1.0)]
    high = torch.tensor([r[1] for r in RANGES])[torch.bucketize(strides, torch.tensor(STRIDES) * 1.0)]
    fits = (longest >= low[:, None]) & (longest <= high[:, None])
    near = fits & (distance <= RADIUS) & learn
    # Of several faces at one point the smaller wins: it has fewer other points.
    cost = torch.where(near, longest, torch.inf)
    best = cost.min(dim=1)
    face[best.values < torch.inf] = best.indices[best.values < torch.inf]
    count = ~(inside & ~learn).any(dim=1) | (face >= 0)
    # Points inside a face but not near its centre could also frame it: they are no background.
    border = (inside & fits & learn & (distance <= 1.5 * RADIUS)).any(dim=1) & (face < 0)
    return face, count & ~border


def detection_loss(
    outputs: tuple[Tensor, Tensor, Tensor],
    boxes: list[Tensor],
    learn: list[Tensor],
    side: int,
    *,
    average: Callable[[int], float] = float,
) -> dict[str, Tensor]:
    """Score, box and landmark losses of a batch.

    Args:
        outputs: What `FaceDetectorNetwork` returns.
        boxes: Per canvas (n, 15) float px.
        learn: Per canvas (n,) bool.
        side: Canvas side, px.
        average: Gives the mean over all processes of a number of points.

    Returns:
        `score` (quality focal loss, Li et al. 2020), `box` (1 - GIoU), `landmarks` (smooth L1 over the
        face's width); each averaged over the points that answer for a face.
    """
    points, strides = points_of(side)
    scores, predicted, landmarks = outputs
    quality = torch.zeros_like(scores)
    counted = torch.ones_like(scores, dtype=torch.bool)
    box_losses, landmark_losses = [], []
    for row, (own, keep) in enumerate(zip(boxes, learn, strict=True)):
        face, counted[row] = assign(own, keep, points, strides)
        positive = face >= 0
        if not positive.any():
            continue
        truth = own[face[positive]]
        giou, iou = _overlap(predicted[row, positive], truth[:, :4])
        quality[row, positive] = iou.detach().clamp(min=0.1)
        box_losses.append(1 - giou)
        error = (landmarks[row, positive] - truth[:, 4:14]) / truth[:, 2:3]
        landmark_losses.append(
            functional.smooth_l1_loss(error * 5, torch.zeros_like(error), reduction="none")
        )
    # Of several processes, the mean of their losses is that of all their points together.
    number = average(sum(len(part) for part in box_losses)) or 1.0
    probability = scores.sigmoid()
    focal = (quality - probability).abs() ** 2
    entropy = functional.binary_cross_entropy_with_logits(scores, quality, reduction="none")
    zero = (scores.sum() + predicted.sum() + landmarks.sum()) * 0  # every weight keeps a gradient
    return {
        "score": (focal * entropy * counted).sum() / number,
        "box": torch.cat(box_losses).sum() / number if box_losses else zero,
        "landmarks": torch.cat(landmark_losses).sum() / (10 * number) if landmark_losses else zero,
    }


def _overlap(predicted: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    low = torch.maximum(predicted[:, :2], truth[:, :2])
    high = torch.minimum(predicted[:, :2] + predicted[:, 2:], truth[:, :2] + truth[:, 2:])
    shared = (high - low).clamp(min=0).prod(dim=1)
    union = predicted[:, 2:].prod(dim=1) + truth[:, 2:].prod(dim=1) - shared
    hull_low = torch.minimum(predicted[:, :2], truth[:, :2])
    hull_high = torch.maximum(predicted[:, :2] + predicted[:, 2:], truth[:, :2] + truth[:, 2:])
    hull = (hull_high - hull_low).prod(dim=1)
    iou = shared / union.clamp(min=1e-6)
    return iou - (hull - union) / hull.clamp(min=1e-6), iou
