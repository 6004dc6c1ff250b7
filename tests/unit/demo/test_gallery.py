import json
import re

import numpy as np
import pytest
from tests.unit.datasets.test_corpora import make_emotion

from emofuse.demo.gallery import Asked, Batch, read_batch, show_batch, show_cards
from emofuse.demo.models import build_choices
from emofuse.demo.pairs import SHIPPED, open_corpus
from emofuse.runtime.model_set import ModelSet
from emofuse.runtime.predictor import Predictor

DEFAULT = "Default models"
TRAP = "<script>alert(1)</script> {{ 7 * 7 }} ${document.title}"


@pytest.fixture(scope="module")
def choice():
    return build_choices()[DEFAULT]


@pytest.fixture(scope="module")
def examples(choice):
    return read_batch(choice, SHIPPED, Asked(DEFAULT, "Examples", 8, 7), lambda *_: None)


def table(folder, *rows):
    path = folder / "own.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return open_corpus("jsonl", path, "test")


def read(choice, corpus, count=8, seed=7):
    return read_batch(choice, corpus, Asked(DEFAULT, corpus.title, count, seed), lambda *_: None)


def test_same_question_gives_the_same_cards(choice, examples):
    again = read(choice, SHIPPED)

    assert [card.name for card in again.cards] == [card.name for card in examples.cards]
    assert show_cards(again, "all", "all") == show_cards(examples, "all", "all")
    assert [card.name for card in read(choice, SHIPPED, seed=8).cards] != [card.name for card in again.cards]


def test_answers_are_those_of_the_library(examples):
    by_name = {sample.id: sample for sample in SHIPPED.iter_samples()}
    predictions = Predictor.load().predict([by_name[card.name] for card in examples.cards])

    for card, prediction in zip(examples.cards, predictions, strict=True):
        assert card.answers["emotion"].said == prediction.emotion
        assert card.answers["sentiment"].said == prediction.sentiment


def test_page_says_how_many_are_right_and_on_how_many(examples):
    right = sum(card.answers["emotion"].right for card in examples.cards)
    page = show_batch(examples)

    assert "8 samples of Examples, seed 7, read by Default models" in page
    assert f"{right} of 8 labelled samples; 95 % interval" in page
    assert "small sample" in page
    assert "measure nothing" in page


def test_filter_shows_some_of_the_same_cards(examples):
    pages = {verdict: show_cards(examples, verdict, "all") for verdict in ("all", "right", "wrong")}
    found = {verdict: re.findall("<h3>(.*?)</h3>", page) for verdict, page in pages.items()}

    assert sorted(found["right"] + found["wrong"]) == sorted(found["all"])
    assert "✗ wrong" not in pages["right"]
    assert pages["wrong"].count("✗ wrong") >= len(found["wrong"]) > 0
    assert f"{len(found['wrong'])} of 8 shown" in pages["wrong"]


def test_nothing_of_a_corpus_becomes_code(choice, tmp_path):
    corpus = table(
        tmp_path, {"id": TRAP, "text": TRAP * 20, "label": TRAP}, {"text": TRAP, "image": f"{TRAP}.jpg"}
    )
    batch = read(choice, corpus)
    page = show_cards(batch, "all", "all")

    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 4
    assert "{{ 7 * 7 }} ${document.title}" in page
    assert "1 of the samples could not be read and is not counted." in show_batch(batch)


def test_half_a_surrogate_can_be_sent(choice, tmp_path):
    batch = read(choice, table(tmp_path, {"text": "so happy \ud83d today"}))

    assert "so happy ? today" in show_cards(batch, "all", "all").encode().decode()


def test_crops_are_read_as_one_face(tmp_path):
    def detect(image):
        raise AssertionError("a crop is not searched for faces")

    pixels = " ".join(map(str, np.random.default_rng(7).integers(0, 256, 48 * 48)))
    lines = ["emotion,pixels,Usage", f"3,{pixels},PrivateTest", f"6,{pixels},PrivateTest"]
    (tmp_path / "fer2013.csv").write_text("\n".join(lines) + "\n")
    models = ModelSet((), detector=detect, threads=1)
    choice = type("Choice", (), {"models": models, "predictor": Predictor(models)})()

    batch = read(choice, open_corpus("fer2013", tmp_path, "test"))

    assert len(batch.cards) == 2
    assert [card.problem for card in batch.cards] == [None, None]
    assert sum(card.answers["emotion"].right for card in batch.cards) <= 1


def test_missing_seed_and_a_corpus_that_went_are_told_in_words(choice, tmp_path):
    make_emotion(tmp_path)
    corpus = open_corpus("emotion", tmp_path, "test")
    (tmp_path / "test.txt").unlink()

    assert "Give a whole number" in show_batch(read(choice, corpus, seed=None))
    gone = read(choice, corpus)
    assert "Found none of test.txt" in show_batch(gone)
    assert "<li" not in show_cards(gone, "all", "all")


def test_before_anything_was_read_there_is_nothing_to_see():
    assert "ef-empty" in show_batch(Batch())
    assert "shown" not in show_cards(Batch(), "right", "joy")
