import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emofuse.errors import ConfigError, NoModalityError
from emofuse.runtime.fusion import LogLinearFusion, shapley_shares, subsets
from emofuse.types import Modality

TEXT, FACE = Modality.TEXT, Modality.FACE
HEADS = {
    "equal": LogLinearFusion({TEXT: 1.0, FACE: 1.0}),
    "unequal": LogLinearFusion({TEXT: 1.0, FACE: 0.5}),
}


def both(text, face):
    return {TEXT: np.array([text], dtype=np.float32), FACE: np.array([face], dtype=np.float32)}


def present(*row):
    return np.array([row])


def test_product_of_two_equal_weights_by_hand():
    fused = HEADS["equal"].pool(both([0.8, 0.2], [0.6, 0.4]), present(True, True))
    np.testing.assert_allclose(fused, [[0.48 / 0.56, 0.08 / 0.56]], rtol=1e-5)


def test_weight_is_an_exponent():
    fused = HEADS["unequal"].pool(both([0.5, 0.5], [0.81, 0.19]), present(True, True))
    np.testing.assert_allclose(fused[0, 0] / fused[0, 1], np.sqrt(0.81 / 0.19), rtol=1e-5)


def test_subsets_end_with_everything():
    assert subsets(2).tolist() == [[True, False], [False, True], [True, True]]
    assert subsets(3).shape == (7, 3)
    assert subsets(3)[-1].all()


def test_shapley_by_hand():
    # v(text) .6, v(face) .4, v(both) .9, v(nothing) .2
    text = ((0.6 - 0.2) + (0.9 - 0.4)) / 2
    face = ((0.4 - 0.2) + (0.9 - 0.6)) / 2
    shares = shapley_shares(np.array([0.6, 0.4, 0.9]), 0.2)
    np.testing.assert_allclose(shares, [text / (text + face), face / (text + face)], rtol=1e-6)


def test_a_modality_that_speaks_against_the_answer_has_no_share():
    np.testing.assert_allclose(shapley_shares(np.array([0.9, 0.1, 0.7]), 0.2), [1, 0])
    np.testing.assert_allclose(shapley_shares(np.array([0.1, 0.1, 0.1]), 0.2), [0.5, 0.5])


@given(st.lists(st.floats(0, 1), min_size=7, max_size=7), st.floats(0, 1))
def test_shapley_shares_are_fair(values, nothing):
    shares = shapley_shares(np.array(values), nothing)
    assert shares.sum() == pytest.approx(1)
    assert (shares >= 0).all()
    # The first two modalities change places: their subsets are rows 0 and 1, and 4 and 5.
    other = shapley_shares(np.array([values[i] for i in (1, 0, 2, 3, 5, 4, 6)]), nothing)
    np.testing.assert_allclose(other, shares[[1, 0, 2]], atol=1e-6)


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_weights_are_above_zero(weight):
    with pytest.raises(ConfigError, match="above 0"):
        LogLinearFusion({TEXT: 1.0, FACE: weight})


def test_a_modality_without_a_weight_is_named():
    with pytest.raises(ConfigError, match="no weight for face"):
        LogLinearFusion({TEXT: 1.0}).pool(both([1, 0], [1, 0]), present(True, True))


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
class TestContract:
    def test_a_single_modality_is_returned_unchanged(self, head):
        own = both([0.7, 0.3], [0.2, 0.8])
        np.testing.assert_allclose(head.pool(own, present(True, False)), own[TEXT], rtol=1e-5)
        np.testing.assert_allclose(head.pool(own, present(False, True)), own[FACE], rtol=1e-5)

    def test_absent_equals_masked_whatever_it_holds(self, head):
        masked = both([0.7, 0.3], [np.nan, np.inf])
        alone = {TEXT: masked[TEXT]}
        assert np.array_equal(head.pool(masked, present(True, False)), head.pool(alone, np.array([[True]])))

    def test_certain_contradiction_is_finite(self, head):
        fused = head.pool(both([1.0, 0.0], [0.0, 1.0]), present(True, True))
        assert np.isfinite(fused).all()
        assert fused.sum() == pytest.approx(1)

    def test_nothing_present(self, head):
        with pytest.raises(NoModalityError):
            head.pool(both([1, 0], [1, 0]), present(False, False))

    @given(rows=st.lists(st.tuples(*[st.floats(0, 1)] * 4, st.booleans()), min_size=1, max_size=6))
    def test_rows_are_distributions_and_independent(self, head, rows):
        raw = np.array([row[:4] for row in rows], dtype=np.float32) + 1e-3
        parts = {TEXT: raw[:, :2], FACE: raw[:, 2:]}
        parts = {m: p / p.sum(axis=1, keepdims=True) for m, p in parts.items()}
        mask = np.array([[True, row[4]] for row in rows])
        fused = head.pool(parts, mask)
        np.testing.assert_allclose(fused.sum(axis=1), 1, rtol=1e-5)
        last = head.pool({m: p[-1:] for m, p in parts.items()}, mask[-1:])
        np.testing.assert_allclose(fused[-1:], last, rtol=1e-6)
