"""Batch norm over the rows of all processes.

`torch.nn.SyncBatchNorm` does this on graphics cards only.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

__all__ = ["set_copied", "share_norms"]


def share_norms(network: nn.Module) -> None:
    """Let the batch norms of a network learn from the rows of all processes, in place.

    Args:
        network: Its weights and their names stay as they are.
    """
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.__class__ = type(f"Shared{type(module).__name__}", (_Shared, type(module)), {})


def set_copied(network: nn.Module, copied: bool) -> None:
    """Tell shared batch norms what comes next.

    Args:
        network: That `share_norms` has changed, or any other.
        copied: Every process reads the same rows, so that there is nothing to share.
    """
    for module in network.modules():
        if isinstance(module, _Shared):
            module.copied = copied


class _Shared(nn.Module):
    copied = False

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training and not self.copied:
            return _normalise(self, inputs)
        plain: Tensor = super().forward(inputs)
        return plain


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, own: Tensor) -> Tensor:
        total = own.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, slope: Tensor) -> Tensor:
        total = slope.clone()
        distributed.all_reduce(total)
        return total


def _normalise(norm: Any, inputs: Tensor) -> Tensor:
    rest = [0, *range(2, inputs.ndim)]
    shape = (1, -1, *(1 for _ in rest[1:]))
    values = inputs.float()
    own = values.new_tensor([values.numel() / values.shape[1]])
    sums = _sum(torch.cat([values.sum(dim=rest), own]))
    count = sums[-1].detach()
    mean = sums[:-1] / count
    apart = values - mean.view(shape)
    variance = _sum(apart.square().sum(dim=rest)) / count
    with torch.no_grad():
        norm.num_batches_tracked += 1
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(variance * count / (count - 1), norm.momentum)
    scale = norm.weight * torch.rsqrt(variance + norm.eps)
    normal: Tensor = apart * scale.view(shape) + norm.bias.view(shape)
    return normal.to(inputs.dtype)


def _sum(own: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(own)  # type: ignore[no-untyped-call]
    return total
