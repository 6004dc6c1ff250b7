import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from emofuse import Emotion, ErrorEntry, Prediction, Sentiment, load_taxonomy

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
TAXONOMIES = {"sentiment": "sentiment3", "emotion": "ekman7"}


@pytest.fixture(scope="module")
def behaviour():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import behaviour

        yield behaviour


def feeling(negative, neutral, positive):
    probabilities = {"negative": negative, "neutral": neutral, "positive": positive}
    label = max(probabilities, key=probabilities.get)
    return Sentiment(label, probabilities[label], "sentiment3", probabilities)


def answer(sentiment, emotion):
    return Prediction(
        id="0",
        sentiment=Sentiment(sentiment, 1.0, "sentiment3", {sentiment: 1.0}),
        emotion=Emotion(emotion, 1.0, "ekman7", {emotion: 1.0}),
    )


def test_suite_is_well_formed():
    rows = [json.loads(line) for line in (BENCHMARKS / "behaviour.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) >= 120
    assert len({row["id"] for row in rows}) == len(rows)
    assert len({" ".join(row["text"].lower().split()) for row in rows}) == len(rows)
    assert min(Counter(row["category"] for row in rows).values()) >= 12
    for row in rows:
        assert {"id", "category", "text"} < row.keys() <= {"id", "category", "text", *TAXONOMIES}
        assert row["id"].startswith(row["category"] + "-")
        assert row["text"].strip() == row["text"] != ""
        for part in TAXONOMIES.keys() & row.keys():
            labels = row[part]
            assert 1 <= len(set(labels)) == len(labels) <= 2, row["id"]
            assert set(labels) <= set(load_taxonomy(TAXONOMIES[part]).labels), row["id"]


def test_suite_is_read_as_written(behaviour):
    sentences = behaviour.read_suite()
    [first] = [s for s in sentences if s.text == "My grandmother died this morning."]
    assert first.category == "emotional_fact"
    assert first.accepted == {"sentiment": ["negative"], "emotion": ["sadness"]}


def test_rate_is_wilsons(behaviour):
    # Wilson's interval of 8 out of 10 as printed in textbooks.
    assert behaviour.rate([True] * 8 + [False] * 2) == {
        "n": 10,
        "passed": 8,
        "pass_rate": 0.8,
        "interval": [0.4902, 0.9433],
    }
    assert behaviour.rate([]) == {"n": 0, "passed": 0, "pass_rate": None, "interval": None}


def test_scores_by_hand(behaviour):
    sentences = [
        behaviour.Sentence("a-1", "a", "x", {"sentiment": ["negative"], "emotion": ["sadness", "anger"]}),
        behaviour.Sentence("a-2", "a", "x", {"sentiment": ["negative"], "emotion": ["anger"]}),
        behaviour.Sentence("b-1", "b", "x", {"emotion": ["joy"]}),
        behaviour.Sentence("b-2", "b", "x", {"sentiment": ["positive"], "emotion": ["joy"]}),
    ]
    unread = Prediction(id="0", error=ErrorEntry("empty_text", "The text is empty."))
    scores = behaviour.score(
        sentences, [answer("negative", "anger"), answer("negative", "joy"), answer("negative", "joy"), unread]
    )
    counts = {name: (found["passed"], found["n"]) for name, found in scores["overall"].items()}
    assert counts == {"all": (2, 4), "sentiment": (2, 3), "emotion": (2, 4)}
    assert scores["categories"]["a"]["all"]["pass_rate"] == 0.5
    assert scores["categories"]["b"]["sentiment"]["n"] == 1
    assert scores["failures"] == {"a-2": {"emotion": "joy"}, "b-2": {"sentiment": None, "emotion": None}}


@pytest.mark.parametrize(
    ("test", "label", "passing"),
    [
        ("any", 0, {"negative"}),
        ("any", 1, {"neutral"}),
        ("any", None, {"neutral", "positive"}),
        ("Q & A: no", 1, {"neutral", "positive"}),
        ("Q & A: no", 0, {"negative"}),
        ("Q & A: no (neutral)", 1, {"neutral"}),
    ],
)
def test_minimum_functionality(behaviour, test, label, passing):
    case = behaviour.Case(test, "MFT", label, ["x"])
    answers = [feeling(0.8, 0.1, 0.1), feeling(0.1, 0.8, 0.1), feeling(0.1, 0.1, 0.8)]
    assert {a.label for a in answers if behaviour.judge(case, [a])} == passing


def test_invariance(behaviour):
    case = behaviour.Case("typos", "INV", None, ["x", "y"])
    sure, near, other = feeling(0.1, 0.4, 0.5), feeling(0.1, 0.46, 0.44), feeling(0.6, 0.3, 0.1)
    assert behaviour.judge(case, [sure, feeling(0.0, 0.0, 1.0)])
    assert not behaviour.judge(case, [sure, sure, near])
    assert behaviour.is_invariant([sure, sure, near], 0.1)
    assert not behaviour.is_invariant([sure, near, other], 0.1)


@pytest.mark.parametrize(
    ("test", "before", "after", "verdict"),
    [
        ("add positive phrases", (0.5, 0.3, 0.2), (0.5, 0.35, 0.15), True),
        ("add positive phrases", (0.5, 0.3, 0.2), (0.58, 0.25, 0.17), False),
        ("add negative phrases", (0.5, 0.3, 0.2), (0.58, 0.25, 0.17), True),
        ("add negative phrases", (0.5, 0.3, 0.2), (0.4, 0.35, 0.25), False),
        ("intensifiers", (0.1, 0.3, 0.6), (0.1, 0.35, 0.55), True),
        ("intensifiers", (0.6, 0.3, 0.1), (0.4, 0.3, 0.3), False),
        ("intensifiers", (0.1, 0.6, 0.3), (0.9, 0.1, 0.0), None),
        ("reducers", (0.1, 0.3, 0.6), (0.0, 0.2, 0.8), False),
        ("reducers", (0.1, 0.3, 0.6), (0.6, 0.3, 0.1), True),
        ('"used to" should reduce', (0.0, 0.05, 0.95), (0.0, 0.0, 1.0), None),
    ],
)
def test_direction(behaviour, test, before, after, verdict):
    case = behaviour.Case(test, "DIR", None, ["x", "y"])
    assert behaviour.judge(case, [feeling(*before), feeling(*after)]) is verdict


def test_checklist_is_sampled_and_counted(behaviour, tmp_path):
    rows = [
        {"test": "many", "capability": "c", "type": "MFT", "label": 2, "texts": [str(i)]} for i in range(500)
    ] + [{"test": "typos", "capability": "c", "type": "INV", "label": None, "texts": ["good", "godo"]}]
    with gzip.open(tmp_path / "sentiment_suite.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)
    cases = behaviour.read_checklist(tmp_path)
    assert Counter(case.test for case in cases) == {"many": behaviour.CASES_PER_TEST, "typos": 1}
    assert cases == behaviour.read_checklist(tmp_path)
    good = feeling(0.1, 0.4, 0.5)
    scores = behaviour.score_checklist(cases[-2:], [[good], [good, feeling(0.1, 0.46, 0.44)]])
    assert scores["types"]["MFT"]["passed"] == 1
    assert scores["tests"]["typos"]["type"] == "INV"
    assert scores["tests"]["typos"]["passed"] == 0
    assert scores["tests"]["typos"]["tolerant"]["passed"] == 1
