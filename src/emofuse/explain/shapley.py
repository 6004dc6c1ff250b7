"""Shapley values of the players of a game, exact for few players and sampled for many."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from emofuse.types import FloatArray

__all__ = ["EXACT_PLAYERS", "Game", "shapley_values"]

Mask = NDArray[np.bool_]
Game = Callable[[Mask], FloatArray]  # (k, players) bool, who takes part -> (k,) float, what they are worth

EXACT_PLAYERS = 7


def shapley_values(game: Game, players: int, *, orders: int, seed: int) -> FloatArray:
    """Fair share of each player in what all of them are worth together.

    Args:
        game: Worth of coalitions; called once.
        players: How many; at least one.
        orders: Random orders to average over beyond seven players, rounded up to an even number: each is
            followed by its reverse, which evens out chance.
        seed: Of the orders.

    Returns:
        (players,) float32; they sum to the worth of all players minus the worth of none.

    Source: Shapley 1953; orders in pairs after Mitchell et al. 2022, "Sampling Permutations for Shapley Value
    Estimation", section 4.1.
    """
    values = _exact(game, players) if players <= EXACT_PLAYERS else _sample(game, players, orders, seed)
    shares: FloatArray = values.astype(np.float32)
    return shares


def _exact(game: Game, players: int) -> NDArray[np.float64]:
    coalitions = np.arange(2**players)
    members = (coalitions[:, None] >> np.arange(players)) % 2 == 1
    worth = game(members).astype(np.float64)
    sizes = members.sum(axis=1)
    chances = np.array(
        [
            math.factorial(k) * math.factorial(players - k - 1) / math.factorial(players)
            for k in range(players)
        ]
    )
    values = np.zeros(players)
    for player in range(players):
        others = coalitions[~members[:, player]]
        gains = worth[others | 1 << player] - worth[others]
        values[player] = (chances[sizes[others]] * gains).sum()
    return values


def _sample(game: Game, players: int, orders: int, seed: int) -> NDArray[np.float64]:
    random = np.random.default_rng(seed)
    halves = [random.permutation(players) for _ in range(-(-orders // 2))]
    chosen = [order for half in halves for order in (half, half[::-1])]
    # Row i of an order's coalitions holds its first i players.
    masks = np.zeros((len(chosen), players + 1, players), dtype=bool)
    for order, mask in zip(chosen, masks, strict=True):
        mask[:, order] = np.tri(players + 1, players, -1, dtype=bool)
    different, back = np.unique(masks.reshape(-1, players), axis=0, return_inverse=True)
    worth = game(different).astype(np.float64)[back.ravel()].reshape(len(chosen), players + 1)
    values = np.zeros(players)
    for order, gains in zip(chosen, np.diff(worth, axis=1), strict=True):
        values[order] += gains / len(chosen)
    return values
