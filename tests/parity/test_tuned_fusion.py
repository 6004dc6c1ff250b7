import json
import shutil
from dataclasses import asdict

import lightning
import numpy as np
import pytest
import torch
from tests.conftest import build_face_bundle, build_text_bundle
from tests.miniature import write_corpora

from emofuse.errors import ConfigError
from emofuse.evaluate import evaluate_bundle
from emofuse.export import export_any
from emofuse.export.exporter import export_run
from emofuse.export.reference import add_reference
from emofuse.preprocess import WordPieceTokenizer
from emofuse.runtime.bundle import load_bundle
from emofuse.train.classifier import EmotionNetwork
from emofuse.train.config import build_config
from emofuse.train.data import Example, read_examples
from emofuse.train.encoders import build_encoder
from emofuse.train.fusion.data import layouts_of, read_table
from emofuse.train.fusion.recipe import FusionRecipe
from emofuse.train.fusion.training import load_tuned, train_fusion
from emofuse.train.fusion.tuning import TunedFusion
from emofuse.train.recipe import Recipe
from emofuse.train.runs import begin_run, read_weights
from emofuse.train.targets import head_sizes
from emofuse.train.validation import write_validation

TEXT = {
    "name": "words",
    "task": "text",
    "encoder": {"name": "bilstm", "embedding": 8, "hidden": 4, "heads": 2},
    "tokenizer": {"max_tokens": 16},
    "heads": {"ekman7": {}, "goemotions28": {"loss": "focal_multilabel"}, "sentiment3": {}},
    "corpora": [
        {"name": "goemotions", "root": "text/goemotions", "heads": {"goemotions28": "goemotions28"}},
        {"name": "meld", "root": "text/meld", "heads": {"ekman7": "ekman7", "sentiment3": "sentiment3"}},
    ],
}
FACE = {
    "name": "faces",
    "task": "face",
    "encoder": {"name": "cnn", "channels": [4, 8]},
    "heads": {"ferplus8": {}},
    "corpora": [{"name": "ferplus", "root": "faces", "heads": {"ferplus8": "ferplus8"}}],
    "augment": {"flip": 0.5},
    "export": {"mirror": True},
}


def build_run(data, root, run):
    """A run whose network was never trained, and its float32 bundle."""
    recipe = build_config(Recipe, data)
    begin_run(recipe, run, resume=False)
    tokenizer = None
    if recipe.task == "text":
        words = build_text_bundle(run.parent / "words_of_tests")
        shutil.copy(words / "tokenizer.json", run)
        tokenizer = WordPieceTokenizer.from_file(run / "tokenizer.json")
    torch.manual_seed(0)
    encoder = build_encoder(recipe, vocabulary=len(tokenizer) if tokenizer else 0, pretrained=False)
    network = EmotionNetwork(encoder, head_sizes(recipe.heads))
    for parameter in network.parameters():
        parameter.data.add_(torch.randn_like(parameter) * 0.2)
    (run / "checkpoints").mkdir()
    weights = {f"network.{key}": value for key, value in network.state_dict().items()}
    torch.save({"state_dict": weights}, run / "checkpoints" / "best.ckpt")
    examples: list[Example] = read_examples(recipe, root, training=False, tokenizer=tokenizer)
    write_validation(run / "validation.npz", examples, head_sizes(recipe.heads))
    export_run(run, run / "bundle", temperatures={"sentiment3": 1.5, "ferplus8": 0.7, "ekman7": 2.0})
    return run


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = write_corpora(tmp_path_factory.mktemp("data"))
    build_run(TEXT, root, root / "runs" / "words")
    build_run(FACE, root, root / "runs" / "faces")
    build_face_bundle(root / "tiny_face")
    return root


def recipe_of(root, text=("polarity2",), face=("unified5",), runs=("words", "faces"), **changes):
    members = [
        {"modality": "text", "model": str(root / "runs/words/bundle"), "gives": list(text)},
        {"modality": "face", "model": str(root / "runs/faces/bundle"), "gives": list(face)},
    ]
    for name, member in zip(("words", "faces"), members, strict=True):
        if name in runs:
            member["run"] = str(root / "runs" / name)
    members.append({"modality": "face", "model": str(root / "tiny_face"), "gives": ["unified5"]})
    data = {
        "name": "mine",
        "task": "fusion",
        "members": members,
        "head": {"name": "hybrid", "hidden": 8},
        "heads": {"basic4": {}},
        "corpora": [{"name": "label_matched_four", "root": ".", "heads": {"basic4": "basic4"}, "limit": 60}],
        "modality_dropout": 0.1,
        "train": {"epochs": 2, "batch_size": 16, "lr": 0.01, "backbone_lr": 0.01, "precision": "32-true"},
    }
    return build_config(FusionRecipe, data | changes)


@pytest.fixture(scope="module")
def table(root):
    recipe = recipe_of(root)
    return read_table(recipe, recipe.corpora[0], root, training=True)


@pytest.fixture(scope="module")
def run(root):
    train_fusion(recipe_of(root), root, root / "fusions" / "mine")
    return root / "fusions" / "mine"


@pytest.fixture(scope="module")
def bundle(run, root):
    export_any(run, root / "exported")
    return root / "exported"


def test_a_network_hands_over_what_its_bundle_does(root):
    gives = {
        "text": ("polarity2", "goemotions28", "embedding", "unified5"),
        "face": ("unified5", "sentiment3", "embedding"),
    }
    recipe = recipe_of(root, **gives)
    table = read_table(recipe, recipe.corpora[0], root, training=True)
    network = TunedFusion(recipe, layouts_of(recipe, table)).eval()
    prepared = network.prepare(table)
    with torch.no_grad():
        for index, member in network.tuned.items():
            found = member(prepared.inputs().vectors[index])
            np.testing.assert_allclose(found, table.vectors[index], atol=2e-5)
    assert prepared.vectors[2] is table.vectors[2]  # it has no run
    lengths = (prepared.vectors[0] >= 0).sum(axis=1)
    assert len(set(lengths)) > 2  # texts of several lengths at once


def test_what_an_absent_member_would_read_has_no_effect(root, table):
    recipe = recipe_of(root)
    network = TunedFusion(recipe, layouts_of(recipe, table)).train()
    inputs = network.prepare(table).inputs(slice(0, 12))
    present = inputs.present.clone()
    present[:5, 1] = 0
    other = list(inputs.vectors)
    other[1] = other[1].clone()
    other[1][:5] = 255
    answers, statistics = [], []
    for vectors in (inputs.vectors, tuple(other)):
        torch.manual_seed(0)
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.reset_running_stats()
        answers.append(network(inputs._replace(vectors=vectors, present=present))[0])
        statistics.append(next(value.clone() for key, value in network.named_buffers() if "running" in key))
    torch.testing.assert_close(answers[0], answers[1])
    torch.testing.assert_close(statistics[0], statistics[1])


def test_members_learn_along_at_their_own_rate(root, run):
    tuned = load_tuned(run)
    for index, name, read, unread in ((0, "words", "sentiment3", "ekman7"), (1, "faces", "ferplus8", None)):
        before = read_weights(root / "runs" / name / "checkpoints" / "best.ckpt")
        after = tuned[index].network.state_dict()
        assert not torch.equal(before[f"heads.{read}.weight"], after[f"heads.{read}.weight"])
        if unread:  # nobody tells it to change
            assert torch.equal(before[f"heads.{unread}.weight"], after[f"heads.{unread}.weight"])
    train = {"epochs": 1, "batch_size": 16, "lr": 0.01, "backbone_lr": 1e-9, "precision": "32-true"}
    still = root / "fusions" / "still"
    train_fusion(recipe_of(root, train=train), root, still)
    after = load_tuned(still)[1].network.heads["ferplus8"].weight
    before = read_weights(root / "runs" / "faces" / "checkpoints" / "best.ckpt")["heads.ferplus8.weight"]
    torch.testing.assert_close(after.detach(), before, atol=1e-7, rtol=0)


def test_the_bundle_is_calibrated_with_the_members_it_carries(root, run, bundle):
    fusion = load_bundle(bundle)
    metrics = {row["metric"]: row["value"] for row in fusion.metrics}
    found = evaluate_bundle(fusion, "label_matched_four", root, split="validation").scores
    assert metrics["basic4/accuracy"] == pytest.approx(found["accuracy"], abs=1e-4)
    assert metrics["basic4/ece"] == pytest.approx(found["ece"], abs=1e-3)
    for name, head, temperature in (("words", "sentiment3", 1.5), ("faces", "ferplus8", 0.7)):
        member = load_bundle(bundle / "members" / name)
        assert member.outputs[head].temperature == temperature
        assert member.version == "0.1.0+mine"
        assert member.sha256 != load_bundle(root / "runs" / name / "bundle").sha256
        assert "label_matched_four" in {row["name"] for row in member.data}
        assert json.loads((member.path / "bundle.json").read_text())["effort"]["init_from"] == name
    stayed = load_bundle(bundle / "members" / "tiny_face")
    assert stayed.sha256 == load_bundle(root / "tiny_face").sha256
    assert fusion.reference.n == sum(row["n"] for row in fusion.metrics if row["metric"].endswith("/ece"))
    assert sum(fusion.reference.features["abstained"].shares) == pytest.approx(1)
    assert load_bundle(bundle / "members" / "words").reference is not None
    with pytest.raises(ConfigError, match="words learned along"):
        add_reference(run, bundle)
    listed = [member["model"] for member in fusion.parameters["members"]]
    assert listed == ["words", "faces", "tiny_face"]


class KilledError(Exception):
    pass


class Kill(lightning.Callback):
    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == 6:
            raise KilledError


def test_a_killed_run_goes_on_as_if_it_had_not_been(root, run, tmp_path):
    recipe = recipe_of(root)
    with pytest.raises(KilledError):
        train_fusion(recipe, root, tmp_path / "run", extra=[Kill()])
    train_fusion(recipe, root, tmp_path / "run", resume=True)
    expected = read_weights(run / "checkpoints" / "last.ckpt")
    found = read_weights(tmp_path / "run" / "checkpoints" / "last.ckpt")
    assert expected.keys() == found.keys()
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, msg=key)


def test_a_run_that_is_not_that_of_the_model(root, run, tmp_path):
    recipe = recipe_of(root, runs=())
    wrong = [
        asdict(own) | {"gives": list(own.gives), "run": str(root / "runs/faces")} for own in recipe.members
    ]
    with pytest.raises(ConfigError, match="that is not words"):
        train_fusion(recipe_of(root, members=wrong), root, tmp_path / "run")
    checkpoint = root / "runs" / "faces" / "checkpoints" / "best.ckpt"
    before = checkpoint.read_bytes()
    try:
        torch.save({"state_dict": {}}, checkpoint)
        with pytest.raises(ConfigError, match="faces is not the model any more"):
            export_any(run, tmp_path / "bundle")
    finally:
        checkpoint.write_bytes(before)
