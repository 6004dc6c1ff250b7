"""Structured pruning of a transformer's feed-forward units."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from emofuse.errors import ConfigError
from emofuse.train.encoders.minilm import HIDDEN, MiniLm

__all__ = ["prune_feed_forward"]

AT_ONCE = 32  # units that go before all others are looked at again
RIDGE = 1e-4  # of the mean square of an activation


@torch.no_grad()
def prune_feed_forward(backbone: MiniLm, units: int, batches: Sequence[Tensor]) -> None:
    """Take away the feed-forward units that the others can best stand in for, in place.

    As units go, the weights behind those that stay change such that what the layer gives out changes least on
    the texts.

    Args:
        backbone: Of which each layer loses units.
        units: That stay in each layer.
        batches: Texts to look at, each (batch, length) int64.

    Raises:
        ConfigError: Fewer are left already.

    Source: Hassibi and Stork 1992, "Second order derivatives for network pruning: Optimal Brain Surgeon";
        for units as in Kurtic et al. 2023, "ZipLM".
    """
    if (left := len(backbone.blocks[0].expand.weight)) < units:
        raise ConfigError(
            f"The weights to start from have {left} feed-forward units a layer. Write "
            f"feed_forward: {left / HIDDEN:.4f} below encoder.",
            item="feed_forward",
        )
    if left == units:
        return
    mode = backbone.training
    backbone.eval()
    states = [backbone.embed(batch) for batch in batches]
    for layer in backbone.blocks:
        states = [layer.attend(part) for part in states]
        gram = sum(_gram(layer.activate(part)) for part in states)
        assert isinstance(gram, Tensor)
        before = layer.contract
        kept, weights = _choose(gram, torch.cat([before.weight.T, before.bias[None]]).double(), units)
        layer.keep(kept)
        layer.contract.load_state_dict({"weight": weights[:-1].T.float(), "bias": weights[-1].float()})
        states = [layer.feed(part) for part in states]
    backbone.train(mode)


def _gram(activations: Tensor) -> Tensor:
    rows = activations.flatten(end_dim=-2)
    # The bias stands behind a unit that is always 1.
    rows = torch.cat([rows, torch.ones_like(rows[:, :1])], dim=1)
    return (rows.T @ rows).double()


def _choose(gram: Tensor, weights: Tensor, units: int) -> tuple[Tensor, Tensor]:
    left = torch.arange(len(gram) - 1)
    ridge = RIDGE * gram.diagonal()[:-1].mean()
    inverse = torch.linalg.inv(gram + ridge * torch.eye(len(gram), dtype=gram.dtype))
    while len(left) > units:
        count = min(AT_ONCE, len(left) - units)
        near = _losses(inverse, weights)[:-1].topk(min(2 * count, len(left)), largest=False).indices
        gone = near[_cheapest(inverse[near][:, near], weights[near], count)]
        stays = torch.ones(len(weights), dtype=torch.bool)
        stays[gone] = False
        share = torch.linalg.solve(inverse[gone][:, gone], inverse[gone][:, stays]).T
        weights = weights[stays] - share @ weights[gone]
        inverse = inverse[stays][:, stays] - share @ inverse[gone][:, stays]
        left = left[stays[:-1]]
    return left, weights


def _cheapest(inverse: Tensor, weights: Tensor, count: int) -> Tensor:
    # One after another: of two that stand in for each other only one may go.
    gone: list[int] = []
    for _ in range(count):
        losses = _losses(inverse, weights)
        losses[gone] = torch.inf
        gone.append(int(losses.argmin()))
        share = inverse[:, gone[-1]] / inverse[gone[-1], gone[-1]]
        weights = weights - share[:, None] * weights[gone[-1]]
        inverse = inverse - share[:, None] * inverse[gone[-1]]
    return torch.tensor(gone)


def _losses(inverse: Tensor, weights: Tensor) -> Tensor:
    return weights.square().sum(dim=1) / inverse.diagonal()
