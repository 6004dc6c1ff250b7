import pytest

from emofuse.cli import cli
from emofuse.errors import ConfigError
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


def test_recipe_without_a_search_is_refused(data):
    (data / "plain.yaml").write_text(RECIPE.partition("search:")[0])
    with pytest.raises(ConfigError, match="no `search` section"):
        tune_recipe(data / "plain.yaml", data, data / "study", trials=1)
