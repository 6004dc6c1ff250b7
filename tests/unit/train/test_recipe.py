from pathlib import Path

import pytest

from emofuse.errors import ConfigError
from emofuse.export.ensemble import EnsembleRecipe
from emofuse.train.config import apply_overrides, build_config, read_yaml
from emofuse.train.face_detection.recipe import DetectorRecipe
from emofuse.train.fusion.recipe import FusionRecipe
from emofuse.train.recipe import Recipe, read_recipe

RECIPES = sorted((Path(__file__).parents[3] / "recipes").glob("*.yaml"))


def minimal(**changes):
    data = {
        "name": "x",
        "task": "text",
        "encoder": {"name": "bilstm"},
        "heads": {"emotion6": {"loss": "focal"}},
        "corpora": [{"name": "emotion", "root": ".", "heads": {"emotion6": "emotion6"}}],
    }
    return data | changes


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_is_valid_and_named_like_its_file(path):
    data = read_yaml(path)
    kinds = {"face_detector": DetectorRecipe, "ensemble": EnsembleRecipe, "fusion": FusionRecipe}
    assert build_config(kinds.get(data["task"], Recipe), data).name == path.stem


def test_defaults_and_nesting():
    recipe = build_config(Recipe, minimal())
    assert recipe.train.batch_size == 64
    assert recipe.corpora[0].validation == "validation"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"colour": 1}, "Unknown key 'colour'. Valid: augment, corpora"),
        ({"train": {"epocs": 3}}, r"Unknown key train\.'epocs'"),
        ({"train": {"epochs": "three"}}, "train.epochs must be int"),
        ({"train": {"epochs": True}}, "train.epochs must be int"),
        ({"train": {"precision": "8"}}, "must be one of 32-true"),
        ({"train": {"epochs": 0}}, "train.epochs must be at least 1, not 0"),
        ({"train": {"lr": -1}}, "train.lr must be at least"),
        ({"train": {"lr": float("nan")}}, "train.lr must be at least"),
        ({"encoder": {"name": "bilstm", "dropout": 1}}, "encoder.dropout must be from 0 to 0.99, not 1"),
        ({"encoder": {"name": "bilstm", "hidden": 8, "heads": 3}}, "states, 16; 3 does not"),
        (
            {"encoder": {"name": "minilm_bilstm"}, "tokenizer": {"source": "words"}},
            "set tokenizer.source to minilm",
        ),
        ({"heads": {}}, "has only"),
        ({"corpora": []}, "validation split"),
        (
            {"corpora": [{"name": "a", "root": ".", "heads": {"fer7": "fer7"}}]},
            r"labels the heads \['fer7'\]",
        ),
        ({"persons": {"weight": 0}}, "persons.weight must be at least"),
        ({"task": "face", "persons": {}}, "persons is for texts"),
        ({"task": "speech"}, "must be one of text, face"),
    ],
)
def test_mistakes_are_named(changes, reason):
    with pytest.raises(ConfigError, match=reason):
        build_config(Recipe, minimal(**changes))


def test_missing_key():
    data = minimal()
    del data["encoder"]
    with pytest.raises(ConfigError, match="'encoder' is missing"):
        build_config(Recipe, data)


def test_overrides_reach_into_groups_and_read_numbers():
    data = apply_overrides(minimal(), ["train.lr=3e-5", "seed=9", "encoder.hidden=32", "init_from=runs/a"])
    recipe = build_config(Recipe, data)
    assert recipe.train.lr == 3e-5
    assert (recipe.seed, recipe.encoder.hidden, recipe.init_from) == (9, 32, "runs/a")


@pytest.mark.parametrize("override", ["train.lr", "name.sub=1"])
def test_bad_overrides(override):
    with pytest.raises(ConfigError, match=r"--set takes key=value|is a value, not a group"):
        apply_overrides(minimal(), [override])


def test_files_that_are_no_recipe(tmp_path):
    with pytest.raises(ConfigError, match="Cannot read"):
        read_recipe(tmp_path / "none.yaml")
    (tmp_path / "a.yaml").write_text("- 1")
    with pytest.raises(ConfigError, match="mapping"):
        read_recipe(tmp_path / "a.yaml")
    (tmp_path / "a.yaml").write_text("{")
    with pytest.raises(ConfigError, match="not valid YAML"):
        read_recipe(tmp_path / "a.yaml")
