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
from emofuse.train.encoders import minilm
from emofuse.train.recipe import read_recipe

# What runs here runs in the tests of its parts too; following every line of it would take half as long again.
pytestmark = pytest.mark.no_cover
PHOTOS = Path(__file__).parents[2] / "src" / "emofuse" / "demo" / "examples"
RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))
SMALLER = {
    "text": ["tokenizer.max_tokens=20", "encoder.hidden=16", "encoder.embedding=16", "train.lr=0.01"],
    "face": ["encoder.channels=[8,16,16,16]", "encoder.image_px=80", "train.lr=0.01"],
    "scene": ["encoder.image_px=64", "train.lr=0.01"],
}
# Pretrained backbones are as large in miniature as they are; a fusion does not care which model it gets.
QUICK = {"text_bert_bilstm": "text_bilstm", "face_ferplus": "face_rafdb"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_corpora(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module", autouse=True)
def few_pairs_and_layers():
    with pytest.MonkeyPatch.context() as patch:
        # What the six layers compute is compared in test_train_export.py.
        patch.setattr(minilm, "LAYERS", 2)
        patch.setattr(LabelMatchedAdapter, "counts", {"train": 80, "validation": 40, "test": 40})
        yield


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """Recipe -> its run in miniature, trained when it is first asked for."""
    runs = tmp_path_factory.mktemp("runs")

    def of(name):
        run = runs / name
        if not run.exists():
            recipe = read_recipe(path_of(name))
            changes = [
                *SMALLER[recipe.task],
                "train.epochs=2",
                "train.batch_size=32",
                "tokenizer.vocabulary=300",
            ]
            if recipe.init_from:
                start = Path(recipe.init_from)
                if start.name == "bundle":
                    start = export_once(of(start.parent.name))
                    changes.append(f"distill.teacher={start}")
                else:
                    start = of(start.name)
                changes.append(f"init_from={start}")
            if recipe.persons:
                changes.append("persons.groups=1")
            settings = [part for change in changes for part in ("--set", change)]
            where = ["--data-root", str(data), "--run-dir", str(run)]
            cli.main(["train", str(path_of(name)), *where, *settings], standalone_mode=False)
        return run

    return of


@pytest.fixture(scope="module")
def exported(trained):
    """Recipe -> the bundle of its run in miniature."""
    return lambda name: str(export_once(trained(name)))


def export_once(run):
    bundle = run / "bundle"
    if not bundle.exists():
        cli.main(["export", str(run), "-o", str(bundle)], standalone_mode=False)
    return bundle


@pytest.fixture(scope="module")
def fused(data, trained, exported, tmp_path_factory):
    """Fusion recipe -> its run in miniature, over members in miniature."""
    runs = tmp_path_factory.mktemp("fusions")

    def of(name):
        run = runs / name
        if not run.exists():
            recipe = read_yaml(path_of(name))
            for member in recipe["members"]:
                own = quick_run_of(member["model"])
                member["model"] = exported(own)
                if "run" in member:
                    member["run"] = str(trained(own))
            recipe["corpora"][0]["share"] = [0.0, 1.0]
            recipe["train"] |= {"epochs": 3, "batch_size": 16}
            (runs / f"{name}.yaml").write_text(json.dumps(recipe))  # JSON is YAML
            where = ["--data-root", str(pairs_of(recipe, data)), "--run-dir", str(run)]
            cli.main(["train", str(runs / f"{name}.yaml"), *where], standalone_mode=False)
        return run

    return of


def pairs_of(recipe, data):
    return data / "shop" if recipe["corpora"][0]["name"] == "csv" else data


def path_of(name):
    return Path(__file__).parents[2] / "recipes" / f"{name}.yaml"


def run_of(member):
    # Members are embedded bundles, or runs/NAME/bundle.
    return Path(member).parent.name or member


def quick_run_of(member):
    return QUICK.get(run_of(member), run_of(member))


@pytest.mark.parametrize(
    "name",
    [
        path.stem
        for path in RECIPES
        # The one for feedback starts from a bundle: test_feedback.py.
        if read_yaml(path)["task"] in {"text", "face", "scene"} and path.stem != "feedback_text"
    ],
)
def test_from_raw_corpus_to_evaluated_bundle(name, data, trained, exported):
    recipe = read_recipe(path_of(name))
    assert list(trained(name).glob("logs/version_0/events.out.tfevents*"))
    bundle = exported(name)
    verify_bundle(Path(bundle))
    corpus = next(c for c in recipe.corpora if c.validation)
    result = evaluate_bundle(load_bundle(bundle), corpus.name, data / corpus.root, split="test")
    assert result.samples >= 16
    assert not result.unreadable
    assert set(result.scores) >= {"macro_f1"}
    assert "test" in load_adapter(corpus.name).splits


@pytest.mark.parametrize("name", [path.stem for path in RECIPES if read_yaml(path)["task"] == "fusion"])
def test_fusion_from_raw_pairs_to_evaluated_bundle(name, data, fused, tmp_path):
    recipe = read_yaml(path_of(name))
    corpus, data = recipe["corpora"][0], pairs_of(recipe, data)
    cli.main(["export", str(fused(name)), "-o", str(tmp_path / "bundle")], standalone_mode=False)
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


def test_parts_of_a_fusion_are_compared(data, fused, tmp_path, capsys):
    run = str(fused("fusion_default"))
    arguments = ["compare", run, f"{run}@text", "--corpus", "msed", "--root", str(data / "msed")]
    cli.main([*arguments, "--json", str(tmp_path / "c.json")], standalone_mode=False)
    record = json.loads((tmp_path / "c.json").read_text())
    assert [row["name"] for row in record["rows"]] == ["fusion_default", "fusion_default@text"]
    assert record["samples"] == 24
    assert "| fusion_default@text |" in capsys.readouterr().out


def test_own_labels_are_learned(data, exported, tmp_path):
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


def test_ensemble_of_the_faces(data, exported, tmp_path):
    recipe = read_yaml(path_of("face_ensemble"))
    members = recipe["members"] = [exported(run_of(member)) for member in recipe["members"]]
    path = tmp_path / "face_ensemble.yaml"
    path.write_text(json.dumps(recipe))  # JSON is YAML
    arguments = ["export", str(path), "--data-root", str(data), "-o", str(tmp_path / "face_ensemble")]
    cli.main(arguments, standalone_mode=False)
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


def test_a_mirrored_face_gets_the_same_answer(exported):
    assert read_recipe(path_of("face_ferplus")).export.mirror
    model = open_image_model(load_bundle(exported("face_ferplus")))
    crops = [np.random.default_rng(i).integers(0, 256, (48, 48), dtype=np.uint8) for i in range(3)]
    upright, mirrored = model.predict(crops), model.predict([crop[:, ::-1] for crop in crops])
    np.testing.assert_allclose(upright["ferplus8"], mirrored["ferplus8"], atol=1e-6)


def test_recipe_that_is_no_ensemble_is_not_exported(tmp_path):
    with pytest.raises(ConfigError, match="Train it first"):
        cli.main(["export", str(path_of("text_bilstm")), "-o", str(tmp_path)], standalone_mode=False)
