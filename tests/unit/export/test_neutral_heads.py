import json
import re
import shutil

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tests.conftest import record_checksums, save_graph
from tests.unit.datasets.test_corpora import make_emotion, make_fer, make_goemotions
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from emofuse.datasets.eec import EecSentence
from emofuse.errors import ConfigError
from emofuse.evaluate.answers import answer_corpus
from emofuse.evaluate.calibration import choose_thresholds
from emofuse.evaluate.fairness import audit_text
from emofuse.export.neutral_heads import neutralize, solve_edit
from emofuse.export.onnx_model import QUANTIZERS
from emofuse.runtime.bundle import load_bundle, verify_bundle
from emofuse.runtime.model_set import open_text_model
from emofuse.taxonomy import load_taxonomy
from emofuse.train.person_probe import NAMES_PER_GROUP, NOUN_PAIRS, build_probe


def test_no_strength_changes_nothing():
    random = np.random.default_rng(0)
    edit, mean = solve_edit(random.normal(size=(50, 4)), [random.normal(size=(9, 4))], 0.0)
    np.testing.assert_allclose(edit, np.eye(4), atol=1e-12)
    assert mean.shape == (4,)


def test_a_direction_that_says_only_who_it_is_goes_and_the_others_stay():
    random = np.random.default_rng(1)
    features = random.normal(size=(4000, 3))
    features[:, 0] = 5.0 + 1e-3 * random.normal(size=4000)
    edit, mean = solve_edit(features, [np.array([[2.0, 0.0, 0.0], [-2.0, 0.0, 0.0]])], 10.0)
    assert mean[0] == pytest.approx(5, abs=1e-3)
    np.testing.assert_allclose(np.array([2.0, 0, 0]) @ edit, 0, atol=1e-3)
    np.testing.assert_allclose(np.eye(3)[1:] @ edit, np.eye(3)[1:], atol=0.05)


def test_one_dimension_by_hand():
    # Variance 1 and second moment 4: C / (C + s D) = 1 / (1 + 3 * 4), but for the ridge of 1e-4.
    edit, _ = solve_edit(np.array([[-1.0], [1.0]]), [np.array([[2.0], [-2.0]])], 3.0)
    assert edit.item() == pytest.approx(1 / 13, rel=1e-3)


def test_kinds_count_alike_however_many_rows_they_have():
    random = np.random.default_rng(2)
    features, one, other = (random.normal(size=(n, 3)) for n in (60, 5, 7))
    once, _ = solve_edit(features, [one, other], 2.0)
    often, _ = solve_edit(features, [np.repeat(one, 4, axis=0), other], 2.0)
    np.testing.assert_allclose(once, often)


def test_probe_rows_differ_in_the_person_alone():
    rows = build_probe(40)
    assert {len(group) for row in rows for group in row.names} == {NAMES_PER_GROUP}
    assert {len(row.nouns) for row in rows} == {NOUN_PAIRS}
    for row in rows:
        sentences = [sentence for group in row.names for sentence in group]
        assert len(set(sentences)) == len(sentences)
        # A name is one word: all other words are shared.
        words = [sentence.split() for sentence in sentences]
        assert {len(own) for own in words} == {len(words[0])}
        assert sum(len({own[i] for own in words}) > 1 for i in range(len(words[0]))) == 1
        assert all(sentence[0].isupper() for sentence in sentences)
    assert rows == build_probe(40)


def linear_heads(bundle, folder):
    """The tiny text bundle with the probe's vocabulary, and heads that are linear in the mean word vector."""
    shutil.copytree(bundle, folder)
    text = " ".join(part for row in build_probe(60) for nouns in row.nouns for part in nouns).lower()
    words = ["[UNK]", "[CLS]", "[SEP]", *sorted(set(re.findall(r"[a-z]+|[.,]", text)))]
    tokenizer = Tokenizer(WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = BertNormalizer(), BertPreTokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    random = np.random.default_rng(3)
    arrays = {"table": random.normal(size=(len(words), 8))}
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"]),
        helper.make_node("ReduceMean", ["words"], ["pooled"], axes=[1], keepdims=0),
    ]
    outputs = []
    for name in load_bundle(str(bundle)).outputs:
        labels = len(load_taxonomy(name))
        arrays |= {f"{name}.w": random.normal(size=(8, labels)), f"{name}.b": random.normal(size=labels)}
        nodes.append(helper.make_node("MatMul", ["pooled", f"{name}.w"], [f"{name}.product"]))
        nodes.append(helper.make_node("Add", [f"{name}.product", f"{name}.b"], [name]))
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", labels]))
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "length"])
    save_graph(
        folder / "model.onnx",
        nodes,
        ids,
        outputs,
        {name: array.astype(np.float32) for name, array in arrays.items()},
    )
    record_checksums(folder)
    return load_bundle(str(folder))


@pytest.fixture(scope="module")
def changed(text_bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("neutral")
    bundle = linear_heads(text_bundle, folder / "tiny")
    corpus = folder / "emotion"
    corpus.mkdir()
    make_emotion(corpus)
    neutralize(bundle, {"emotion": corpus}, folder / "out", strength=1000.0, fillings=60)
    return bundle, load_bundle(str(folder / "out"))


def test_the_copy_is_a_sound_bundle_that_says_what_was_done(changed):
    bundle, copy = changed
    verify_bundle(copy.path)
    manifest = json.loads((copy.path / "bundle.json").read_text())
    assert copy.name == f"{bundle.name}_neutral"
    assert manifest["metrics"] == manifest["evaluations"] == []
    assert "--strength 1000` with texts of emotion" in manifest["limits"][-1]
    names = {tensor.name for tensor in onnx.load(copy.path / "model.onnx").graph.initializer}
    assert not names & {f"{name}.w" for name in bundle.outputs}


def test_the_copy_reads_persons_more_alike(changed):
    sentences = [
        EecSentence(f"{who} was {word}.", "t", word, who, gender, "")
        for word in ("happy", "cheerful", "mad")
        for who, gender in (("she", "female"), ("he", "male"))
    ]
    before, after = (audit_text(bundle, sentences) for bundle in changed)
    assert after.largest.absolute.value < before.largest.absolute.value / 2


@pytest.mark.parametrize("int8", [None, "MatMulInteger", "QuantizeLinear"])
def test_hardly_any_strength_answers_as_before(text_bundle, changed, tmp_path, int8):
    bundle = linear_heads(text_bundle, tmp_path / "tiny")
    if int8:
        kind = "int8_dynamic" if int8 == "MatMulInteger" else "int8_static"
        shown = [np.arange(8).reshape(2, 4) + i for i in range(0, 40, 8)]
        QUANTIZERS[kind](changed[0].model_path, bundle.model_path, shown)
        assert int8 in {node.op_type for node in onnx.load(bundle.model_path).graph.node}
        record_checksums(bundle.path)
    (tmp_path / "emotion").mkdir()
    make_emotion(tmp_path / "emotion")
    neutralize(bundle, {"emotion": tmp_path / "emotion"}, tmp_path / "out", strength=1e-9, fillings=5)
    texts = ["She was happy all day.", "We met him at the station.", "Nobody said that."]
    both = (open_text_model(load_bundle(str(path))) for path in (bundle.path, tmp_path / "out"))
    for one, other in zip(*(model.predict(texts) for model in both), strict=True):
        for name in bundle.outputs:
            # An int8 product is rounded; the new heads are not.
            close = 0.02 if int8 else 1e-4
            np.testing.assert_allclose(one.probabilities[name], other.probabilities[name], atol=close)


def test_labels_that_may_hold_together_get_thresholds_of_the_new_answers(text_bundle, tmp_path):
    bundle = linear_heads(text_bundle, tmp_path / "tiny")
    (tmp_path / "goemotions").mkdir()
    make_goemotions(tmp_path / "goemotions")
    root = tmp_path / "goemotions"
    neutralize(bundle, {"goemotions_ekman": root}, tmp_path / "out", strength=9.0, fillings=5)
    copy = load_bundle(str(tmp_path / "out"))
    verify_bundle(copy.path)
    answers = answer_corpus(copy, "goemotions_ekman", root, split="validation")
    labels = load_taxonomy("ekman7").labels
    expected = choose_thresholds(answers.probabilities, answers.truth, labels)
    assert copy.outputs["ekman7"].thresholds == pytest.approx(expected, abs=1e-4)
    assert copy.outputs["ekman7"].thresholds != bundle.outputs["ekman7"].thresholds
    assert copy.outputs["goemotions28"].thresholds == bundle.outputs["goemotions28"].thresholds


def test_a_bundle_may_be_changed_in_place(text_bundle, tmp_path):
    bundle = linear_heads(text_bundle, tmp_path / "tiny")
    (tmp_path / "emotion").mkdir()
    make_emotion(tmp_path / "emotion")
    neutralize(bundle, {"emotion": tmp_path / "emotion"}, bundle.path, strength=1.0, fillings=5)
    verify_bundle(bundle.path)
    assert load_bundle(str(bundle.path)).name == "tiny_text_neutral"


def test_what_cannot_be_changed_is_refused(changed, text_bundle, tmp_path):
    with pytest.raises(ConfigError, match="need a text model"):
        neutralize(load_bundle("face_ferplus"), {"emotion": tmp_path}, tmp_path / "o", strength=1.0)
    with pytest.raises(ConfigError, match="a corpus whose answers are to stay"):
        neutralize(changed[0], {}, tmp_path / "o", strength=1.0)
    make_fer(tmp_path)
    with pytest.raises(ConfigError, match="ferplus has no texts"):
        neutralize(changed[0], {"ferplus": tmp_path}, tmp_path / "o", strength=1.0)


@pytest.mark.parametrize("strength", [0.0, -1.0, float("nan"), float("inf")])
def test_a_strength_that_is_no_weight_is_refused(changed, tmp_path, strength):
    with pytest.raises(ConfigError, match="a finite strength above 0"):
        neutralize(changed[0], {"emotion": tmp_path}, tmp_path / "o", strength=strength)
