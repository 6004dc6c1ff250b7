import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tests.conftest import save_graph

from emofuse.export.onnx_model import QUANTIZERS
from emofuse.export.outliers import even_out
from emofuse.runtime.session import open_session
from emofuse.train.graph_weights import EVEN, GraphWeights

WORDS, WIDTH, LABELS = 40, 256, 5
LOUD = 200  # a channel that is far larger than the others


def texts(count, random):
    return [random.integers(0, WORDS, (4, random.integers(3, 9))) for _ in range(count)]


@pytest.fixture
def network(tmp_path):
    """Word vectors with an outlying channel -> a product -> ReLU -> a head, float32."""

    def build(loudness):
        random = np.random.default_rng(0)
        arrays = {
            "table": random.normal(size=(WORDS, WIDTH)),
            "gain": np.ones(WIDTH),
            "w": random.normal(size=(WIDTH, 64)) / 16,
            "b": random.normal(size=64),
            "head.w": random.normal(size=(64, LABELS)) / 8,
            "head.b": random.normal(size=LABELS),
        }
        arrays["gain"][LOUD] = loudness
        arrays["w"][LOUD] /= loudness
        nodes = [
            helper.make_node("Gather", ["table", "input_ids"], ["plain"]),
            helper.make_node("Mul", ["plain", "gain"], ["words"]),
            helper.make_node("MatMul", ["words", "w"], ["product"]),
            helper.make_node("Add", ["product", "b"], ["sum"]),
            helper.make_node("Relu", ["sum"], ["hidden"]),
            helper.make_node("ReduceMean", ["hidden"], ["pooled"], axes=[1], keepdims=0),
            helper.make_node("MatMul", ["pooled", "head.w"], ["answers"]),
            helper.make_node("Add", ["answers", "head.b"], ["logits"]),
        ]
        ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "length"])
        logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", LABELS])
        path = tmp_path / "float.onnx"
        save_graph(path, nodes, ids, [logits], {n: array.astype(np.float32) for n, array in arrays.items()})
        return path, arrays

    return build


def answer(path, ids):
    return open_session(path).run(["logits"], {"input_ids": ids})[0]


def test_outlying_channels_shrink_and_nothing_else_changes(network):
    path, arrays = network(30.0)
    random = np.random.default_rng(1)
    ids = random.integers(0, WORDS, (8, 6))
    before = answer(path, ids)
    even_out(path, texts(6, random))
    np.testing.assert_allclose(answer(path, ids), before, atol=1e-5)
    graph = onnx.load(path).graph
    found = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    assert [name for name in found if name.endswith(EVEN)] == [f"words{EVEN}"]
    shrunk = found[f"words{EVEN}"]
    assert np.flatnonzero(shrunk < 1 / 1.5).tolist() == [LOUD]
    assert np.abs(arrays["table"] * shrunk).max() < 5
    np.testing.assert_allclose(found["w"] * shrunk[:, None], arrays["w"], rtol=1e-5)


def test_even_channels_are_left_alone(network):
    path, _ = network(1.0)
    before = path.read_bytes()
    even_out(path, texts(6, np.random.default_rng(1)))
    assert path.read_bytes() == before


@pytest.mark.parametrize("loudness", [1.0, 30.0])
def test_static_int8_answers_nearly_as_before_and_the_same_in_any_company(network, tmp_path, loudness):
    path, _ = network(loudness)
    random = np.random.default_rng(2)
    QUANTIZERS["int8_static"](path, tmp_path / "int8.onnx", texts(12, random))
    operators = [node.op_type for node in onnx.load(tmp_path / "int8.onnx").graph.node]
    assert "DynamicQuantizeLinear" not in operators
    assert operators.count("QuantizeLinear") == 2
    ids = random.integers(0, WORDS, (32, 6))
    exact, rounded = answer(path, ids), answer(tmp_path / "int8.onnx", ids)
    assert np.abs(rounded - exact).mean() < 0.015 * exact.std()
    for i in range(len(ids)):
        np.testing.assert_array_equal(answer(tmp_path / "int8.onnx", ids[i : i + 1])[0], rounded[i])


def test_a_factor_comes_back_as_it_was_before_its_rows_grew(network, tmp_path):
    path, arrays = network(30.0)
    QUANTIZERS["int8_static"](path, tmp_path / "int8.onnx", texts(12, np.random.default_rng(3)))
    weights = GraphWeights(onnx.load(tmp_path / "int8.onnx").graph)
    found = weights.read_factor("b")
    assert np.abs(found - arrays["w"])[LOUD].max() < 0.05 * np.abs(arrays["w"][LOUD]).max()
    assert np.abs(found - arrays["w"]).max() < 0.02 * np.abs(arrays["w"]).max()
    assert not {name for name in weights.unread if name.endswith(EVEN)}
