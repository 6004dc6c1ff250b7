import numpy as np
import pytest

from emofuse.runtime.activation import activate
from emofuse.runtime.bundle import OutputSpec


def head(activation, temperature=1.0):
    return OutputSpec("sentiment3", activation, temperature, {})


def test_softmax_by_hand():
    logits = np.log(np.array([[1.0, 3.0, 4.0]]))
    np.testing.assert_allclose(activate(logits, head("softmax")), [[0.125, 0.375, 0.5]], rtol=1e-6)


def test_sigmoid_by_hand():
    np.testing.assert_allclose(activate(np.log([3.0, 1.0]), head("sigmoid")), [0.75, 0.5], rtol=1e-6)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_temperature_divides_and_huge_logits_stay_finite(activation):
    logits = np.array([2.0, -1.0, 0.5])
    np.testing.assert_allclose(
        activate(logits * 4, head(activation, 4.0)), activate(logits, head(activation)), rtol=1e-6
    )
    extreme = activate(np.array([1e30, -1e30, 0.0]), head(activation))
    assert extreme.dtype == np.float32
    assert np.isfinite(extreme).all()
    assert extreme[0] == pytest.approx(1)
    assert extreme[1] == pytest.approx(0)
