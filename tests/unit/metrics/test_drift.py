import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from emofuse.metrics import (
    categorical_psi,
    expected_psi,
    ks_critical_value,
    ks_p_value,
    ks_statistic,
    population_stability_index,
)

COUNTS = st.lists(st.integers(0, 1000), min_size=2, max_size=12).filter(lambda own: sum(own) > 0)


@st.composite
def pairs(draw):
    first = draw(COUNTS)
    same = st.lists(st.integers(0, 1000), min_size=len(first), max_size=len(first))
    return first, draw(same.filter(lambda own: sum(own) > 0))


def test_index_by_hand():
    # (.2 - .4) ln(.2/.4) + (.8 - .6) ln(.8/.6)
    expected = 0.2 * math.log(2) + 0.2 * math.log(4 / 3)
    assert population_stability_index([4, 6], [20, 80]) == pytest.approx(expected)


def test_an_empty_bin_counts_as_one_in_ten_thousand():
    low, rest = 0.0001 / 1.0001, 1 / 1.0001
    expected = (0.5 - low) * math.log(0.5 / low) + (0.5 - rest) * math.log(0.5 / rest)
    assert population_stability_index([0, 1], [1, 1]) == pytest.approx(expected)


def test_labels_that_one_side_lacks_count_zero():
    assert categorical_psi({"joy": 3, "fear": 1}, {"fear": 1, "joy": 3}) == 0
    expected = population_stability_index([3, 1, 0], [3, 0, 1])
    assert categorical_psi({"a": 3, "b": 1}, {"a": 3, "c": 1}) == pytest.approx(expected)


@given(pairs())
def test_index_is_a_symmetric_distance(pair):
    first, second = pair
    index = population_stability_index(first, second)
    assert index >= 0
    assert index == pytest.approx(population_stability_index(second, first))
    assert population_stability_index(first, [7 * count for count in first]) == pytest.approx(0, abs=1e-12)
    if np.abs(np.array(first) / sum(first) - np.array(second) / sum(second)).max() > 0.01:
        assert index > 0


def test_chance_makes_the_index_that_is_expected():
    random = np.random.default_rng(0)
    shares = np.full(10, 0.1)
    found = [
        population_stability_index(random.multinomial(2000, shares), random.multinomial(500, shares))
        for _ in range(400)
    ]
    assert np.mean(found) == pytest.approx(expected_psi(10, 2000, 500), rel=0.1)


def test_distance_by_hand():
    # Cumulative .25 .75 1 against .5 .5 1.
    assert ks_statistic([1, 2, 1], [2, 0, 2]) == pytest.approx(0.25)
    assert ks_statistic([1, 0], [0, 1]) == 1


@given(pairs())
def test_distance_lies_between_0_and_1_and_is_that_of_scipy(pair):
    first, second = pair
    distance = ks_statistic(first, second)
    assert 0 <= distance <= 1
    assert ks_statistic(first, first) == 0
    bins = np.arange(len(first))
    same = stats.ks_2samp(np.repeat(bins, first), np.repeat(bins, second), method="asymp")
    assert distance == pytest.approx(same.statistic)


@pytest.mark.parametrize("statistic", [0.0, 0.005, 0.02, 0.05, 0.1, 0.3, 1.0])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (300, 40), (9860, 2000)])
def test_chance_of_a_distance_is_that_of_scipy(statistic, n, m):
    expected = special.kolmogorov(statistic * math.sqrt(n * m / (n + m)))
    assert ks_p_value(statistic, n, m) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("alpha", [0.001, 0.01, 0.05])
def test_critical_value_has_its_chance(alpha):
    critical = ks_critical_value(9860, 2000, alpha)
    assert ks_p_value(critical, 9860, 2000) == pytest.approx(alpha, rel=1e-3)
    assert critical == pytest.approx(special.kolmogi(alpha) * math.sqrt(1 / 9860 + 1 / 2000), rel=1e-3)
