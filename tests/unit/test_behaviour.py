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


def test_checklist_is_sampled_and_counted(behaviour, tmp_path):
    rows = [
        {"test": "many", "capability": "c", "type": "MFT", "label": 2, "texts": ["x"]} for _ in range(500)
    ]
    with gzip.open(tmp_path / "sentiment_suite.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)

    class Glad:
        def predict(self, samples):
            return [answer("positive", "joy") for _ in samples]

    cases = behaviour.read_cases(tmp_path, per_test=behaviour.CASES_PER_TEST)
    found = behaviour.put_checklist(Glad(), cases)
    assert list(found) == ["cases", "texts", "per_test", "seed", "types", "tests"]
    assert (found["cases"], found["per_test"]) == (150, 150)
    assert found["types"]["MFT"]["passed"] == 150
