"""Miniatures of the recipes: raw corpus -> run -> bundle -> evaluation, by the commands that users type."""

import csv
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from emofuse.cli import cli
from emofuse.datasets import load_adapter
from emofuse.errors import ConfigError
from emofuse.evaluate import evaluate_bundle
from emofuse.export import export_any
from emofuse.export.bundle_writer import write_bundle
from emofuse.export.onnx_model import ParityError, check_parity, export_onnx
from emofuse.export.reference import add_reference
from emofuse.preprocess import normalize_text
from emofuse.runtime.bundle import load_bundle, verify_bundle
from emofuse.runtime.model_set import open_text_model
from emofuse.runtime.reference import parse_reference
from emofuse.runtime.session import open_session
from emofuse.train import train_recipe
from emofuse.train.classifier import EmotionNetwork
from emofuse.train.config import build_config
from emofuse.train.encoders import build_encoder
from emofuse.train.recipe import EncoderConfig, Recipe, read_recipe
from emofuse.train.trainer import load_run
from emofuse.train.validation import read_validation, write_validation

TEXT_RECIPE = """
name: tiny_text
task: text
encoder: {name: bilstm, embedding: 16, hidden: 8, heads: 2, dropout: 0.1}
tokenizer: {source: train, vocabulary: 120, max_tokens: 16, emoji: keep}
heads: {emotion6: {loss: focal, gamma: 1.0}}
corpora: [{name: emotion, root: emotion, heads: {emotion6: emotion6}}]
train: {epochs: 3, batch_size: 16, lr: 1.0e-2, precision: 32-true}
export: {quantize: int8_embedding, max_batch: 4, description: tiny}
"""

FACE_RECIPE = """
name: tiny_face
task: face
encoder: {name: efficientnet_lite0, image_px: 64}
heads: {ekman7: {loss: focal}}
corpora: [{name: folder, root: faces, heads: {ekman7: ekman7}}]
augment: {flip: 0.5, rotate_deg: 5, shift: 0.05, zoom: 0.05, light: 0.1, erase: 0.1}
train: {epochs: 1, batch_size: 8, precision: 32-true}
export: {quantize: int8_static, description: tiny}
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    words = {"joy": "sunny smile laugh", "sadness": "tears grey alone", "anger": "shout rage slam"}
    (root / "emotion").mkdir()
    for split, count in (("train", 240), ("val", 60), ("test", 60)):
        rows = []
        for i in range(count):
            label = list(words)[i % 3]
            chosen = random.choice(
                [*words[label].split(), "the", "day", "we", "had"], size=random.integers(3, 9)
            )
            rows.append(f"{words[label].split()[0]} {' '.join(chosen)};{label}\n")
        (root / "emotion" / f"{split}.txt").write_text("".join(rows))
    for split in ("train", "validation"):
        for label, brightness in (("joy", 200), ("sadness", 60)):
            folder = root / "faces" / split / label
            folder.mkdir(parents=True)
            for i in range(12):
                pixels = random.normal(brightness, 20, (48, 48)).clip(0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{i}.png")
    return root


@pytest.fixture(scope="module")
def text_run(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("text")
    (folder / "tiny_text.yaml").write_text(TEXT_RECIPE)
    train_recipe(folder / "tiny_text.yaml", data, folder / "run")
    return folder


def metrics(run):
    return (run / "metrics.csv").read_text()


def test_text_from_corpus_to_evaluated_bundle(text_run, data, tmp_path):
    manifest = export_any(text_run / "run", tmp_path / "bundle")
    verify_bundle(tmp_path / "bundle")
    bundle = load_bundle(tmp_path / "bundle")
    assert bundle.name == "tiny_text"
    assert manifest["data"][0]["name"] == "emotion"
    result = evaluate_bundle(bundle, "emotion", data / "emotion")
    assert result.scores["accuracy"] > 0.9
    assert manifest["effort"]["finished"]
    assert [row["epoch"] for row in manifest["history"]] == list(range(manifest["effort"]["epochs"]))
    assert bundle.history == tuple(manifest["history"])


def test_a_reference_can_be_added_later(text_run, tmp_path):
    bundle = tmp_path / "bundle"
    manifest = export_any(text_run / "run", bundle)
    assert manifest["reference"]["n"] == 60
    assert {"tokens", "emotion", "sentiment"} <= manifest["reference"]["features"].keys()
    model = (bundle / "model.onnx").read_bytes()
    older = {key: value for key, value in manifest.items() if key != "reference"}
    write_bundle(bundle, older, {"tokenizer.json": (bundle / "tokenizer.json").read_bytes()})
    assert load_bundle(bundle).reference is None
    arguments = ["monitor", "reference", str(bundle), "--run", str(text_run / "run")]
    cli.main(args=arguments, standalone_mode=False)
    assert load_bundle(bundle).reference == parse_reference(manifest["reference"])
    assert (bundle / "model.onnx").read_bytes() == model
    other = shutil.copytree(text_run / "run", tmp_path / "run")
    write_validation(
        other / "validation.npz", read_validation(other / "validation.npz")[:40], {"emotion6": 6}
    )
    with pytest.raises(ConfigError, match="is not the run that tiny_text was exported from"):
        add_reference(other, bundle)
    (other / "validation.npz").unlink()
    with pytest.raises(ConfigError, match="kept no validation samples"):
        add_reference(other, bundle)
    with pytest.raises(ConfigError, match="answers with no emotions"):
        add_reference(other, load_bundle("face_detector").path)


def test_the_best_and_the_last_epoch_can_be_averaged(text_run, tmp_path):
    run = shutil.copytree(text_run / "run", tmp_path / "run")
    text = (run / "recipe.yaml").read_text()
    (run / "recipe.yaml").write_text(text.replace("average: false", "average: true"))
    for name, share in (("best", 1.0), ("last", 3.0)):
        path = run / "checkpoints" / f"{name}.ckpt"
        loaded = torch.load(path, weights_only=True)
        loaded["state_dict"] = {key: torch.full_like(v, share) for key, v in loaded["state_dict"].items()}
        torch.save(loaded, path)
    _, network, _ = load_run(run)
    assert {float(value) for weight in network.parameters() for value in weight.detach().unique()} == {2.0}


def test_graph_gives_what_fusion_reads(text_run, tmp_path):
    export_any(text_run / "run", tmp_path / "bundle")
    _, network, _ = load_run(text_run / "run")
    ids = np.array([[2, 5, 6, 7, 3], [2, 6, 6, 6, 3]], dtype=np.int64)
    found = open_session(tmp_path / "bundle" / "model.onnx").run(["embeddings", "states"], {"input_ids": ids})
    with torch.no_grad():
        *_, embeddings, states = network.read(torch.from_numpy(ids))
    assert states.shape[:2] == (2, 5)
    np.testing.assert_allclose(found[0], embeddings, atol=0.05)
    np.testing.assert_allclose(found[1], states, atol=0.05)


def test_served_tokens_are_those_of_training(text_run, data, tmp_path):
    export_any(text_run / "run", tmp_path / "bundle")
    _, network, tokenizer = load_run(text_run / "run")
    model = open_text_model(load_bundle(tmp_path / "bundle"))
    text = next(load_adapter("emotion").iter_samples(data / "emotion", "test")).text
    prefix, suffix = tokenizer.frame()
    ids = [*prefix, *tokenizer.encode(normalize_text(text)[0]), *suffix]
    with torch.no_grad():
        [logits] = network(torch.tensor([ids]))
    [reading] = model.predict([text])
    temperature = model.bundle.outputs["emotion6"].temperature
    expected = torch.softmax(logits[0] / temperature, dim=0).numpy()
    np.testing.assert_allclose(reading.probabilities["emotion6"], expected, atol=0.03)


def test_run_killed_three_times_equals_an_unbroken_one(text_run, data, tmp_path):
    recipe = text_run / "tiny_text.yaml"
    random = np.random.default_rng(0)
    # Before the first epoch has ended, which starts anew, and within the second and the third.
    for epoch in range(3):
        _train_and_kill(recipe, data, tmp_path / "broken", epoch, int(random.integers(12)))
    train_recipe(recipe, data, tmp_path / "broken", resume=True)
    unbroken = _weights(text_run / "run")
    for key, value in _weights(tmp_path / "broken").items():
        torch.testing.assert_close(value, unbroken[key], rtol=0, atol=0)
    assert _last_scores(tmp_path / "broken") == _last_scores(text_run / "run")


def _last_scores(run):
    tables = sorted((run / "logs").glob("version_*/metrics.csv"), key=lambda path: int(path.parent.name[8:]))
    with tables[-1].open() as file:
        return [row for row in csv.DictReader(file) if row["val/score"]][-1]


def _train_and_kill(recipe, data, run, epoch, batch):
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from emofuse.train import train_recipe\n"
        "from emofuse.train.classifier import Classifier\n"
        "begin = Classifier.on_train_batch_start\n"
        "def kill(self, batch, index):\n"
        "    if (self.current_epoch, index) == (int(sys.argv[4]), int(sys.argv[5])): os._exit(9)\n"
        "    begin(self)\n"
        "Classifier.on_train_batch_start = kill\n"
        "train_recipe(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), resume=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, (recipe, data, run, epoch, batch))],
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 9


def _weights(run):
    return torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def test_a_run_is_not_overwritten(text_run, data):
    with pytest.raises(ConfigError, match="--resume"):
        train_recipe(text_run / "tiny_text.yaml", data, text_run / "run")


def test_face_from_folder_to_evaluated_bundle(data, tmp_path):
    (tmp_path / "tiny_face.yaml").write_text(FACE_RECIPE)
    train_recipe(tmp_path / "tiny_face.yaml", data, tmp_path / "run")
    manifest = export_any(tmp_path / "run", tmp_path / "bundle")
    assert manifest["preprocessing"]["size_px"] == 48
    bundle = load_bundle(tmp_path / "bundle")
    assert bundle.size_bytes < 5e6
    result = evaluate_bundle(bundle, "folder", data / "faces", split="validation")
    assert result.samples == 24


def network_of(task, encoder):
    recipe = build_config(
        Recipe,
        {
            "name": "x",
            "task": task,
            "encoder": encoder,
            "heads": {"ekman7": {}},
            "corpora": [{"name": "meld", "root": ".", "heads": {"ekman7": "ekman7"}}],
        },
    )
    return EmotionNetwork(build_encoder(recipe, vocabulary=30522), {"ekman7": 7}).eval()


@pytest.mark.parametrize(
    ("task", "encoder"),
    [
        ("text", {"name": "minilm_bilstm", "hidden": 16}),
        ("text", {"name": "bilstm", "hidden": 16}),
        ("text", {"name": "bilstm", "hidden": 16, "layers": 2, "batch_norm": True}),
        ("text", {"name": "bilstm", "hidden": 16, "bidirectional": False, "heads": 0}),
        ("face", {"name": "efficientnet_lite0"}),
        ("face", {"name": "cnn", "channels": [8, 16]}),
        ("scene", {"name": "efficientnet_lite0", "image_px": 64}),
    ],
)
def test_onnx_agrees_with_torch(task, encoder, tmp_path):
    network = network_of(task, encoder)
    random = np.random.default_rng(0)
    if task == "text":
        inputs = [random.integers(0, 30522, shape) for shape in ((1, 3), (5, 40), (2, 128))]
    else:
        shape = (48, 48) if task == "face" else (64, 64, 3)
        inputs = [random.integers(0, 256, (n, *shape), dtype=np.uint8) for n in (1, 5)]
    export_onnx(network, inputs[0], ["ekman7"], tmp_path / "m.onnx")
    assert check_parity(network, tmp_path / "m.onnx", inputs) <= 1e-4
    assert str(tmp_path.parent.parent).encode() not in (tmp_path / "m.onnx").read_bytes()
    with torch.no_grad():
        next(network.heads.parameters()).add_(0.01)
    with pytest.raises(ParityError):
        check_parity(network, tmp_path / "m.onnx", inputs)


def test_unknown_encoder_lists_the_valid_ones():
    recipe = Recipe(name="x", task="face", encoder=EncoderConfig(name="vgg"), heads={}, corpora=())
    with pytest.raises(ConfigError, match="efficientnet_lite0"):
        build_encoder(recipe)


def test_special_ids_of_a_learned_vocabulary(text_run):
    recipe, _, tokenizer = load_run(text_run / "run")
    assert tokenizer.frame() == ([1], [2])
    assert recipe == read_recipe(text_run / "run" / "recipe.yaml")


def test_commands_train_and_export(data, tmp_path, capsys):
    (tmp_path / "tiny_text.yaml").write_text(TEXT_RECIPE)
    arguments = [
        "train",
        str(tmp_path / "tiny_text.yaml"),
        "--data-root",
        str(data),
        "--set",
        "train.epochs=1",
    ]
    cli.main([*arguments, "--run-dir", str(tmp_path / "run")], standalone_mode=False)
    cli.main(["export", str(tmp_path / "run"), "-o", str(tmp_path / "b"), "--float32"], standalone_mode=False)
    cli.main(
        [
            "evaluate",
            str(tmp_path / "b"),
            "--corpus",
            "emotion",
            "--root",
            str(data / "emotion"),
            "--json",
            str(tmp_path / "r.json"),
        ],
        standalone_mode=False,
    )
    assert "macro_f1" in capsys.readouterr().out
    assert (tmp_path / "r.json").exists()
