import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emofuse.explain.shapley import EXACT_PLAYERS, shapley_values


def linear(weights):
    return lambda masks: (masks @ np.asarray(weights)).astype(np.float32)


def glove_game(masks):
    """Two left gloves and one right: a pair is worth 1. Shapley values 1/6, 1/6, 4/6."""
    return ((masks[:, 0] | masks[:, 1]) & masks[:, 2]).astype(np.float32)


def test_gloves():
    values = shapley_values(glove_game, 3, orders=2, seed=0)
    assert values == pytest.approx([1 / 6, 1 / 6, 2 / 3], abs=1e-6)


@pytest.mark.parametrize("players", [1, 5, EXACT_PLAYERS, EXACT_PLAYERS + 1, 20])
def test_a_linear_game_gives_back_its_weights(players):
    weights = np.linspace(-0.3, 0.5, players)
    values = shapley_values(linear(weights), players, orders=2, seed=0)
    assert values == pytest.approx(weights, abs=1e-6)


@given(st.integers(8, 14), st.integers(0, 1000), st.integers(1, 9))
def test_sampled_values_add_up_and_a_null_player_gets_nothing(players, seed, orders):
    table = np.random.default_rng(seed).normal(size=2 ** (players - 1))
    powers = 2 ** np.arange(players - 1)

    def game(masks):
        return table[masks[:, :-1] @ powers].astype(np.float32)

    values = shapley_values(game, players, orders=orders, seed=seed)
    assert values.sum() == pytest.approx(table[-1] - table[0], abs=1e-4)
    assert values[-1] == 0


@given(st.integers(2, EXACT_PLAYERS), st.integers(0, 1000))
def test_players_who_do_the_same_get_the_same(players, seed):
    table = np.random.default_rng(seed).normal(size=players + 1)
    values = shapley_values(
        lambda masks: table[masks.sum(axis=1)].astype(np.float32), players, orders=2, seed=0
    )
    assert values == pytest.approx(np.full(players, (table[-1] - table[0]) / players), abs=1e-5)


def test_an_order_and_its_reverse_are_exact_for_pairs():
    """Worth from single players and pairs alone: each pair is halved between its two, as Shapley's value is."""
    random = np.random.default_rng(3)
    alone, pairs = random.normal(size=10), np.triu(random.normal(size=(10, 10)), 1)

    def game(masks):
        return (masks @ alone + np.einsum("ki,ij,kj->k", masks, pairs, masks)).astype(np.float32)

    values = shapley_values(game, 10, orders=2, seed=5)
    assert values == pytest.approx(alone + (pairs + pairs.T).sum(axis=1) / 2, abs=1e-5)


def test_the_seed_decides_the_orders():
    def majority(masks):
        return (masks.sum(axis=1) > 4) * masks[:, 0].astype(np.float32)

    first, again, other = (shapley_values(majority, 9, orders=4, seed=seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
