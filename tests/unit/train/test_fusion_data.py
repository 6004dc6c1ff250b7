import json
import shutil

import numpy as np
import pytest
from tests.conftest import build_scene_bundle, build_text_bundle, record_checksums
from tests.miniature import write_corpora

from emofuse.errors import ConfigError
from emofuse.train.config import build_config
from emofuse.train.fusion.data import FusionData, read_empty, read_table
from emofuse.train.fusion.recipe import FusionRecipe
from emofuse.train.fusion.training import load_fusion, train_fusion


@pytest.fixture
def shop(tmp_path):
    root = write_corpora(tmp_path / "data")
    build_text_bundle(tmp_path / "text")
    build_scene_bundle(tmp_path / "scene")
    return root / "shop"


def recipe_of(tmp_path, **changes):
    data = {
        "name": "mine",
        "task": "fusion",
        "members": [
            {"modality": "text", "model": str(tmp_path / "text"), "gives": ["ekman7"]},
            {"modality": "scene", "model": str(tmp_path / "scene"), "gives": ["ekman7", "embedding"]},
        ],
        "head": {"name": "hybrid", "hidden": 8},
        "heads": {"own": {}},
        "corpora": [{"name": "csv", "root": ".", "heads": {"own": "own"}}],
        "train": {"epochs": 2, "batch_size": 16, "precision": "32-true"},
    }
    return build_config(FusionRecipe, data | changes)


def named():
    labels = "own:bags, small|shirts|shoes & boots"
    return {"heads": {labels: {}}, "corpora": [{"name": "csv", "root": ".", "heads": {labels: "own"}}]}


def read(tmp_path, shop, cache=None):
    recipe = recipe_of(tmp_path, **named())
    return read_table(recipe, recipe.corpora[0], shop, training=True, cache=cache)


def test_readings_are_kept_until_something_changes(tmp_path, shop):
    cache = tmp_path / "features"
    first, again = read(tmp_path, shop, cache), read(tmp_path, shop, cache)
    assert first.key == again.key
    assert len(list(cache.iterdir())) == 1
    np.testing.assert_array_equal(first.vectors[0], again.vectors[0])
    header, *rows = (shop / "train.csv").read_text().splitlines()
    (shop / "train.csv").write_text("\n".join([header, *rows[::-1]]) + "\n")
    turned = read(tmp_path, shop, cache)
    assert turned.key != first.key
    np.testing.assert_array_equal(turned.vectors[0], first.vectors[0][::-1])
    np.testing.assert_array_equal(turned.present, first.present[::-1])
    manifest = json.loads((tmp_path / "text" / "bundle.json").read_text())
    manifest["outputs"]["ekman7"]["temperature"] = 2.0
    (tmp_path / "text" / "bundle.json").write_text(json.dumps(manifest))
    record_checksums(tmp_path / "text")
    assert read(tmp_path, shop, cache).key != turned.key
    assert {path.suffix for path in cache.iterdir()} == {".npz"}


def test_rows_with_one_half_are_masked(tmp_path, shop):
    table = read(tmp_path, shop)
    assert table.present.sum(axis=1).min() == 1
    alone = table.present[:, 0] == 0
    assert alone.any()
    assert not table.vectors[0][alone].any()


def test_a_member_without_embeddings_may_give_probabilities_beside_one_with(tmp_path, shop):
    table = read(tmp_path, shop)
    assert [vector.shape[1] for vector in table.vectors] == [7, 7 + 3]


def test_a_resumed_run_wants_the_same_members_and_data(tmp_path, shop):
    recipe, run = recipe_of(tmp_path), tmp_path / "runs" / "mine"
    train_fusion(recipe, shop, run)
    train_fusion(recipe, shop, run, resume=True)
    assert load_fusion(run)[1].outputs == ("own:bags, small|shirts|shoes & boots",)
    (shop / "train.csv").write_text((shop / "train.csv").read_text().replace("leather", "canvas"))
    with pytest.raises(ConfigError, match="other models or data"):
        train_fusion(recipe, shop, run, resume=True)
    shutil.rmtree(tmp_path / "text")
    build_text_bundle(tmp_path / "text", {"ekman7": "softmax"})
    with pytest.raises(ConfigError, match="not the model any more"):
        load_fusion(run)


def test_data_without_labels(tmp_path, shop):
    (shop / "validation.csv").write_text("text,image,label\nhappy,images/test0.png,\n")
    with pytest.raises(ConfigError, match="No validation sample is labelled"):
        FusionData(recipe_of(tmp_path, **named()), shop)


def test_mispairing_is_judged_on_wrong_pictures_too(tmp_path, shop):
    plain = FusionData(recipe_of(tmp_path, **named()), shop)
    data = FusionData(recipe_of(tmp_path, mispairing=0.3, **named()), shop)
    count = len(data.validation)
    batches = list(data.val_dataloader())
    assert sum(len(batch.inputs.present) for batch in plain.val_dataloader()) == count
    text, scene = (
        np.concatenate([batch.inputs.vectors[member].numpy() for batch in batches]) for member in (0, 1)
    )
    assert len(text) == 2 * count
    np.testing.assert_array_equal(text[count:], text[:count])
    np.testing.assert_array_equal(scene[count:], np.roll(scene[:count], 1, axis=0))
    present = np.concatenate([batch.inputs.present.numpy() for batch in batches])
    np.testing.assert_array_equal(present[count:, 1], np.roll(present[:count, 1], 1))


def test_empty_samples_are_read_like_others(tmp_path, shop):
    recipe = recipe_of(tmp_path, **named())
    table = read_table(recipe, recipe.corpora[0], shop, training=True)
    empty = read_empty(recipe, table)
    assert [own.shape[1] for own in empty.vectors] == [own.shape[1] for own in table.vectors]
    texts = int(empty.present[:, 0].sum())
    assert empty.present[:texts, 0].all()
    assert empty.present[texts:, 1].all()
    assert (empty.present.sum(axis=1) == 1).all()
    assert empty.vectors[1][texts:].any(axis=1).all()
