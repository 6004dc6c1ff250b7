import numpy as np
import pytest
from onnx import TensorProto, helper
from tests.conftest import manifest, save_graph

from emofuse import Sample
from emofuse.errors import ConfigError
from emofuse.explain.attention import AttentionExplainer
from emofuse.explain.subject import SubjectReader
from emofuse.export.bundle_writer import write_bundle
from emofuse.runtime.model_set import ModelSet


def build_bundle(folder, tokenizer):
    """One head; each token is looked at by the exponential of its own number, by every query alike."""
    folder.mkdir()
    weights = {
        "loudness": np.log(np.array([1, 1, 1, 4, 2, 1, 1, 1, 1, 1], np.float32)),
        "axes": np.array([1, 2]),
        "zeros": np.zeros((1, 1, 1, 1), np.float32),
        "last": np.array([2]),
        "w": np.ones((1, 7), np.float32),
    }
    nodes = [
        helper.make_node("Gather", ["loudness", "input_ids"], ["numbers"]),
        helper.make_node("Unsqueeze", ["numbers", "axes"], ["rows"]),
        helper.make_node("Transpose", ["rows"], ["columns"], perm=[0, 1, 3, 2]),
        helper.make_node("Mul", ["columns", "zeros"], ["nothing"]),
        helper.make_node("Add", ["rows", "nothing"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["weights"], axis=-1),
        helper.make_node("ReduceMean", ["weights"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "one"], ["wide"]),
        helper.make_node("MatMul", ["wide", "w"], ["ekman7"]),
    ]
    weights["one"] = np.array([1])
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "length"])
    output = helper.make_tensor_value_info("ekman7", TensorProto.FLOAT, ["batch", 7])
    del weights["last"]
    save_graph(folder / "model.onnx", nodes, ids, [output], weights)
    constants = {"max_tokens": 12, "max_windows": 4, "prefix_ids": [1], "suffix_ids": [2]}
    data = manifest("text", "looking", {"ekman7": "softmax"}, {**constants, "emoji": "spell", "max_batch": 8})
    write_bundle(folder, data, {"tokenizer.json": tokenizer.read_bytes()})
    return folder


def explain(bundle, text):
    reader = SubjectReader(ModelSet([bundle], detector=None, threads=1))
    return AttentionExplainer(reader).explain(Sample(text=text), "joy")


def test_words_get_the_weight_that_they_are_looked_at_with(text_bundle, tmp_path):
    bundle = build_bundle(tmp_path / "looking", text_bundle / "tokenizer.json")
    explanation = explain(bundle, "happy sad day")
    # Of 1 + 4 + 2 + 1 + 1: the two special tokens get 1 each.
    assert [word.attribution for word in explanation.words] == pytest.approx([4 / 9, 2 / 9, 1 / 9], abs=1e-6)
    assert explanation.base_value is None


def test_pieces_of_a_word_add_up(text_bundle, tmp_path):
    bundle = build_bundle(tmp_path / "looking", text_bundle / "tokenizer.json")
    explanation = explain(bundle, "happy,happy day")
    # The comma is unknown and counts 1.
    assert [word.attribution for word in explanation.words] == pytest.approx([9 / 12, 1 / 12], abs=1e-6)


def test_a_model_without_attention_says_so(text_bundle):
    with pytest.raises(ConfigError, match="no attention layer"):
        explain(text_bundle, "happy")
