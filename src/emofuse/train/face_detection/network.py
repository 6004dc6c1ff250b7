"""A single-shot face detector of depthwise-separable convolutions with a three-level pyramid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["STRIDES", "FaceDetectorNetwork"]

STRIDES = (8, 16, 32)
OUTPUTS = 15  # score, box (4), landmarks (10)
PRIOR = -4.0  # of the score logit: faces are rare


def _separable(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
        nn.BatchNorm2d(inputs),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def _head(width: int) -> nn.Conv2d:
    head = nn.Conv2d(width, OUTPUTS, 1)
    nn.init.normal_(head.weight, std=0.01)
    bias = torch.zeros(OUTPUTS)
    bias[0] = PRIOR
    head.bias = nn.Parameter(bias)
    return head


class FaceDetectorNetwork(nn.Module):
    """Boxes and five landmarks at strides 8, 16 and 32, one prediction per point.

    The design follows YuNet (Wu et al. 2023): a point prior, scores that predict the box's overlap, and a
    top-down pyramid; widths are a setting.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        stem, low, small, middle, large, width = channels
        self.stem = nn.Sequential(
            nn.Conv2d(3, stem, 3, 2, 1, bias=False), nn.BatchNorm2d(stem), nn.ReLU(inplace=True)
        )
        self.low = nn.Sequential(_separable(stem, low, 2), _separable(low, low))
        self.stages = nn.ModuleList(
            nn.Sequential(_separable(before, after, 2), _separable(after, after), _separable(after, after))
            for before, after in ((low, small), (small, middle), (middle, large))
        )
        self.laterals = nn.ModuleList(nn.Conv2d(c, width, 1) for c in (small, middle, large))
        self.smooth = nn.ModuleList(_separable(width, width) for _ in STRIDES)
        self.towers = nn.ModuleList(_separable(width, width) for _ in STRIDES)
        self.heads = nn.ModuleList(_head(width) for _ in STRIDES)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Detect.

        Args:
            images: (batch, H, W, 3) uint8 RGB; H and W multiples of 32.

        Returns:
            Score logits (batch, points); boxes (batch, points, 4) x, y, width, height px; landmarks
            (batch, points, 10) x, y px. Points run over strides 8, 16, 32, row by row.
        """
        features = self.low(self.stem(images.permute(0, 3, 1, 2).float() / 127.5 - 1.0))
        pyramid = []
        for stage, lateral in zip(self.stages, self.laterals, strict=True):
            features = stage(features)
            pyramid.append(lateral(features))
        for level in (1, 0):
            upper = functional.interpolate(pyramid[level + 1], scale_factor=2.0, mode="nearest")
            pyramid[level] = pyramid[level] + upper
        decoded = [
            _decode(head(tower(smooth(part))), stride)
            for part, smooth, tower, head, stride in zip(
                pyramid, self.smooth, self.towers, self.heads, STRIDES, strict=True
            )
        ]
        scores, boxes, landmarks = (torch.cat(parts, dim=1) for parts in zip(*decoded, strict=True))
        return scores, boxes, landmarks


def _decode(raw: Tensor, stride: int) -> tuple[Tensor, Tensor, Tensor]:
    batch, _, height, width = raw.shape
    raw = raw.permute(0, 2, 3, 1).reshape(batch, height * width, OUTPUTS).float()
    xs = (torch.arange(width, device=raw.device) + 0.5) * stride
    ys = (torch.arange(height, device=raw.device) + 0.5) * stride
    grid = (xs[None, :].expand(height, width), ys[:, None].expand(height, width))
    points = torch.stack(grid, dim=-1).reshape(height * width, 2)
    size = torch.exp(raw[..., 3:5].clamp(max=6.0)) * stride
    corner = points + raw[..., 1:3] * stride - size / 2
    landmarks = points.repeat(1, 5) + raw[..., 5:15] * stride
    return raw[..., 0], torch.cat([corner, size], dim=-1), landmarks
