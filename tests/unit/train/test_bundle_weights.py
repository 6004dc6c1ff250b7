import json
import shutil
from pathlib import Path

import lightning
import numpy as np
import pytest
import torch
import yaml
from tests.conftest import record_checksums
from tests.unit.datasets.test_corpora import make_emotion

from emofuse.errors import ConfigError
from emofuse.export import export_any
from emofuse.export.onnx_model import QUANTIZERS
from emofuse.preprocess import WordPieceTokenizer
from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.model_set import open_text_model
from emofuse.runtime.session import open_session
from emofuse.train.bundle_weights import load_bundle_weights
from emofuse.train.classifier import EmotionNetwork
from emofuse.train.config import build_config
from emofuse.train.encoders import build_encoder
from emofuse.train.recipe import Recipe
from emofuse.train.start import load_start
from emofuse.train.targets import head_sizes
from emofuse.train.trainer import train

# Two layers, a batch norm and one direction: what the embedded text models do not have.
RECIPE = """
name: tiny
task: text
encoder: {name: bilstm, embedding: 8, hidden: 6, heads: 2, layers: 2, dropout: 0.1, batch_norm: true, bidirectional: false}
tokenizer: {source: words, vocabulary: 60, max_tokens: 12, emoji: keep}
heads: {emotion6: {}}
corpora: [{name: emotion, root: ., heads: {emotion6: emotion6}}]
train: {epochs: 1, batch_size: 2, lr: 0.05, precision: 32-true}
"""
ROOT = Path(__file__).parents[3]
SENTENCES = [
    "I am so glad",
    "this is a sad, sad day",
    "why would they do that?",
    "nothing much",
    "ate and left",
]


def recipe_with(**changes):
    data = yaml.safe_load(RECIPE)
    data["encoder"] |= changes.pop("encoder", {})
    return build_config(Recipe, data | changes)


def network_of(recipe, vocabulary):
    encoder = build_encoder(recipe, vocabulary=vocabulary, pretrained=False)
    return EmotionNetwork(encoder, head_sizes(recipe.heads)).eval()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    make_emotion(folder)
    return folder


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    checkpoint = train(recipe_with(), data, folder)
    # An epoch of twelve texts hardly moves a network; one that answers nearly the same to everything tests little.
    state = torch.load(checkpoint, weights_only=True)
    torch.manual_seed(0)
    for name, value in state["state_dict"].items():
        if value.is_floating_point():
            value.copy_(
                torch.rand_like(value) + 0.5 if name.endswith("running_var") else torch.randn_like(value)
            )
    torch.save(state, checkpoint)
    return folder


@pytest.fixture(scope="module")
def bundles(run, tmp_path_factory):
    """Kind of int8 -> the bundle of one and the same run."""
    folder = tmp_path_factory.mktemp("bundles")
    export_any(run, folder / "none")
    shown = [np.random.default_rng(i).integers(0, 3, (8, 7)) for i in range(4)]
    for kind in ("int8_embedding", "int8_dynamic", "int8_static"):
        shutil.copytree(folder / "none", folder / kind)
        QUANTIZERS[kind](folder / "none" / "model.onnx", folder / kind / "model.onnx", shown)
        record_checksums(folder / kind)
    return folder


@pytest.mark.parametrize(
    ("kind", "tolerance"),
    [("none", 1e-5), ("int8_embedding", 1e-4), ("int8_dynamic", 0.1), ("int8_static", 0.1)],
)
def test_a_network_gets_the_weights_of_its_bundle_back(bundles, kind, tolerance):
    bundle = load_bundle(bundles / kind)
    tokens = len(WordPieceTokenizer.from_file(bundle.path / "tokenizer.json"))
    network = network_of(recipe_with(), tokens)
    load_bundle_weights(network, bundle)
    ids = np.random.default_rng(0).integers(0, tokens, (16, 7))
    [logits] = open_session(bundle.model_path).run(["emotion6"], {"input_ids": ids})
    with torch.no_grad():
        [found] = network(torch.from_numpy(ids))
    scale = bundle.outputs["emotion6"].temperature
    spread = logits.std(axis=0).mean()
    assert np.abs(found.numpy() * scale - logits).mean() < tolerance * spread


def test_a_run_and_its_bundle_start_alike(run, bundles):
    tokens = len(WordPieceTokenizer.from_file(run / "tokenizer.json"))
    from_run, from_bundle = network_of(recipe_with(), tokens), network_of(recipe_with(), tokens)
    load_start(from_run, str(run))
    load_start(from_bundle, str(bundles / "none"))
    temperature = load_bundle(bundles / "none").outputs["emotion6"].temperature
    for name, value in from_run.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            own = from_bundle.state_dict()[name] * (temperature if name.startswith("heads.") else 1)
            torch.testing.assert_close(own, value, rtol=1e-5, atol=1e-6)


class Answers(lightning.Callback):
    """Keeps what the network answers before the first step."""

    def __init__(self, ids):
        self.ids = ids

    def on_fit_start(self, trainer, module):
        module.network.eval()
        with torch.no_grad():
            self.found = [output.softmax(dim=1).numpy() for output in module.network(self.ids)]
        module.network.train()


def test_training_starts_where_the_bundle_stood(data, bundles, tmp_path):
    bundle = load_bundle(bundles / "int8_embedding")
    tokenizer = WordPieceTokenizer.from_file(bundle.path / "tokenizer.json")
    prefix, suffix = tokenizer.frame()
    answers = Answers(torch.tensor([[*prefix, *tokenizer.encode("i feel so happy today"), *suffix]]))
    train(recipe_with(init_from=str(bundle.path)), data, tmp_path / "run", extra=[answers])
    [reading] = open_text_model(bundle).predict(["i feel so happy today"])
    np.testing.assert_allclose(answers.found[0][0], reading.probabilities["emotion6"], atol=1e-4)
    assert (tmp_path / "run" / "tokenizer.json").read_bytes() == (bundle.path / "tokenizer.json").read_bytes()
    export_any(tmp_path / "run", tmp_path / "bundle")
    manifest = json.loads((tmp_path / "bundle" / "bundle.json").read_text())
    assert manifest["effort"]["init_from"] == bundle.name


@pytest.mark.parametrize(
    ("name", "tolerance"), [("text_bilstm", 1e-5), ("text_bilstm_open", 1e-5), ("text_bert_bilstm", 0.08)]
)
def test_the_embedded_text_models_come_back(name, tolerance):
    # The last one rounds its activations too, which its network does not.
    bundle = load_bundle(name)
    recipe = build_config(Recipe, yaml.safe_load((ROOT / "recipes" / f"{name}.yaml").read_text()))
    tokenizer = WordPieceTokenizer.from_file(bundle.path / "tokenizer.json")
    network = network_of(recipe, len(tokenizer))
    load_bundle_weights(network, bundle)
    prefix, suffix = tokenizer.frame()
    for sentence, reading in zip(SENTENCES, open_text_model(bundle).predict(SENTENCES), strict=True):
        with torch.no_grad():
            outputs = network(torch.tensor([[*prefix, *tokenizer.encode(sentence), *suffix]]))
        for head, logits in zip(recipe.heads, outputs, strict=True):
            softmax = bundle.outputs[head].activation == "softmax"
            own = (logits.softmax(dim=1) if softmax else logits.sigmoid())[0].numpy()
            np.testing.assert_allclose(own, reading.probabilities[head], atol=tolerance)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"encoder": {"hidden": 8}}, r"weight_ih_l0 is \(24, 8\) there, \(32, 8\) here"),
        ({"encoder": {"layers": 1}}, r"here is no encoder.pooling.lstm.layers.1.biases"),
        ({"encoder": {"layers": 3}}, r"it has no encoder.pooling.lstm.weight_ih_l2"),
        ({"encoder": {"batch_norm": False}}, r"here is no encoder.pooling.batch_norm.bias"),
        ({"heads": {"ekman7": {}}}, "its heads are emotion6, not ekman7"),
    ],
)
def test_another_network_is_refused(bundles, changes, reason):
    changes = dict(changes)
    if "heads" in changes:
        changes["corpora"] = [{"name": "emotion", "root": ".", "heads": {"ekman7": "emotion6"}}]
    bundle = load_bundle(bundles / "int8_dynamic")
    tokens = len(WordPieceTokenizer.from_file(bundle.path / "tokenizer.json"))
    with pytest.raises(ConfigError, match=f"holds another network than this recipe: .*{reason}"):
        load_bundle_weights(network_of(recipe_with(**changes), tokens), bundle)


def test_pictures_and_unknown_starts_are_refused(bundles, tmp_path):
    network = network_of(recipe_with(), 60)
    with pytest.raises(ConfigError, match="face_fer2013 is of the kind face, whose batch norms"):
        load_start(network, "face_fer2013")
    with pytest.raises(
        ConfigError, match=r"text_bilst holds no finished epoch and is no bundle.*text_bilstm"
    ):
        load_start(network, "text_bilst")


def test_calibration_is_kept(data, bundles, run, tmp_path):
    bundle = load_bundle(bundles / "none")
    changes = {"export": {"calibration": "kept"}, "init_from": str(bundle.path)}
    train(recipe_with(**changes), data, tmp_path / "run")
    export_any(tmp_path / "run", tmp_path / "bundle")
    output = load_bundle(tmp_path / "bundle").outputs["emotion6"]
    # Its temperature is in the weights now.
    assert (output.temperature, output.thresholds) == (1.0, bundle.outputs["emotion6"].thresholds)
    assert bundle.outputs["emotion6"].temperature != 1.0
    with pytest.raises(ConfigError, match="names no bundle whose calibration could be kept"):
        train(recipe_with(**changes | {"init_from": str(run)}), data, tmp_path / "other")
