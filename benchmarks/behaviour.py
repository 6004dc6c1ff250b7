"""How the text models behave on short sentences whose answer people agree on.

    python benchmarks/behaviour.py --json benchmarks/behaviour.json [--models NAME ...] [--checklist FOLDER]

The suite is benchmarks/behaviour.jsonl, written for this purpose. Each line has an id, a category, a text and
the acceptable labels of `sentiment` (`sentiment3`) and `emotion` (`ekman7`); a part about which the text says
nothing certain is left out. A sentence passes when every part given is answered with one of its labels. The
rates `sentiment` and `emotion` count the sentences that give that part. A text that cannot be read fails.
Intervals are Wilson's, 95 %.

`--checklist` adds the sentiment suite of CheckList (Ribeiro et al., ACL 2020, "Beyond Accuracy: Behavioral
Testing of NLP Models with CheckList"): `sentiment_suite.jsonl.gz` in FOLDER, one case per line with `test`,
`type`, `label` (0 negative, 1 neutral, 2 positive, or null) and `texts`, the original first. At most 150
cases of each test are drawn, with seed 0. A case passes when all of its texts do:

- MFT, minimum functionality: the sentiment is the label. Where the suite asks only for "not negative" (no
  label, or the label neutral in "Q & A: no"), neutral and positive pass.
- INV, invariance: no perturbed text has another sentiment than the original. The authors' code forgives a
  change that moves the probability of the original's sentiment by less than 0.1; `tolerant` does so too.
- DIR, direction: the probability does not move the wrong way by more than 0.1. An added positive phrase must
  not lower P(positive) - P(negative), a negative one must not raise it. An intensifier must not lower the
  probability of the original's sentiment, a reducer or "used to" must not raise it; as in the authors' code,
  an original that is neutral, or too sure (0.9 or more) to be raised, is not judged.

`n` counts the cases judged; a type pools the cases of its tests.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import describe_machine
from scipy.stats import binomtest

from emofuse import Prediction, Predictor, Sample, Sentiment

SUITE = Path(__file__).with_suffix(".jsonl")
MODELS = ("text_bert_bilstm", "text_bilstm", "text_bilstm_open")
PARTS = ("sentiment", "emotion")

SENTIMENTS = ("negative", "neutral", "positive")
CASES_PER_TEST = 150
SEED = 0
TOLERANCE = 0.1
# +1: the perturbation may only raise what is compared, -1: only lower it.
PHRASES = {"add positive phrases": 1, "add negative phrases": -1}
MODIFIERS = {"intensifiers": 1, "reducers": -1, '"used to" should reduce': -1}


@dataclass(frozen=True)
class Sentence:
    """One line of the suite; `accepted` has the acceptable labels of each part that is given."""

    id: str
    category: str
    text: str
    accepted: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Case:
    """One case of CheckList: a text, or an original and its perturbations."""

    test: str
    kind: str
    label: int | None
    texts: Sequence[str]


def read_suite() -> list[Sentence]:
    """The sentences in the order of the file."""
    with SUITE.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Sentence(row["id"], row["category"], row["text"], {part: row[part] for part in PARTS if part in row})
        for row in rows
    ]


def read_checklist(folder: Path) -> list[Case]:
    """A sample of the cases, test by test."""
    tests: dict[str, list[Case]] = defaultdict(list)
    with gzip.open(folder / "sentiment_suite.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            tests[row["test"]].append(Case(row["test"], row["type"], row["label"], row["texts"]))
    drawn = random.Random(SEED)
    return [
        case
        for cases in tests.values()
        for case in (drawn.sample(cases, CASES_PER_TEST) if len(cases) > CASES_PER_TEST else cases)
    ]


def rate(verdicts: Sequence[bool]) -> dict[str, Any]:
    """How many passed, with the 95 % Wilson interval; both None when nothing was judged."""
    n, passed = len(verdicts), sum(verdicts)
    if n == 0:
        return {"n": 0, "passed": 0, "pass_rate": None, "interval": None}
    interval = binomtest(passed, n).proportion_ci(method="wilson")
    bounds = [round(float(bound), 4) for bound in (interval.low, interval.high)]
    return {"n": n, "passed": passed, "pass_rate": round(passed / n, 4), "interval": bounds}


def wrong_answers(sentence: Sentence, prediction: Prediction) -> dict[str, str | None]:
    """The parts that are answered with none of their acceptable labels; None stands for no answer."""
    found = {"sentiment": prediction.sentiment, "emotion": prediction.emotion}
    answers = {part: answer.label if answer else None for part, answer in found.items()}
    return {part: answers[part] for part, labels in sentence.accepted.items() if answers[part] not in labels}


def score(sentences: Sequence[Sentence], predictions: Sequence[Prediction]) -> dict[str, Any]:
    """Pass rates of the suite.

    Args:
        sentences: What was asked.
        predictions: The answers in the same order.

    Returns:
        `overall` and each of `categories` with the rates `all`, `sentiment` and `emotion`; `failures` with
        the wrong answers by the id of the sentence.
    """
    wrong = [wrong_answers(*pair) for pair in zip(sentences, predictions, strict=True)]
    rows: dict[str, list[int]] = defaultdict(list)
    for i, sentence in enumerate(sentences):
        rows[sentence.category].append(i)

    def rates(chosen: Sequence[int]) -> dict[str, Any]:
        parts = {
            part: rate([part not in wrong[i] for i in chosen if part in sentences[i].accepted])
            for part in PARTS
        }
        return {"all": rate([not wrong[i] for i in chosen]), **parts}

    return {
        "overall": rates(range(len(sentences))),
        "categories": {category: rates(chosen) for category, chosen in rows.items()},
        "failures": {s.id: answers for s, answers in zip(sentences, wrong, strict=True) if answers},
    }


def functions(case: Case, answer: Sentiment) -> bool:
    """Whether a minimum functionality test passes."""
    if case.label is None or (case.test == "Q & A: no" and SENTIMENTS[case.label] == "neutral"):
        return answer.label != "negative"
    return answer.label == SENTIMENTS[case.label]


def is_invariant(answers: Sequence[Sentiment], tolerance: float = 0.0) -> bool:
    """Whether every text keeps the sentiment of the first, or its probability within the tolerance."""
    first = answers[0]
    return all(
        answer.label == first.label or abs(answer.probabilities[first.label] - first.confidence) < tolerance
        for answer in answers
    )


def moves_rightly(test: str, answers: Sequence[Sentiment]) -> bool | None:
    """Whether a directional expectation is met; None when the original cannot be judged."""
    first = answers[0]
    if test in PHRASES:
        sign = PHRASES[test]
        compared = [a.probabilities["positive"] - a.probabilities["negative"] for a in answers]
    else:
        sign = MODIFIERS[test]
        if first.label == "neutral" or (sign < 0 and first.confidence >= 1 - TOLERANCE):
            return None
        compared = [a.probabilities[first.label] for a in answers]
    return all(sign * (value - compared[0]) >= -TOLERANCE for value in compared)


def judge(case: Case, answers: Sequence[Sentiment]) -> bool | None:
    """Whether a case passes; None when it cannot be judged."""
    if case.kind == "MFT":
        return functions(case, answers[0])
    return is_invariant(answers) if case.kind == "INV" else moves_rightly(case.test, answers)


def score_checklist(cases: Sequence[Case], answers: Sequence[Sequence[Sentiment]]) -> dict[str, Any]:
    """Pass rates of CheckList.

    Args:
        cases: What was asked.
        answers: For each case, the answers to its texts.

    Returns:
        The rate of each of `types` and of `tests`; where there are INV cases, with `tolerant` beside.
    """
    pairs = list(zip(cases, answers, strict=True))

    def rates(chosen: Sequence[tuple[Case, Sequence[Sentiment]]]) -> dict[str, Any]:
        judged = [judge(case, own) for case, own in chosen]
        tolerant = [is_invariant(own, TOLERANCE) for case, own in chosen if case.kind == "INV"]
        strict = rate([verdict for verdict in judged if verdict is not None])
        return {**strict, "tolerant": rate(tolerant)} if tolerant else strict

    kinds = dict.fromkeys(case.kind for case in cases)
    tests = {case.test: case.kind for case in cases}
    return {
        "types": {kind: rates([pair for pair in pairs if pair[0].kind == kind]) for kind in kinds},
        "tests": {
            test: {"type": kind, **rates([pair for pair in pairs if pair[0].test == test])}
            for test, kind in tests.items()
        },
    }


def run_checklist(predictor: Predictor, cases: Sequence[Case]) -> dict[str, Any]:
    """Read every text of the cases and score the answers."""
    predictions = iter(predictor.predict(Sample(text=text) for case in cases for text in case.texts))
    answers = [[_sentiment(next(predictions)) for _ in case.texts] for case in cases]
    drawn = {"cases": len(cases), "texts": sum(map(len, answers)), "per_test": CASES_PER_TEST, "seed": SEED}
    return {**drawn, **score_checklist(cases, answers)}


def _sentiment(prediction: Prediction) -> Sentiment:
    if prediction.sentiment is None:
        raise ValueError(f"A text of CheckList could not be read: {prediction.error}")
    return prediction.sentiment


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=MODELS, metavar="NAME")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--checklist", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    sentences = read_suite()
    cases = read_checklist(arguments.checklist) if arguments.checklist else []
    models: dict[str, Any] = {}
    for name in arguments.models:
        predictor = Predictor.load([name], threads=1)
        predictions = predictor.predict([Sample(text=sentence.text) for sentence in sentences])
        models[name] = {"version": predictions[0].models[name], **score(sentences, predictions)}
        if cases:
            models[name]["checklist"] = run_checklist(predictor, cases)
    record = {
        "command": f"python benchmarks/behaviour.py --models {' '.join(arguments.models)}"
        f" --json benchmarks/behaviour.json{' --checklist CHECKLIST' if cases else ''}",
        "machine": describe_machine(),
        "sentences": len(sentences),
        "models": models,
    }
    print(json.dumps({name: found["overall"] for name, found in models.items()}, indent=1))
    text = json.dumps(record, indent=1, ensure_ascii=False)
    arguments.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
