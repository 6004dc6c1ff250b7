"""Every recipe in miniature: one command trains it, one exports it, one evaluates the bundle."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.miniature import write_corpora

from emofuse import Predictor, Sample
from emofuse.cli import cli
from emofuse.datasets import load_adapter
from emofuse.datasets.label_matched import LabelMatchedAdapter
from emofuse.errors import ConfigError, UnknownLabelError
from emofuse.evaluate import evaluate_bundle
from emofuse.runtime.bundle import load_bundle, verify_bundle
from emofuse.runtime.model_set import open_image_model
from emofuse.train.config import read_yaml
from emofuse.train.recipe import read_recipe

PHOTOS = Path(__file__).parents[2] / "examples" / "photos"
RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))
SMALLER = {
    "text": ["tokenizer.max_tokens=20", "encoder.hidden=16", "encoder.embedding=16", "train.lr=0.01"],
    "face": ["encoder.channels=[8,16,16,16]", "encoder.image_px=80", "train.lr=0.01"],
    "scene": ["encoder.image_px=64", "train.lr=0.01"],
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_corpora(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


def names():
    # A recipe that goes on from another's run comes after it.
    return sorted(
        (path.stem for path in RECIPES if read_yaml(path)["task"] in {"text", "face", "scene"}),
        key=lambda name: (read_recipe(path_of(name)).init_from is not None, name),
    )


def path_of(name):
    return Path(__file__).parents[2] / "recipes" / f"{name}.yaml"


@pytest.mark.parametrize("name", names())
def test_from_raw_corpus_to_evaluated_bundle(name, data, runs, tmp_path):
    recipe = read_recipe(path_of(name))
    changes = [*SMALLER[recipe.task], "train.epochs=2", "train.batch_size=32", "tokenizer.vocabulary=300"]
    if recipe.init_from:
        changes.append(f"init_from={runs / Path(recipe.init_from).name}")
    settings = [part for change in changes for part in ("--set", change)]
    run = str(runs / name)
    cli.main(
        ["train", str(path_of(name)), "--data-root", str(data), "--run-dir", run, *settings],
        standalone_mode=False,
    )
    assert list((runs / name).glob("logs/version_0/events.out.tfevents*"))
    cli.main(["export", run, "-o", str(tmp_path / name)], standalone_mode=False)
    verify_bundle(tmp_path / name)
    corpus = next(c for c in recipe.corpora if c.validation)
    result = evaluate_bundle(load_bundle(str(tmp_path / name)), corpus.name, data / corpus.root, split="test")
    assert result.samples >= 16
    assert not result.unreadable
    assert set(result.scores) >= {"macro_f1"}
    assert "test" in load_adapter(corpus.name).splits


@pytest.fixture(scope="module")
def exported(runs, tmp_path_factory):
    folder, found = tmp_path_factory.mktemp("exported"), {}

    def of(name):
        if name not in found:
            found[name] = export_run(name, runs, folder)
        return found[name]

    return of


@pytest.mark.parametrize("name", [path.stem for path in RECIPES if read_yaml(path)["task"] == "fusion"])
def test_fusion_from_raw_pairs_to_evaluated_bundle(name, data, runs, exported, tmp_path, monkeypatch):
    monkeypatch.setattr(LabelMatchedAdapter, "counts", {"train": 80, "validation": 40, "test": 40})
    recipe = read_yaml(path_of(name))
    for member in recipe["members"]:
        member["model"] = exported(quick_run_of(member["model"]))
    corpus = recipe["corpora"][0]
    corpus["share"] = [0.0, 1.0]
    data = data / "shop" if corpus["name"] == "csv" else data
    recipe["train"] |= {"epochs": 3, "batch_size": 16}
    (tmp_path / f"{name}.yaml").write_text(json.dumps(recipe))  # JSON is YAML
    run = str(runs / name)
    cli.main(
        ["train", str(tmp_path / f"{name}.yaml"), "--data-root", str(data), "--run-dir", run],
        standalone_mode=False,
    )
    cli.main(["export", run, "-o", str(tmp_path / "bundle")], standalone_mode=False)
    verify_bundle(tmp_path / "bundle")
    bundle = load_bundle(str(tmp_path / "bundle"))
    result = evaluate_bundle(bundle, corpus["name"], data / corpus["root"], split="test")
    assert result.samples >= 24
    assert not result.unreadable
    # Whoever has the bundle alone can use it, with any part of a pair missing.
    photo = PHOTOS / "eileen_collins.jpg"
    samples = [Sample(text="lovely day", image=photo), Sample(text="lovely day"), Sample(image=photo)]
    for prediction in Predictor.load([shutil.copytree(bundle.path, tmp_path / "moved")]).predict(samples):
        assert prediction.error is None
        values = list(prediction.emotion.probabilities.values())
        assert sum(values) == pytest.approx(1, abs=1e-5)
        assert sum(part.weight for part in prediction.modalities) == pytest.approx(1, abs=1e-5)
        assert (prediction.category is not None) == (name == "pairs_custom")


def test_parts_of_a_fusion_are_compared(data, runs, tmp_path, capsys):
    run = str(runs / "fusion_default")
    arguments = ["compare", run, f"{run}@text", "--corpus", "msed", "--root", str(data / "msed")]
    cli.main([*arguments, "--json", str(tmp_path / "c.json")], standalone_mode=False)
    record = json.loads((tmp_path / "c.json").read_text())
    assert [row["name"] for row in record["rows"]] == ["fusion_default", "fusion_default@text"]
    assert record["samples"] == 24
    assert "| fusion_default@text |" in capsys.readouterr().out


def test_own_labels_are_learned(data, runs, exported, tmp_path):
    recipe = read_yaml(path_of("pairs_custom"))
    for member in recipe["members"]:
        member["model"] = exported(quick_run_of(member["model"]))
    (tmp_path / "mine.yaml").write_text(json.dumps(recipe | {"name": "mine"}))
    run = str(tmp_path / "run")
    arguments = ["train", str(tmp_path / "mine.yaml"), "--data-root", str(data / "shop"), "--run-dir", run]
    cli.main(arguments, standalone_mode=False)
    cli.main(["export", run, "-o", str(tmp_path / "bundle")], standalone_mode=False)
    bundle = load_bundle(tmp_path / "bundle")
    result = evaluate_bundle(bundle, "csv", data / "shop", split="test")
    assert list(result.per_class) == ["bags, small", "shirts", "shoes & boots"]
    assert result.scores["accuracy"] > 0.8
    [prediction] = Predictor.load([bundle.path]).predict([Sample(text="leather strap purse")])
    assert prediction.category.label == "bags, small"
    assert prediction.emotion is not None
    (data / "shop" / "more.csv").write_text("text,label\nrubber sole,hats\n")
    with pytest.raises(UnknownLabelError, match="hats"):
        evaluate_bundle(bundle, "csv", data / "shop" / "more.csv", split="test")


def export_ensemble(name, runs, data, folder):
    recipe = read_yaml(path_of(name))
    recipe["members"] = [export_run(member, runs, folder) for member in map(run_of, recipe["members"])]
    (folder / f"{name}.yaml").write_text(json.dumps(recipe))  # JSON is YAML
    arguments = ["export", str(folder / f"{name}.yaml"), "--data-root", str(data), "-o", str(folder / name)]
    cli.main(arguments, standalone_mode=False)
    return folder / name


def export_run(name, runs, folder):
    cli.main(["export", str(runs / name), "-o", str(folder / name)], standalone_mode=False)
    return str(folder / name)


def run_of(member):
    # Members are embedded bundles, or runs/NAME/bundle.
    return Path(member).parent.name or member


def quick_run_of(member):
    # MiniLM is as large in miniature as it is; a fusion does not care which text model it gets.
    return run_of(member).replace("text_bert_bilstm", "text_bilstm")


def test_ensemble_of_the_faces(data, runs, tmp_path):
    members = read_yaml(path_of("face_ensemble"))["members"]
    export_ensemble("face_ensemble", runs, data, tmp_path)
    members = [str(tmp_path / run_of(member)) for member in members]
    bundle = load_bundle(tmp_path / "face_ensemble")
    random = np.random.default_rng(0)
    crops = [random.integers(0, 256, (48, 48), dtype=np.uint8) for _ in range(5)]
    found = open_image_model(bundle).predict(crops)
    for head in ("ferplus8", "fer7"):
        parts = []
        for member in map(load_bundle, members):
            found_by = open_image_model(member).predict(crops)
            parts += [found_by[head]] if head in found_by else []
        logits = np.log(np.maximum(np.mean(parts, axis=0), 1e-9)) / bundle.outputs[head].temperature
        expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(found[head], expected, atol=1e-5)
    assert evaluate_bundle(bundle, "fer2013", data / "faces").taxonomy == "fer7"


def test_a_mirrored_face_gets_the_same_answer(runs, tmp_path):
    assert read_recipe(path_of("face_ferplus")).export.mirror
    model = open_image_model(load_bundle(export_run("face_ferplus", runs, tmp_path)))
    crops = [np.random.default_rng(i).integers(0, 256, (48, 48), dtype=np.uint8) for i in range(3)]
    upright, mirrored = model.predict(crops), model.predict([crop[:, ::-1] for crop in crops])
    np.testing.assert_allclose(upright["ferplus8"], mirrored["ferplus8"], atol=1e-6)


def test_recipe_that_is_no_ensemble_is_not_exported(tmp_path):
    with pytest.raises(ConfigError, match="Train it first"):
        cli.main(["export", str(path_of("text_bilstm")), "-o", str(tmp_path)], standalone_mode=False)
