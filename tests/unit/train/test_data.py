import dataclasses
import itertools

import lightning
import numpy as np
import pytest
import torch

from emofuse.train.classifier import Classifier, EmotionNetwork
from emofuse.train.config import build_config
from emofuse.train.data import ClassifierData, read_examples
from emofuse.train.encoders import build_encoder
from emofuse.train.recipe import Recipe, TrainConfig
from emofuse.train.tokenizer import write_tokenizer


def make_recipe(**head):
    corpus = {"name": "emotion", "root": ".", "heads": {"emotion6": "emotion6"}}
    if labels := head.pop("labels", None):
        corpus["labels"] = labels
    return build_config(
        Recipe,
        {
            "name": "x",
            "task": "text",
            "encoder": {"name": "bilstm", "embedding": 4, "hidden": 4, "heads": 0},
            "tokenizer": {"source": "words", "vocabulary": 20, "max_tokens": 8},
            "heads": {"emotion6": head},
            "corpora": [corpus],
        },
    )


@pytest.fixture
def root(tmp_path):
    lines = "a sunny day;joy\n" * 6 + "a grey day;sadness\n" * 3 + "a loud day;anger\n"
    for name in ("train", "val", "test"):
        (tmp_path / f"{name}.txt").write_text(lines)
    return tmp_path


@pytest.fixture
def tokenizer(tmp_path):
    texts = ["a sunny grey loud day"] * 3
    return write_tokenizer(make_recipe().tokenizer, texts, tmp_path / "tokenizer.json")


def test_words_are_whole_and_the_rest_unknown(tokenizer):
    assert tokenizer.pieces == ["[UNK]", "[CLS]", "[SEP]", "a", "day", "grey", "loud", "sunny"]
    assert tokenizer.encode("A sunny days!") == [3, 7, 0, 0]


def test_only_chosen_labels_are_read(root, tokenizer):
    recipe = make_recipe(labels=["joy", "anger"])
    for training in (True, False):
        examples = read_examples(recipe, root, training=training, tokenizer=tokenizer)
        assert len(examples) == 7


def test_a_long_text_is_learned_from_one_of_its_windows(root, tokenizer):
    # Six tokens fit beside the two special ones; 14 make three windows of 4, 5 and 5.
    words = ["a", "sunny", "day", "a", "grey", "day", "a", "loud", "day", "a", "sunny", "grey", "loud", "day"]
    (root / "train.txt").write_text(f"{' '.join(words)};joy\n" * 20)
    [first, *_], again = (
        [
            example.inputs.tolist()
            for example in read_examples(make_recipe(), root, training=True, tokenizer=tokenizer)
        ]
        for _ in range(2)
    )
    windows = {
        tuple(tokenizer.encode(" ".join(words[start:end]))) for start, end in ((0, 4), (4, 9), (9, 14))
    }
    assert {tuple(inputs[1:-1]) for inputs in again} == windows
    assert again[0] == first
    assert all(len(inputs) <= 8 for inputs in again)


@pytest.mark.parametrize(("kind", "power"), [("balanced", 1.0), ("root", 0.5)])
def test_label_weights_follow_the_frequency(kind, power, root, tokenizer):
    data = ClassifierData(make_recipe(class_weights=kind), root, tokenizer)
    weights = data.label_weights()["emotion6"]
    sadness, joy, _, anger, *_ = weights
    assert sadness / joy == pytest.approx(2**power)
    assert anger / joy == pytest.approx(6**power)
    assert (0.6 * joy + 0.3 * sadness + 0.1 * anger) == pytest.approx(1)
    assert np.count_nonzero(weights) == 3


class Rank(lightning.Trainer):
    """A trainer that says it is one of several."""

    def __init__(self, rank, ranks):
        super().__init__(accelerator="cpu", logger=False, enable_checkpointing=False, max_epochs=1)
        self.rank, self.ranks = rank, ranks

    global_rank = property(lambda self: self.rank)
    world_size = property(lambda self: self.ranks)


def rows_of(batches):
    return [[tuple(row) for row in batch.inputs.tolist()] for batch in batches]


@pytest.mark.parametrize("ranks", [2, 3])
def test_several_processes_share_each_batch(ranks, root, tokenizer):
    lines = [f"{'a sunny day ' * (1 + i % 3)}{'grey ' * (i % 2)};joy\n" for i in range(23)]
    (root / "train.txt").write_text("".join([*lines, "loud;anger\n", "a sunny;sadness\n"]))
    data = ClassifierData(make_recipe(), root, tokenizer)
    data.recipe = dataclasses.replace(data.recipe, train=TrainConfig(batch_size=6))
    whole = list(data.train_dataloader())
    parts = []
    for rank in range(ranks):
        data.trainer = Rank(rank, ranks)
        parts.append(list(data.train_dataloader()))
        assert len(parts[-1]) == len(whole) == len(data.train_dataloader())
    kinds = set()
    for batch, *shares in zip(rows_of(whole), *map(rows_of, parts), strict=True):
        if len(batch) < ranks:
            assert all(share == batch for share in shares)
        else:
            assert sorted(itertools.chain(*shares)) == sorted(batch)
            assert max(map(len, shares)) - min(map(len, shares)) <= 1
        kinds.add(len(batch) < ranks)
    assert kinds == {True, False}
    for batch, *shares in zip(whole, *parts, strict=True):
        # Whatever the share, the mean over the processes of what they count is the mean over the batch.
        truth = batch.targets["emotion6"].mean(dim=0)
        mean = torch.stack([own.targets["emotion6"].mean(dim=0) * own.share for own in shares]).mean(dim=0)
        torch.testing.assert_close(mean, truth)
        assert all(own.copied == (len(batch.inputs) < ranks) for own in shares)


def test_loss_is_weighted_and_smoothed(root, tokenizer):
    losses = {}
    for name, head in {
        "plain": {},
        "balanced": {"class_weights": "balanced"},
        "smooth": {"smoothing": 0.6},
    }.items():
        recipe = make_recipe(**head)
        data = ClassifierData(recipe, root, tokenizer)
        torch.manual_seed(0)
        network = EmotionNetwork(build_encoder(recipe, vocabulary=8), {"emotion6": 6}).eval()
        model = Classifier(network, recipe, data.label_weights())
        model.log = lambda *_, **__: None
        batch = data._collate([example for example in data.training if example.targets["emotion6"][1]])
        losses[name] = model.training_step(batch, 0).item()
    weight = ClassifierData(make_recipe(class_weights="balanced"), root, tokenizer).label_weights()
    assert losses["balanced"] == pytest.approx(losses["plain"] * weight["emotion6"][1], rel=1e-5)
    assert losses["smooth"] != pytest.approx(losses["plain"], rel=1e-3)
