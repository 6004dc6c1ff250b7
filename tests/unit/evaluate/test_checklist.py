import gzip
import json
from collections import Counter

import pytest

from emofuse import ErrorEntry, Prediction, Sentiment
from emofuse.errors import CorpusFormatError, CorpusNotFoundError
from emofuse.evaluate.checklist import Case, is_invariant, judge, pass_rate, read_cases, run_checklist
from emofuse.evaluate.robustness_report import checklist_section


def feeling(negative, neutral, positive):
    probabilities = {"negative": negative, "neutral": neutral, "positive": positive}
    label = max(probabilities, key=probabilities.get)
    return Sentiment(label, probabilities[label], "sentiment3", probabilities)


def write_suite(folder, rows):
    with gzip.open(folder / "sentiment_suite.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)


def row(test, kind, texts, label=None, capability="c"):
    return {"test": test, "capability": capability, "type": kind, "label": label, "texts": texts}


class ByWord:
    """Knows the sentiment of some texts by heart; all others are neutral."""

    def __init__(self, known):
        self.known = known
        self.asked = Counter()

    def predict(self, samples):
        found = []
        for sample in samples:
            self.asked[sample.text] += 1
            found.append(Prediction(id="0", sentiment=self.known.get(sample.text, feeling(0.1, 0.8, 0.1))))
        return found


def test_rate_is_wilsons():
    # Wilson's interval of 8 out of 10 as printed in textbooks.
    assert pass_rate([True] * 8 + [False] * 2) == {
        "n": 10,
        "passed": 8,
        "pass_rate": 0.8,
        "interval": [0.4902, 0.9433],
    }
    assert pass_rate([]) == {"n": 0, "passed": 0, "pass_rate": None, "interval": None}


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
def test_minimum_functionality(test, label, passing):
    case = Case(test, "c", "MFT", label, ["x"])
    answers = [feeling(0.8, 0.1, 0.1), feeling(0.1, 0.8, 0.1), feeling(0.1, 0.1, 0.8)]
    assert {a.label for a in answers if judge(case, [a])} == passing


def test_invariance():
    case = Case("typos", "c", "INV", None, ["x", "y"])
    sure, near, other = feeling(0.1, 0.4, 0.5), feeling(0.1, 0.46, 0.44), feeling(0.6, 0.3, 0.1)
    assert judge(case, [sure, feeling(0.0, 0.0, 1.0)])
    assert not judge(case, [sure, sure, near])
    assert is_invariant([sure, sure, near], 0.1)
    assert not is_invariant([sure, near, other], 0.1)


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
def test_direction(test, before, after, verdict):
    case = Case(test, "c", "DIR", None, ["x", "y"])
    assert judge(case, [feeling(*before), feeling(*after)]) is verdict


def test_cases_are_drawn_test_by_test(tmp_path):
    write_suite(
        tmp_path,
        [row("many", "MFT", [str(i)], 2) for i in range(500)] + [row("typos", "INV", ["good", "godo"])],
    )
    cases = read_cases(tmp_path, per_test=150)
    assert Counter(case.test for case in cases) == {"many": 150, "typos": 1}
    assert cases == read_cases(tmp_path, per_test=150)
    assert len(read_cases(tmp_path)) == 501


def test_scores_by_hand(tmp_path):
    write_suite(
        tmp_path,
        [
            row("words", "MFT", ["good"], 2, "Vocabulary"),
            row("words", "MFT", ["bad"], 0, "Vocabulary"),
            row("typos", "INV", ["good", "good."], None, "Robustness"),
            row("typos", "INV", ["good", "godo"], None, "Robustness"),
            row("typos", "INV", ["good", "dogo"], None, "Robustness"),
            row("reducers", "DIR", ["table", "rather table"], None, "Vocabulary"),
        ],
    )
    good = feeling(0.1, 0.4, 0.5)
    model = ByWord({"good": good, "good.": good, "godo": feeling(0.1, 0.46, 0.44)})
    found = run_checklist(model, read_cases(tmp_path))
    assert (found["cases"], found["texts"]) == (6, 10)
    assert max(model.asked.values()) == 1
    # "bad" is taken for neutral; the neutral original of the reducer is not judged.
    assert {name: (own["passed"], own["n"]) for name, own in found["tests"].items()} == {
        "words": (1, 2),
        "typos": (1, 3),
        "reducers": (0, 0),
    }
    assert found["tests"]["typos"]["tolerant"]["passed"] == 2
    assert found["tests"]["typos"]["capability"] == "Robustness"
    assert {name: (own["passed"], own["n"]) for name, own in found["capabilities"].items()} == {
        "Vocabulary": (1, 2),
        "Robustness": (1, 3),
    }
    assert found["types"]["DIR"]["pass_rate"] is None
    section = checklist_section({"model": found})
    assert section.rows[0][:3] == ("VOCABULARY", "", "0.500\u00a0(0.095\u00a0to\u00a00.905)\u00a0of\u00a02")
    assert (
        "typos",
        "INV",
        "0.667\u00a0(0.208\u00a0to\u00a00.939)\u00a0of\u00a03",
        "",
        "",
        "",
        "",
    ) in section.rows
    assert ("reducers", "DIR", "not judged", "", "", "", "") in section.rows


def test_published_rates_stand_beside_their_test(tmp_path):
    write_suite(tmp_path, [row("Q & A: no", "MFT", ["Is it good? No"], 0, "SRL")])
    section = checklist_section({"model": run_checklist(ByWord({}), read_cases(tmp_path))})
    assert section.header[3:] == ("Microsoft", "Google", "Amazon", "BERT-base")
    assert section.rows[1] == (
        "Q & A: no",
        "MFT",
        "1.000\u00a0(0.207\u00a0to\u00a01.000)\u00a0of\u00a01",
        "0.968",
        "0.908",
        "0.816",
        "0.554",
    )


def test_broken_suites_are_refused(tmp_path):
    with pytest.raises(CorpusNotFoundError, match="sentiment_suite"):
        read_cases(tmp_path)
    for broken in (
        {"test": "a"},
        row("a", "XYZ", ["b"]),
        row("a", "MFT", ["b"], 7),
        row("a", "MFT", []),
        row("a", "MFT", [1]),
        row("a", "MFT", "I love it"),
        row("a", "MFT", ["b"], [1]),
        row("a", "MFT", ["b"], 1.0),
        row("a", ["MFT"], ["b"]),
        row(["a"], "MFT", ["b"]),
        row("a", "DIR", ["b", "c"]),
    ):
        write_suite(tmp_path, [row("fine", "MFT", ["good"], 2), broken])
        with pytest.raises(CorpusFormatError, match=r"jsonl\.gz line 2: "):
            read_cases(tmp_path)
    write_suite(tmp_path, [])
    with pytest.raises(CorpusFormatError, match="has no case"):
        read_cases(tmp_path)
    (tmp_path / "sentiment_suite.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(CorpusFormatError, match="no complete gzip file"):
        read_cases(tmp_path)


def test_a_text_that_cannot_be_read_is_an_error():
    class Refusing:
        def predict(self, samples):
            return [Prediction(id="0", error=ErrorEntry("empty_text", "It is empty.")) for _ in samples]

    with pytest.raises(CorpusFormatError, match="It is empty"):
        run_checklist(Refusing(), [Case("a", "c", "MFT", 2, ["b"])])
