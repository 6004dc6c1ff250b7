import numpy as np
import pytest
from tests.unit.datasets.test_corpora import make_emotion, make_fer

from emofuse.errors import ConfigError, CorpusFormatError, EmptyTextError
from emofuse.evaluate.answers import Task
from emofuse.evaluate.corruptions import Corruption
from emofuse.evaluate.robustness import Robustness, evaluate_robustness, iter_curves
from emofuse.evaluate.robustness_report import draw_curve, render_robustness
from emofuse.runtime.bundle import OutputSpec, load_bundle
from emofuse.taxonomy import load_taxonomy
from emofuse.types import Sample

LABELS = load_taxonomy("sentiment3").labels


def first_word(samples):
    # Reads the sentiment that a text begins with; takes every other text for neutral and no empty one.
    for sample in samples:
        word = sample.text.split(" ")[0]
        if not word:
            yield EmptyTextError("The text is empty.", item=sample.id)
        else:
            yield {"sentiment3": np.eye(3, dtype=np.float32)[LABELS.index(word) if word in LABELS else 1]}


def task(samples, *, multi_label=False):
    output = OutputSpec("sentiment3", "softmax", 1.0, {})
    return Task("sentiment3", output, samples, [], multi_label)


def texts(n, labels=("positive", "negative")):
    return [
        Sample(
            id=str(i),
            text=f"{labels[i % len(labels)]} {i}",
            labels={"sentiment3": {labels[i % len(labels)]: 1.0}},
        )
        for i in range(n)
    ]


def replaced(text):
    # With the chance that the level says, the whole text becomes another one.
    return Corruption(
        "replaced",
        "text",
        "chance",
        (0.5, 1.0),
        lambda original, chance, random: text if random.random() < chance else original,
    )


def test_accuracy_falls_by_the_samples_that_are_touched():
    [curve] = iter_curves(task(texts(200)), first_word, [replaced("gone")])
    clean, half, all_ = curve.levels
    assert (curve.samples, clean.value, half.value, all_.value) == (200, None, 0.5, 1.0)
    assert clean.scores["accuracy"] == (1, 1, 1)
    assert (clean.touched, clean.flipped, clean.unreadable) == (0, 0, 0)
    assert 80 < half.touched < 120
    value, low, high = half.scores["accuracy"]
    assert value == pytest.approx(1 - half.touched / 200)
    assert low < value < high
    # The normal approximation of a share of 200.
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(value * (1 - value) / 200), rel=0.15)
    assert half.flipped == half.touched / 200
    assert (all_.touched, all_.flipped) == (200, 1)
    assert all_.scores["accuracy"] == (0, 0, 0)
    assert all_.scores["macro_f1"] == (0, 0, 0)


def test_a_wrong_answer_can_become_right():
    samples = texts(10, ("positive", "neutral"))
    [curve] = iter_curves(task(samples), first_word, [replaced("gone")])
    # Everything is taken for neutral at last: half is right, and the F1 of neutral is 2/3.
    last = curve.levels[-1]
    assert last.scores["accuracy"][0] == 0.5
    assert last.scores["macro_f1"][0] == pytest.approx(1 / 3)
    assert last.flipped == 0.5


def test_what_can_no_longer_be_read_counts_as_wrong():
    for multi_label in (False, True):
        [curve] = iter_curves(task(texts(20), multi_label=multi_label), first_word, [replaced(" ")])
        last = curve.levels[-1]
        assert last.unreadable == last.touched == 20
        assert last.scores["macro_f1"][0] == 0
        assert last.flipped == 1


def test_what_cannot_be_read_clean_does_not_count():
    samples = [*texts(4), Sample(id="empty", text="", labels={"sentiment3": {"positive": 1.0}})]
    [curve] = iter_curves(task(samples), first_word, [replaced("gone")])
    assert curve.samples == 4
    with pytest.raises(CorpusFormatError, match="None of the 1 samples"):
        next(iter_curves(task(samples[-1:]), first_word, [replaced("gone")]))


def test_the_order_of_the_samples_changes_nothing_but_the_resampling():
    [one] = iter_curves(task(texts(50)), first_word, [replaced("gone")], seed=3)
    [other] = iter_curves(task(texts(50)[::-1]), first_word, [replaced("gone")], seed=3)
    [again] = iter_curves(task(texts(50)), first_word, [replaced("gone")], seed=3)
    assert one == again
    assert [(o.touched, o.scores["macro_f1"][0]) for o in one.levels] == [
        (o.touched, o.scores["macro_f1"][0]) for o in other.levels
    ]
    [reseeded] = iter_curves(task(texts(50)), first_word, [replaced("gone")], seed=4)
    assert reseeded != one


def test_samples_that_are_not_concerned_are_left_out():
    only_4 = Corruption("x", "text", "u", (1,), lambda text, *_: "gone", lambda text: text.endswith("4"))
    nobody = Corruption("y", "text", "u", (1,), lambda text, *_: "gone", lambda text: False)
    [curve] = iter_curves(task(texts(20)), first_word, [only_4, nobody])
    assert (curve.corruption, curve.samples) == ("x", 2)


def test_bundles_read_the_part_that_is_theirs(text_bundle, face_bundle, tmp_path):
    make_emotion(tmp_path)
    make_fer(tmp_path)
    told = []
    found = evaluate_robustness(load_bundle(text_bundle), "emotion", tmp_path, tell=told.append)
    assert told == list(found.curves)
    assert {curve.part for curve in found.curves} == {"text"}
    assert (found.samples, found.taxonomy) == (2, "emotion6")
    faces = evaluate_robustness(load_bundle(face_bundle), "ferplus", tmp_path, limit=1)
    assert [curve.corruption for curve in faces.curves][-1] == "small face"
    assert {curve.samples for curve in faces.curves} == {1}


def test_corruptions_are_chosen_by_name(text_bundle, tmp_path):
    make_emotion(tmp_path)
    bundle = load_bundle(text_bundle)
    found = evaluate_robustness(bundle, "emotion", tmp_path, only=["spaces lost", "typos"])
    assert [curve.corruption for curve in found.curves] == ["typos", "spaces lost"]
    without = evaluate_robustness(bundle, "emotion", tmp_path, only=["emoji lost"])
    assert (without.samples, without.curves) == (2, [])
    assert "None of the corruptions concerns" in render_robustness(without)
    with pytest.raises(ConfigError, match=r"blur: no corruption of what it reads\. Valid: typos, "):
        evaluate_robustness(bundle, "emotion", tmp_path, only=["blur"])


def test_a_limit_draws_the_same_samples(text_bundle, tmp_path):
    make_emotion(tmp_path)
    (tmp_path / "test.txt").write_text("".join(f"i feel {i};joy\n" for i in range(30)))
    bundle = load_bundle(text_bundle)
    one, other = (evaluate_robustness(bundle, "emotion", tmp_path, limit=5) for _ in range(2))
    assert one.to_dict() == other.to_dict()
    assert one.samples == 5
    with pytest.raises(ConfigError, match="leaves no samples"):
        evaluate_robustness(bundle, "emotion", tmp_path, limit=0)


def test_report_stands_alone():
    curves = list(iter_curves(task(texts(30)), first_word, [replaced(" ")]))
    found = Robustness("a<b", "1", "corpus", "test", "sentiment3", 30, 0, curves)
    page = render_robustness(found)
    assert "src=" not in page
    assert "<link" not in page
    assert "a&lt;b" in page
    assert "30 can no longer be read" in page
    value, low, high = curves[0].levels[1].scores["accuracy"]
    figures = f"{value:.3f} ({low:.3f} to {high:.3f})".replace(" ", "\u00a0")
    assert f">0.5: {figures}</td>" in page
    assert draw_curve(curves[0]) in page
