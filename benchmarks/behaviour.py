"""How the text models behave on short sentences whose answer people agree on.

    python benchmarks/behaviour.py --json benchmarks/behaviour.json [--models NAME ...] [--checklist FOLDER]

The suite is benchmarks/behaviour.jsonl, written for this purpose. Each line has an id, a category, a text and
the acceptable labels of `sentiment` (`sentiment3`) and `emotion` (`ekman7`); a part about which the text says
nothing certain is left out. A sentence passes when every part given is answered with one of its labels. The
rates `sentiment` and `emotion` count the sentences that give that part. A text that cannot be read fails.
Intervals are Wilson's, 95 %.

`--checklist` adds the sentiment suite of CheckList, `sentiment_suite.jsonl.gz` in FOLDER, judged as
`emofuse.evaluate.checklist` says. At most 150 cases of each test are drawn, with seed 0; all of them
stand in benchmarks/checklist.json. `n` counts the cases judged; a type pools the cases of its tests.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import describe_machine

from emofuse import Prediction, Predictor, Sample
from emofuse.evaluate.checklist import SEED, Case, pass_rate, read_cases, run_checklist

SUITE = Path(__file__).with_suffix(".jsonl")
MODELS = ("text_bert_bilstm", "text_bilstm", "text_bilstm_open")
PARTS = ("sentiment", "emotion")

CASES_PER_TEST = 150


@dataclass(frozen=True)
class Sentence:
    """One line of the suite; `accepted` has the acceptable labels of each part that is given."""

    id: str
    category: str
    text: str
    accepted: Mapping[str, Sequence[str]]


def read_suite() -> list[Sentence]:
    """The sentences in the order of the file."""
    with SUITE.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Sentence(row["id"], row["category"], row["text"], {part: row[part] for part in PARTS if part in row})
        for row in rows
    ]


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
            part: pass_rate([part not in wrong[i] for i in chosen if part in sentences[i].accepted])
            for part in PARTS
        }
        return {"all": pass_rate([not wrong[i] for i in chosen]), **parts}

    return {
        "overall": rates(range(len(sentences))),
        "categories": {category: rates(chosen) for category, chosen in rows.items()},
        "failures": {s.id: answers for s, answers in zip(sentences, wrong, strict=True) if answers},
    }


def put_checklist(predictor: Predictor, cases: Sequence[Case]) -> dict[str, Any]:
    """Pass rates by type and by test."""
    found = run_checklist(predictor, cases)
    drawn = {"cases": found["cases"], "texts": found["texts"], "per_test": CASES_PER_TEST, "seed": SEED}
    return {**drawn, "types": found["types"], "tests": found["tests"]}


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=MODELS, metavar="NAME")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--checklist", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    sentences = read_suite()
    cases = read_cases(arguments.checklist, per_test=CASES_PER_TEST) if arguments.checklist else []
    models: dict[str, Any] = {}
    for name in arguments.models:
        predictor = Predictor.load([name], threads=1)
        predictions = predictor.predict([Sample(text=sentence.text) for sentence in sentences])
        models[name] = {"version": predictions[0].models[name], **score(sentences, predictions)}
        if cases:
            models[name]["checklist"] = put_checklist(predictor, cases)
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
