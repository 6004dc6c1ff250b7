"""The sentiment tests of CheckList: what a model should do with short texts, whatever it was trained on.

Ribeiro et al., ACL 2020, "Beyond Accuracy: Behavioral Testing of NLP Models with CheckList". A case passes
when all of its texts do:

- MFT, minimum functionality: the sentiment is the label. Where the suite asks only for "not negative" (no
  label, or the label neutral in "Q & A: no"), neutral and positive pass.
- INV, invariance: no perturbed text has another sentiment than the original. The authors' code forgives a
  change that moves the probability of the original's sentiment by less than 0.1; `tolerant` does so too.
- DIR, direction: the probability does not move the wrong way by more than 0.1. An added positive phrase must
  not lower P(positive) - P(negative), a negative one must not raise it. An intensifier must not lower the
  probability of the original's sentiment, a reducer or "used to" must not raise it; as in the authors' code,
  an original that is neutral, or too sure (0.9 or more) to be raised, is not judged.
"""

from __future__ import annotations

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from scipy.stats import binomtest

from emofuse.datasets.adapter import find_file, malformed
from emofuse.errors import CorpusFormatError
from emofuse.types import Prediction, Sample, Sentiment

__all__ = [
    "PUBLISHED",
    "Case",
    "is_invariant",
    "judge",
    "pass_rate",
    "read_cases",
    "run_checklist",
    "score_cases",
]

SUITE = "sentiment_suite.jsonl.gz"
SENTIMENTS = ("negative", "neutral", "positive")
SEED = 0
TOLERANCE = 0.1
CHUNK = 1000  # predictions held at a time
# +1: the perturbation may only raise what is compared, -1: only lower it.
PHRASES = {"add positive phrases": 1, "add negative phrases": -1}
MODIFIERS = {"intensifiers": 1, "reducers": -1, '"used to" should reduce': -1}

# Share of cases failed, from Table 1 of the paper as Zining Zhu's slides "Behavioral Testing" quote it
# (Interpretable-NLP talk 5, University of Toronto). The other rows could not be checked and are left out.
PUBLISHED: Mapping[str, Mapping[str, float]] = {
    "my opinion is what matters": {"Microsoft": 0.454, "Google": 0.624, "Amazon": 0.680, "BERT-base": 0.388},
    "Q & A: no": {"Microsoft": 0.968, "Google": 0.908, "Amazon": 0.816, "BERT-base": 0.554},
}


@dataclass(frozen=True)
class Case:
    """One case of CheckList: a text, or an original and its perturbations.

    Attributes:
        test: Name of the test.
        capability: What the test is about.
        kind: "MFT", "INV" or "DIR".
        label: 0 negative, 1 neutral, 2 positive, or None.
        texts: The original first.
    """

    test: str
    capability: str
    kind: str
    label: int | None
    texts: Sequence[str]


class Answering(Protocol):
    """What reads samples: a `Predictor`."""

    def predict(self, samples: Iterable[Sample]) -> list[Prediction]:
        """One prediction per sample, in order."""
        ...


def read_cases(folder: Path, *, per_test: int | None = None) -> list[Case]:
    """Read the suite, test by test.

    Args:
        folder: Holds `sentiment_suite.jsonl.gz`: one case per line with `test`, `capability`, `type`, `label`
            and `texts`.
        per_test: Most cases of a test; where there are more, they are drawn with seed 0. None takes all.

    Returns:
        The cases.

    Raises:
        CorpusNotFoundError: The file is not there.
        CorpusFormatError: There is no case, or a line does not follow the layout; names file and line.
    """
    path = find_file(folder, SUITE, folder="checklist_sentiment")
    tests: dict[str, list[Case]] = defaultdict(list)
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                case = _read_case(path, number, line)
                tests[case.test].append(case)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise CorpusFormatError(
            f"{path} is no complete gzip file of UTF-8 text: {error}.", item=str(path)
        ) from error
    if not tests:
        raise CorpusFormatError(f"{path} has no case.", item=str(path))
    drawn = random.Random(SEED)
    return [
        case
        for cases in tests.values()
        for case in (drawn.sample(cases, per_test) if per_test and len(cases) > per_test else cases)
    ]


def _read_case(path: Path, number: int, line: str) -> Case:
    try:
        row = json.loads(line)
        case = Case(row["test"], row["capability"], row["type"], row["label"], row["texts"])
    except (ValueError, KeyError, TypeError) as error:
        raise malformed(path, number, f"not a case of CheckList ({error!r}).") from error
    names = (case.test, case.capability, case.kind)
    known = all(isinstance(name, str) for name in names) and case.kind in {"MFT", "INV", "DIR"}
    labelled = case.label is None or (isinstance(case.label, int) and case.label in {0, 1, 2})
    texts = isinstance(case.texts, list) and case.texts and all(isinstance(text, str) for text in case.texts)
    if not (known and labelled and texts):
        raise malformed(path, number, "not a case of CheckList (unknown type or label, or no list of texts).")
    if case.kind == "DIR" and case.test not in PHRASES | MODIFIERS:
        raise malformed(path, number, f"nothing is known about the direction of the test {case.test!r}.")
    return case


def pass_rate(verdicts: Sequence[bool]) -> dict[str, Any]:
    """How many passed, with the 95 % Wilson interval; both None when nothing was judged."""
    n, passed = len(verdicts), sum(verdicts)
    if n == 0:
        return {"n": 0, "passed": 0, "pass_rate": None, "interval": None}
    interval = binomtest(passed, n).proportion_ci(method="wilson")
    bounds = [round(float(bound), 4) for bound in (interval.low, interval.high)]
    return {"n": n, "passed": passed, "pass_rate": round(passed / n, 4), "interval": bounds}


def judge(case: Case, answers: Sequence[Sentiment]) -> bool | None:
    """Whether a case passes; None when it cannot be judged."""
    if case.kind == "MFT":
        return _functions(case, answers[0])
    return is_invariant(answers) if case.kind == "INV" else _moves_rightly(case.test, answers)


def is_invariant(answers: Sequence[Sentiment], tolerance: float = 0.0) -> bool:
    """Whether every text keeps the sentiment of the first, or its probability within the tolerance."""
    first = answers[0]
    return all(
        answer.label == first.label or abs(answer.probabilities[first.label] - first.confidence) < tolerance
        for answer in answers
    )


def _functions(case: Case, answer: Sentiment) -> bool:
    if case.label is None or (case.test == "Q & A: no" and SENTIMENTS[case.label] == "neutral"):
        return answer.label != "negative"
    return answer.label == SENTIMENTS[case.label]


def _moves_rightly(test: str, answers: Sequence[Sentiment]) -> bool | None:
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


def score_cases(cases: Sequence[Case], answers: Sequence[Sequence[Sentiment]]) -> dict[str, Any]:
    """Pass rates of CheckList.

    Args:
        cases: What was asked.
        answers: For each case, the answers to its texts.

    Returns:
        The rate (`pass_rate`) of each of `types`, `capabilities` and `tests`; `n` counts the cases judged, a
        type or capability pools the cases of its tests. Where there are INV cases, with `tolerant` beside.
    """
    pairs = list(zip(cases, answers, strict=True))
    tests = {case.test: case for case in cases}
    return {
        "types": _pooled(pairs, lambda case: case.kind),
        "capabilities": _pooled(pairs, lambda case: case.capability),
        "tests": {
            name: {"type": tests[name].kind, "capability": tests[name].capability, **rates}
            for name, rates in _pooled(pairs, lambda case: case.test).items()
        },
    }


def _pooled(
    pairs: Sequence[tuple[Case, Sequence[Sentiment]]], key: Callable[[Case], str]
) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[tuple[Case, Sequence[Sentiment]]]] = defaultdict(list)
    for case, answers in pairs:
        groups[key(case)].append((case, answers))
    return {name: _rates(group) for name, group in groups.items()}


def _rates(pairs: Sequence[tuple[Case, Sequence[Sentiment]]]) -> dict[str, Any]:
    strict = [judge(case, answers) for case, answers in pairs]
    rates = pass_rate([verdict for verdict in strict if verdict is not None])
    if all(case.kind != "INV" for case, _ in pairs):
        return rates
    tolerant = [
        is_invariant(answers, TOLERANCE) if case.kind == "INV" else verdict
        for (case, answers), verdict in zip(pairs, strict, strict=True)
    ]
    return {**rates, "tolerant": pass_rate([verdict for verdict in tolerant if verdict is not None])}


def run_checklist(predictor: Answering, cases: Sequence[Case]) -> dict[str, Any]:
    """Put cases to a model.

    Args:
        predictor: The model; a text that occurs twice is read once.
        cases: From `read_cases`.

    Returns:
        `cases`, `texts` (their number with repetitions) and what `score_cases` returns.

    Raises:
        CorpusFormatError: A text cannot be read.
    """
    texts = list(dict.fromkeys(text for case in cases for text in case.texts))
    found: dict[str, Sentiment] = {}
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        predictions = predictor.predict(Sample(text=text) for text in chunk)
        found |= {text: _sentiment(text, own) for text, own in zip(chunk, predictions, strict=True)}
    answers = [[found[text] for text in case.texts] for case in cases]
    return {"cases": len(cases), "texts": sum(map(len, answers)), **score_cases(cases, answers)}


def _sentiment(text: str, prediction: Prediction) -> Sentiment:
    if prediction.sentiment is None:
        message = prediction.error.message if prediction.error else "no sentiment"
        raise CorpusFormatError(
            f"The text {text[:40]!r} of the suite cannot be read: {message}", item=text[:40]
        )
    return prediction.sentiment
