"""A run that goes on is the run that was begun."""

import shutil

import lightning
import pytest
import torch
import yaml
from tests.conftest import build_text_bundle, record_checksums

from emofuse.cli import cli
from emofuse.errors import ConfigError
from emofuse.train.checkpoints import read_effort, read_history
from emofuse.train.config import build_config
from emofuse.train.person_probe import build_probe
from emofuse.train.recipe import Recipe
from emofuse.train.trainer import train

RECIPE = """
name: tiny
task: text
encoder: {name: bilstm, embedding: 8, hidden: 4, heads: 0, dropout: 0.2}
tokenizer: {source: words, vocabulary: 50, max_tokens: 12, emoji: keep}
heads: {emotion6: {}}
corpora: [{name: emotion, root: ., heads: {emotion6: emotion6}}]
train: {epochs: 5, batch_size: 16, lr: 1.0e-3, optimizer: adam, weight_decay: 0.0, precision: 32-true}
"""


class Interrupt(lightning.Callback):
    """Ends a run in the middle of an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_train_batch_start(self, trainer, module, batch, index):
        if (trainer.current_epoch, index) == (self.epoch, 1):
            raise RuntimeError("interrupted")


def recipe_with(**changes):
    data = yaml.safe_load(RECIPE)
    data["train"] |= changes
    return build_config(Recipe, data)


@pytest.fixture
def data(tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    # No word tells the label, so that the score soon stops rising.
    texts = ["the day;joy\n", "a day;sadness\n", "the day;sadness\n", "a day;joy\n"]
    for name, times in (("train", 15), ("val", 5), ("test", 5)):
        (root / f"{name}.txt").write_text("".join(texts) * times)
    return root


def last(run):
    return torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)


def test_a_plateau_is_remembered(data, tmp_path):
    recipe = recipe_with(schedule="plateau")
    train(recipe, data, tmp_path / "whole")
    for epoch in (1, 2, 4):
        with pytest.raises(RuntimeError, match="interrupted"):
            train(recipe, data, tmp_path / "broken", resume=True, extra=[Interrupt(epoch)])
    train(recipe, data, tmp_path / "broken", resume=True)
    whole, broken = last(tmp_path / "whole"), last(tmp_path / "broken")
    rates = [[group["lr"] for group in own["optimizer_states"][0]["param_groups"]] for own in (whole, broken)]
    assert rates[0] == rates[1]
    assert rates[0][0] < recipe.train.lr
    for key, value in whole["state_dict"].items():
        torch.testing.assert_close(broken["state_dict"][key], value, rtol=0, atol=0)


def test_persons_are_drawn_alike_after_a_break(data, tmp_path):
    pairs = [pair for row in build_probe(40) for pair in row.nouns]
    for path in data.iterdir():
        path.write_text("".join(f"{women};joy\n{men};anger\n" for women, men in pairs))
    changes = {"persons": {"weight": 2.0, "groups": 2}, "seed": 3}
    changes["tokenizer"] = {"source": "words", "vocabulary": 500, "max_tokens": 20}
    plain = yaml.safe_load(RECIPE) | changes
    plain["train"] |= {"epochs": 3, "lr": 0.05}
    recipe = build_config(Recipe, plain)
    train(recipe, data, tmp_path / "whole")
    with pytest.raises(RuntimeError, match="interrupted"):
        train(recipe, data, tmp_path / "broken", resume=True, extra=[Interrupt(1)])
    train(recipe, data, tmp_path / "broken", resume=True)
    whole, broken = last(tmp_path / "whole"), last(tmp_path / "broken")
    for key, value in whole["state_dict"].items():
        torch.testing.assert_close(broken["state_dict"][key], value, rtol=0, atol=0)
    train(build_config(Recipe, plain | {"persons": None}), data, tmp_path / "without")
    without = last(tmp_path / "without")["state_dict"]
    assert any(not torch.equal(value, without[key]) for key, value in whole["state_dict"].items())
    assert {"train/persons"} == set(read_history(tmp_path / "whole")[0]) - set(
        read_history(tmp_path / "without")[0]
    )


def test_a_run_that_stopped_early_stays_stopped(data, tmp_path):
    recipe = recipe_with(epochs=20, patience=2)
    train(recipe, data, tmp_path / "run")
    stopped = last(tmp_path / "run")["epoch"]
    assert stopped < 19
    train(recipe, data, tmp_path / "run", resume=True)
    assert last(tmp_path / "run")["epoch"] == stopped
    effort = read_effort(tmp_path / "run")
    assert (effort["epochs"], effort["finished"]) == (stopped + 1, True)


def test_an_export_of_a_broken_run_says_so(data, tmp_path, capsys):
    with pytest.raises(RuntimeError, match="interrupted"):
        train(recipe_with(), data, tmp_path / "run", extra=[Interrupt(2)])
    cli.main(["export", str(tmp_path / "run"), "-o", str(tmp_path / "bundle")], standalone_mode=False)
    assert "was stopped after epoch 2" in capsys.readouterr().err


def test_another_teacher_does_not_go_on(data, tmp_path):
    teacher = build_text_bundle(tmp_path / "teacher", {"emotion6": "softmax"})
    recipe = build_config(Recipe, yaml.safe_load(RECIPE) | {"distill": {"teacher": str(teacher)}})
    train(recipe, data, tmp_path / "run")
    train(recipe, data, tmp_path / "run", resume=True)
    model = teacher / "model.onnx"
    model.write_bytes(model.read_bytes() + b" ")
    record_checksums(teacher)
    with pytest.raises(ConfigError, match="another teacher"):
        train(recipe, data, tmp_path / "run", resume=True)


def test_best_epoch_survives_a_move(data, tmp_path):
    with pytest.raises(RuntimeError, match="interrupted"):
        train(recipe_with(), data, tmp_path / "here", extra=[Interrupt(3)])
    shutil.move(tmp_path / "here", tmp_path / "there")
    train(recipe_with(), data, tmp_path / "there", resume=True)
    states = last(tmp_path / "there")["callbacks"]
    [best] = [
        state for key, state in states.items() if "'monitor': 'val/score'" in key and "best_k" in str(state)
    ]
    assert set(best["best_k_models"]) == {str(tmp_path / "there" / "checkpoints" / "best.ckpt")}
    assert not (tmp_path / "here").exists()


def test_another_recipe_does_not_go_on(data, tmp_path):
    train(recipe_with(epochs=1), data, tmp_path / "run")
    before = (tmp_path / "run" / "recipe.yaml").read_text()
    with pytest.raises(ConfigError, match=r"differs in train\.lr"):
        train(recipe_with(epochs=1, lr=1e-4), data, tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "recipe.yaml").read_text() == before
    train(recipe_with(epochs=2), data, tmp_path / "run", resume=True)
    assert last(tmp_path / "run")["epoch"] == 1


def test_a_vocabulary_without_a_run_is_learned_anew(data, tmp_path):
    train(recipe_with(epochs=1), data, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    for path in data.iterdir():
        path.write_text(path.read_text().replace("day", "night"))
    train(recipe_with(epochs=1), data, tmp_path / "run")
    assert "night" in (tmp_path / "run" / "tokenizer.json").read_text()


def test_starting_from_a_run_takes_its_vocabulary(data, tmp_path):
    train(recipe_with(epochs=1), data, tmp_path / "first")
    second = build_config(Recipe, yaml.safe_load(RECIPE) | {"init_from": str(tmp_path / "first")})
    for path in data.iterdir():
        path.write_text(path.read_text().replace("day", "night"))
    train(second, data, tmp_path / "second")
    assert "day" in (tmp_path / "second" / "tokenizer.json").read_text()
    missing = build_config(Recipe, yaml.safe_load(RECIPE) | {"init_from": str(tmp_path / "none")})
    with pytest.raises(ConfigError, match="none holds no finished epoch"):
        train(missing, data, tmp_path / "third")
