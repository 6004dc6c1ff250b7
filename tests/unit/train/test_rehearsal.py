from collections import Counter

import pytest
import torch
import yaml
from tests.unit.datasets.test_corpora import make_emotion

from emofuse.preprocess import WordPieceTokenizer
from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.model_set import open_text_model
from emofuse.train.config import build_config
from emofuse.train.data import ClassifierData
from emofuse.train.recipe import Recipe
from emofuse.train.rehearsal import draw_texts

PIECES = ["[UNK]", "[CLS]", "[SEP]", "b", "a", "##s", "the", "day", "is", "7th", "rare"]
RECIPE = """
name: tiny
task: text
encoder: {name: bilstm}
heads: {ekman7: {}, sentiment3: {}}
corpora: [{name: emotion, root: ., heads: {ekman7: emotion6}}]
"""


def test_words_come_by_rank():
    tokenizer = WordPieceTokenizer({piece: i for i, piece in enumerate(PIECES)})
    texts = [sample.text.split() for sample in draw_texts(tokenizer, 400, seed=1)]
    assert {len(words) for words in texts} == set(range(3, 25))
    counts = Counter(word for words in texts for word in words)
    assert [word for word, _ in counts.most_common()] == ["a", "the", "day", "is", "rare"]
    # 1 / (rank + 2.7): the first is 6.7 / 2.7 times as frequent as the fifth.
    assert counts["a"] / counts["rare"] == pytest.approx(6.7 / 2.7, rel=0.15)
    again, other = (
        [sample.text.split() for sample in draw_texts(tokenizer, 400, seed=own)] for own in (1, 2)
    )
    assert again == texts
    assert other != texts


def test_the_teacher_labels_them_and_validation_has_none(text_bundle, tmp_path):
    make_emotion(tmp_path)
    tokenizer = WordPieceTokenizer.from_file(text_bundle / "tokenizer.json")
    data = []
    for count in (0, 9):
        distill = {"teacher": str(text_bundle), "weight": 0.0, "rehearsal": count}
        # Sentiment has no label in the corpus, which only a recipe that keeps its calibration may have.
        changes = {"distill": distill, "init_from": str(text_bundle), "export": {"calibration": "kept"}}
        recipe = build_config(Recipe, yaml.safe_load(RECIPE) | changes)
        data.append(ClassifierData(recipe, tmp_path, tokenizer))
    without, rehearsed = data
    assert len(rehearsed.validation) == len(without.validation)
    added = rehearsed.training[len(without.training) :]
    assert len(added) == 9
    teacher = open_text_model(load_bundle(text_bundle))
    readings = teacher.predict([sample.text for sample in draw_texts(tokenizer, 9, recipe.seed)])
    for example, reading in zip(added, readings, strict=True):
        for head in recipe.heads:
            torch.testing.assert_close(
                torch.tensor(example.targets[head]),
                torch.tensor(reading.probabilities[head], dtype=torch.float32),
            )
