import numpy as np
import onnx
import pytest

from emofuse.runtime.bundle import load_bundle
from emofuse.train.graph_weights import GraphWeights

# Of a product whose input has no outlying channels: a column has one step.
BIAS = "network.encoder.backbone.layers.5.expand.bias"


@pytest.fixture(scope="module")
def graph():
    return onnx.load(load_bundle("text_bert_bilstm").model_path).graph


def test_small_steps_survive_the_next_rounding(graph):
    exact = GraphWeights(graph).read_factor(BIAS)
    noisy = GraphWeights(graph, dither=np.random.default_rng(0)).read_factor(BIAS)
    # A column of 384 weights has neighbours on its scale somewhere.
    step = np.array([np.diff(np.unique(column.round(9))).min() for column in exact.T])
    assert np.abs((noisy - exact) / step).max() <= 0.5 + 1e-3

    def moved(weights):
        return (np.round((weights + 0.2 * step) / step) - np.round(exact / step)).mean()

    assert moved(exact) == 0
    assert moved(noisy) == pytest.approx(0.2, abs=0.01)


def test_floats_get_no_noise(graph):
    dithered = GraphWeights(graph, dither=np.random.default_rng(0))
    np.testing.assert_array_equal(dithered.read(BIAS), GraphWeights(graph).read(BIAS))
    small = onnx.load(load_bundle("text_bilstm").model_path).graph
    bias = "encoder.pooling.attention.query.bias"
    noisy, exact = (
        GraphWeights(small, dither=own).read_factor(bias) for own in (np.random.default_rng(0), None)
    )
    np.testing.assert_array_equal(noisy, exact)


def test_what_is_not_there_is_none_and_what_nobody_read_is_listed(graph):
    weights = GraphWeights(graph)
    assert weights.read("nothing") is None
    assert weights.read_factor("nothing") is None
    assert weights.read_added("nothing") is None
    assert BIAS in weights.unread
    weights.read(BIAS)
    assert BIAS not in weights.unread
