import json
from dataclasses import replace

import numpy as np
import pytest
from tests.conftest import build_pool_bundle

from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.drift import DriftWatch, DriftWindow, judge, read_values
from emofuse.runtime.reference import parse_reference
from emofuse.types import Emotion, ErrorEntry, Modality, ModalityPrediction, Prediction, Sentiment

EMOTION = {"labels": ["joy", "fear"], "shares": [0.5, 0.5]}
TOKENS = {"cuts": [10, 20], "shares": [0.25, 0.5, 0.25]}
REFERENCE = parse_reference(
    {"split": "validation", "n": 1000, "features": {"tokens": TOKENS, "emotion": EMOTION}}
)


def answer(label="joy", taxonomy="ekman7"):
    return Emotion(label, 0.8, taxonomy, {}), Sentiment("positive", 0.7, "sentiment3", {})


def prediction(*models, fusion="pool"):
    parts = tuple(
        ModalityPrediction(modality, model, 1.0, *answer())
        for modality, model in zip(Modality, models, strict=False)
    )
    emotion, sentiment = answer("fear")
    versions = dict.fromkeys([*models, fusion], "1")
    return Prediction("0", emotion=emotion, sentiment=sentiment, modalities=parts, models=versions)


def test_a_window_by_hand():
    window = DriftWindow("m", REFERENCE)
    for tokens in [5] * 200 + [15] * 100 + [25] * 100:
        window.add({"tokens": tokens, "emotion": "joy", "more": 3})
    tokens, emotion = window.compare()
    # Shares .5 .25 .25 against .25 .5 .25.
    assert tokens.psi == pytest.approx(0.5 * np.log(2))
    assert tokens.ks == pytest.approx(0.25)
    assert tokens.ks_p < 1e-12
    assert tokens.psi_by_chance == pytest.approx(2 * (1 / 1000 + 1 / 400))
    assert (tokens.largest_change, tokens.n) == ("below 10: 0.250 to 0.500", 400)
    assert (emotion.ks, emotion.ks_p, emotion.verdict) == (None, None, "shifted")
    form = json.loads(json.dumps(tokens.to_dict()))
    assert (form["verdict"], form["reference"], form["current"]) == (
        "shifted",
        [0.25, 0.5, 0.25],
        [0.5, 0.25, 0.25],
    )


def test_a_window_forgets_all_but_its_last_samples():
    window = DriftWindow("m", REFERENCE, size=500)
    for _ in range(1000):
        window.add({"tokens": 5})
    for _ in range(100):
        window.add({"emotion": "joy"})
    random = np.random.default_rng(0)
    for place in random.permutation([0, 1, 1, 2] * 100):
        window.add({"tokens": [5, 15, 25][place]})
    [tokens, emotion] = window.compare()
    assert (tokens.n, tokens.psi, tokens.verdict) == (400, pytest.approx(0), "stable")
    assert (emotion.n, emotion.verdict) == (100, "too few")


@pytest.mark.parametrize(
    ("joy", "n", "verdict"),
    [(0.5, 399, "too few"), (0.64, 400, "stable"), (0.67, 400, "watch"), (0.77, 400, "shifted")],
)
def test_verdicts_by_the_rule_of_thumb(joy, n, verdict):
    window = DriftWindow("m", replace(REFERENCE, features={"emotion": REFERENCE.features["emotion"]}))
    for i in range(n):
        window.add({"emotion": "joy" if i < joy * n else "fear"})
    assert judge(window.compare()) == verdict


def test_the_worst_verdict_counts_and_nothing_is_too_few():
    assert judge([]) == "too few"
    window = DriftWindow("m", REFERENCE)
    for i in range(600):
        window.add({"tokens": 5} if i < 100 else {"emotion": "joy" if i % 2 else "fear"})
    assert [own.verdict for own in window.compare()] == ["too few", "stable"]
    assert judge(window.compare()) == "stable"


def test_answers_count_for_the_models_that_gave_them():
    alone, pair = prediction("text_a"), prediction("text_a", "face_b")
    assert [name for name, _ in read_values(alone, {"pool"})] == ["text_a"]
    found = dict(read_values(pair, {"pool", "other"}))
    assert list(found) == ["text_a", "face_b", "pool"]
    assert found["text_a"]["emotion"] == "joy"
    assert found["pool"]["emotion"] == "fear"
    assert found["pool"]["abstained"] == "no"
    failed = Prediction("0", error=ErrorEntry("empty_text", "None."))
    assert not list(read_values(failed, {"pool"}))


def test_emotions_in_other_labels_are_left_out():
    own, sentiment = answer("happy", "unified5")
    part = ModalityPrediction(Modality.TEXT, "text_a", 1.0, own, sentiment)
    [(_, values)] = read_values(Prediction("0", modalities=(part,)), set())
    assert values == {"sentiment": "positive", "sentiment_confidence": 0.7}


def test_a_watch_takes_inputs_along_and_leaves_out_models_without_a_reference(text_bundle, tmp_path):
    with_one = replace(load_bundle(text_bundle), name="text_a", reference=REFERENCE)
    without = load_bundle(build_pool_bundle(tmp_path / "pool", "text"))
    watch = DriftWatch([with_one, without], size=10)
    assert list(watch.windows) == ["text_a"]
    watch.add(prediction("text_a", "face_b"), {"text_a": {"tokens": 15}, "face_b": {"brightness": 9}})
    watch.add_input("text_a", {"tokens": 15})
    watch.add_input("face_b", {"brightness": 15})
    assert {own.feature: own.n for own in watch.compare()} == {"tokens": 2, "emotion": 1}
