import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from tests.conftest import save_graph

from emofuse import load_bundle
from emofuse.errors import ConfigError
from emofuse.explain.torch_graph import TorchGraph
from emofuse.runtime.session import open_session


def run(path, ids, outputs):
    return open_session(path, threads=1).run(outputs, {"input_ids": ids})


@pytest.mark.parametrize("name", ["text_bilstm", "text_bilstm_open"])
def test_torch_computes_what_the_bundle_computes(name):
    path = load_bundle(name).model_path
    graph = TorchGraph(path)
    ids = np.random.default_rng(0).integers(5, 5000, size=(2, 9))
    expected = run(path, ids, ["ekman7", "sentiment3", "goemotions28"])
    found = graph.run(torch.from_numpy(ids), ["ekman7", "sentiment3", "goemotions28"], {})
    for ours, theirs in zip(found, expected, strict=True):
        assert np.abs(ours.numpy() - theirs).max() <= 1e-4


def test_torch_is_near_the_int8_graph_of_the_default_model():
    path = load_bundle("text_bert_bilstm").model_path
    ids = np.random.default_rng(0).integers(1000, 20000, size=(1, 12))
    [expected] = run(path, ids, ["ekman7"])
    [found] = TorchGraph(path).run(torch.from_numpy(ids), ["ekman7"], {})
    # Activations are rounded to integers there and not here.
    assert np.abs(found.numpy() - expected).max() <= 1.0
    assert np.corrcoef(found.numpy()[0], expected[0])[0, 1] > 0.95


def test_gradients_are_those_of_finite_differences():
    graph = TorchGraph(load_bundle("text_bilstm").model_path)
    ids = torch.tensor([[2, 300, 400, 3]])
    [start] = graph.run(ids, [graph.embedding], {})

    def score(vectors):
        [logits] = graph.run(ids, ["ekman7"], {graph.embedding: vectors})
        return logits[0, 3]

    start.requires_grad_()
    score(start).backward()
    way = start.grad / start.grad.norm()
    with torch.no_grad():
        slope = (score(start + 0.01 * way) - score(start - 0.01 * way)) / 0.02
    assert float(slope) == pytest.approx(float((start.grad * way).sum()), rel=0.01)


def write(path, nodes, weights):
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "length"])
    output = helper.make_tensor_value_info("out", TensorProto.FLOAT, [None] * 3)
    save_graph(path, nodes, ids, [output], weights)


WORDS = {"words": np.random.default_rng(1).normal(size=(9, 4)).astype(np.float32)}
FIRST = helper.make_node("Gather", ["words", "input_ids"], ["vectors"])
AXES = np.array([1])
OPERATIONS = {
    "Gemm": (
        [
            helper.make_node("ReduceMean", ["vectors"], ["mean"], axes=[1], keepdims=0),
            helper.make_node("Gemm", ["mean", "w", "b"], ["out"], transB=1, alpha=0.5, beta=2.0),
        ],
        {"w": np.ones((3, 4), np.float32), "b": np.arange(3, dtype=np.float32)},
    ),
    "Slice backwards": (
        [helper.make_node("Slice", ["vectors", "from", "to", "axes", "step"], ["out"])],
        {"from": np.array([-1]), "to": np.array([-9]), "axes": AXES, "step": np.array([-2])},
    ),
    "Slice without axes": (
        [helper.make_node("Slice", ["vectors", "from", "to"], ["out"])],
        {"from": np.array([0, 1]), "to": np.array([1, 2**40])},
    ),
    "Unsqueeze and Div": (
        [
            helper.make_node("Unsqueeze", ["vectors", "axes"], ["wide"]),
            helper.make_node("Div", ["wide", "two"], ["out"]),
        ],
        {"axes": AXES, "two": np.array(2, np.float32)},
    ),
    "Relu, Tanh and Sub": (
        [
            helper.make_node("Relu", ["vectors"], ["positive"]),
            helper.make_node("Tanh", ["vectors"], ["squashed"]),
            helper.make_node("Sub", ["positive", "squashed"], ["out"]),
        ],
        {},
    ),
    "int8 product": (
        [
            helper.make_node("DynamicQuantizeLinear", ["vectors"], ["q", "scale", "zero"]),
            helper.make_node("MatMulInteger", ["q", "w", "zero"], ["whole"]),
            helper.make_node("Cast", ["whole"], ["float"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["float", "scale"], ["out"]),
        ],
        {"w": np.arange(-6, 6, dtype=np.int8).reshape(4, 3)},
    ),
    "int8 product with constant scales": (
        [
            helper.make_node("QuantizeLinear", ["vectors", "s", "z"], ["q"]),
            helper.make_node("DequantizeLinear", ["q", "s", "z"], ["again"]),
            helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["matrix"], axis=1),
            helper.make_node("MatMul", ["again", "matrix"], ["out"]),
        ],
        {
            "s": np.array(0.03, np.float32),
            "z": np.array(128, np.uint8),
            "w": np.arange(-6, 6, dtype=np.int8).reshape(4, 3),
            "ws": np.array([0.5, 1.0, 0.25], np.float32),
            "wz": np.zeros(3, np.int8),
        },
    ),
    "LSTM one way": (
        [
            helper.make_node("Transpose", ["vectors"], ["first"], perm=[1, 0, 2]),
            helper.make_node("LSTM", ["first", "i", "s"], ["out"], hidden_size=2),
        ],
        {
            "i": np.random.default_rng(2).normal(size=(1, 8, 4)).astype(np.float32),
            "s": np.random.default_rng(3).normal(size=(1, 8, 2)).astype(np.float32),
        },
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_agree_with_onnxruntime(name, tmp_path):
    nodes, weights = OPERATIONS[name]
    write(tmp_path / "model.onnx", [FIRST, *nodes], WORDS | weights)
    ids = np.array([[1, 2, 3, 4], [8, 7, 0, 5]])
    [expected] = run(tmp_path / "model.onnx", ids, ["out"])
    graph = TorchGraph(tmp_path / "model.onnx")
    [found] = graph.run(torch.from_numpy(ids), ["out"], {})
    assert graph.embedding == "vectors"
    assert found.shape == expected.shape
    tolerance = 0.15 if name.startswith("int8 product") else 1e-5
    assert np.abs(found.numpy() - expected).max() <= tolerance


def test_an_operation_that_is_not_known_is_named(tmp_path):
    write(tmp_path / "model.onnx", [FIRST, helper.make_node("Erf", ["vectors"], ["out"])], WORDS)
    with pytest.raises(ConfigError, match="Erf"):
        TorchGraph(tmp_path / "model.onnx")


def test_a_graph_without_token_vectors_is_refused(tmp_path):
    cast = helper.make_node("Cast", ["input_ids"], ["out"], to=onnx.TensorProto.FLOAT)
    write(tmp_path / "model.onnx", [cast], {})
    with pytest.raises(ConfigError, match="no vectors"):
        TorchGraph(tmp_path / "model.onnx")
