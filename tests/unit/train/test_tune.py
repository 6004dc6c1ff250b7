import json

import pytest
from tests.conftest import build_text_bundle
from tests.miniature import write_corpora

from emofuse.cli import cli
from emofuse.errors import ConfigError
from emofuse.train.fusion.training import load_fusion
from emofuse.tune import tune_recipe

RECIPE = """
name: tiny
task: text
encoder: {name: bilstm, embedding: 8, hidden: 4, heads: 0}
tokenizer: {source: words, vocabulary: 50, max_tokens: 12, emoji: keep}
heads: {emotion6: {}}
corpora: [{name: emotion, root: ., heads: {emotion6: emotion6}}]
train: {epochs: 2, batch_size: 16, precision: 32-true}
search:
  train.lr: {low: 1.0e-6, high: 1.0e-1, log: true}
  encoder.hidden: {choices: [2, 8]}
"""


@pytest.fixture
def data(tmp_path):
    lines = "sunny smile today;joy\ngrey tears today;sadness\n"
    for name, times in (("train", 60), ("val", 10), ("test", 10)):
        (tmp_path / f"{name}.txt").write_text(lines * times)
    (tmp_path / "tiny.yaml").write_text(RECIPE)
    return tmp_path


def test_study_finds_goes_on_and_leaves_one_run(data, capsys):
    first = tune_recipe(data / "tiny.yaml", data, data / "study", trials=3)
    assert first.trials == 3
    arguments = ["tune", str(data / "tiny.yaml"), "--data-root", str(data), "--trials", "1"]
    cli.main([*arguments, "--study-dir", str(data / "study")], standalone_mode=False)
    assert "of 4 trials" in capsys.readouterr().out
    assert sorted(entry.name for entry in (data / "study").iterdir()) == ["best", "best.yaml", "study.db"]
    assert (data / "study" / "best" / "checkpoints" / "best.ckpt").exists()
    assert set(first.changes) == {"train.lr", "encoder.hidden"}
    again = tune_recipe(data / "study" / "best.yaml", data, data / "other", trials=1)
    assert again.trials == 1


def test_a_fusion_is_searched_too(tmp_path):
    root = write_corpora(tmp_path / "data")
    build_text_bundle(tmp_path / "text")
    recipe = {
        "name": "mine",
        "task": "fusion",
        "members": [{"modality": "text", "model": str(tmp_path / "text"), "gives": ["ekman7"]}],
        "head": {"name": "mlp", "hidden": 4},
        "heads": {"own": {}},
        "corpora": [{"name": "csv", "root": "shop", "heads": {"own": "own"}}],
        "train": {"epochs": 1, "precision": "32-true"},
        "search": {"train.batch_size": {"choices": [8, 16]}},
    }
    (tmp_path / "mine.yaml").write_text(json.dumps(recipe))
    found = tune_recipe(tmp_path / "mine.yaml", root, tmp_path / "study", trials=1)
    assert set(found.changes) == {"train.batch_size"}
    assert load_fusion(found.run_dir)[0].train.batch_size == found.changes["train.batch_size"]


def test_recipe_without_a_search_is_refused(data):
    (data / "plain.yaml").write_text(RECIPE.partition("search:")[0])
    with pytest.raises(ConfigError, match="no `search` section"):
        tune_recipe(data / "plain.yaml", data, data / "study", trials=1)
