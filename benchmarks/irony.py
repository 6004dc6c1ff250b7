r"""What sarcasm does to the text models, whether it can be found, and whether a warning would help.

    emofuse train recipes/irony_minilm.yaml --data-root DATA
    emofuse export runs/irony_minilm -o runs/irony_minilm/bundle
    python benchmarks/irony.py --root DATA/text/isarcasmeval --semeval DATA/text/semeval2017_4a \\
        --head runs/irony_minilm/bundle --json benchmarks/irony.json

`readings`: the official test tweets of iSarcasmEval, sarcastic and literal, and its pairs of a sarcastic
tweet and what its author says it means (867 of the training tweets, 200 of subtask C; no embedded model ever
saw the corpus). What a model reads in the rephrase stands for what the author meant. That is no gold, since
models misread rephrases too; but such mistakes point both ways.

`heads`: subtask A, English. Each head chooses its strength and its threshold by the F1 of the sarcastic class
on our validation split, never on the test split. 95 % bootstrap intervals over the test tweets, seed 7.

`warnings`: how often the sentiment of `text_bert_bilstm` is wrong among texts that a head warns of and among
the others, by three rules. `loose` takes the threshold of the best F1; `strict` looks only at texts that are
read as positive, and takes the threshold that 5 % of the literal validation tweets reach; `sure` does so
among those read as positive with a probability of 0.8 or more, which confidence lets pass. `unsure` warns of
as many of the same texts without any head: those of least confidence.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe_machine
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, precision_recall_fscore_support, roc_auc_score
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

from emofuse import load_bundle
from emofuse.datasets import load_adapter
from emofuse.datasets.isarcasmeval import read_rephrases
from emofuse.preprocess import normalize_text
from emofuse.runtime.bundle import ModelBundle
from emofuse.runtime.model_set import open_text_model
from emofuse.types import FloatArray

SUITE = Path(__file__).parent / "behaviour.jsonl"
MODELS = ("text_bert_bilstm", "text_bilstm", "text_bilstm_open")
DEFAULT, IRONY = MODELS[0], "own:literal|sarcastic"
NEGATIVE, POSITIVE = 0, 2
SURE = 0.8
STRENGTHS = (0.01, 0.1, 1.0, 10.0)
RESAMPLES, SEED = 1000, 7
Texts = Sequence[str]
Score = Callable[[Texts], NDArray[Any]]
Heads = dict[str, tuple[Score, dict[str, float]]]  # P(sarcastic), and the threshold of each rule
FALSE_ALARMS = 0.05


def read_sentiments(model: Any, texts: Texts) -> tuple[FloatArray, FloatArray]:
    """Sentiment and emotion distributions, (n, 3) and (n, 7)."""
    readings = model.predict(texts)
    return tuple(np.stack([own.read_as(name) for own in readings]) for name in ("sentiment3", "ekman7"))


def measure_readings(test: tuple[Texts, NDArray[Any]], pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Each embedded text model on sarcastic and literal texts."""
    abstain = load_bundle("fusion_default").thresholds["abstain"]
    found = {}
    for name in MODELS:
        model = open_text_model(load_bundle(name), threads=1)
        feelings, emotions = read_sentiments(model, test[0])
        kinds = {
            kind: {
                "n": int(own.sum()),
                "confidence": _mean(feelings[own].max(axis=1)),
                "positive": _mean(feelings[own].argmax(axis=1) == POSITIVE),
                "negative": _mean(feelings[own].argmax(axis=1) == NEGATIVE),
                "emotion_confidence": _mean(emotions[own].max(axis=1)),
                "abstained": _mean(emotions[own].max(axis=1) < abstain),
            }
            for kind, own in (("sarcastic", test[1] == 1), ("literal", test[1] == 0))
        }
        said, _ = read_sentiments(model, [sarcastic for sarcastic, _ in pairs])
        meant, _ = read_sentiments(model, [literal for _, literal in pairs])
        sure = meant.max(axis=1) >= SURE
        found[name] = {
            "test": kinds,
            "pairs": compare_pairs(said, meant),
            "pairs_with_a_sure_rephrase": compare_pairs(said[sure], meant[sure]),
        }
    return found


def compare_pairs(said: FloatArray, meant: FloatArray) -> dict[str, Any]:
    """How often what is read in a sarcastic text differs from what is read in its rephrase."""
    one, other = said.argmax(axis=1), meant.argmax(axis=1)
    negative = other == NEGATIVE
    return {
        "n": len(one),
        "differ": _share(one != other),
        "positive_for_negative": _share((one == POSITIVE) & (other == NEGATIVE)),
        "negative_for_positive": _share((one == NEGATIVE) & (other == POSITIVE)),
        "meant_negative": int(negative.sum()),
        "meant_negative_read_negative": _share(one[negative] == NEGATIVE),
        "confidence_where_they_differ": _mean(said[one != other].max(axis=1)),
    }


def fit_heads(data: dict[str, tuple[Texts, NDArray[Any]]], trained: ModelBundle) -> Heads:
    """Name -> function from texts to P(sarcastic), and its thresholds."""
    reader = open_text_model(load_bundle(DEFAULT), threads=1)
    network = open_text_model(trained, threads=1)

    def embed(texts: Texts) -> NDArray[Any]:
        return np.stack([own.embedding for own in reader.predict(texts, deep=True)])

    def score(texts: Texts) -> NDArray[Any]:
        return np.array([own.probabilities[IRONY][1] for own in network.predict(texts)])

    words = TfidfVectorizer(preprocessor=_clean, ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    letters = TfidfVectorizer(
        preprocessor=_clean, analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True
    )
    heads = {
        "TF-IDF + logistic regression": _fit(data, lambda texts: texts, [make_union(words, letters)]),
        f"embeddings of {DEFAULT} + logistic regression": _fit(data, embed, [StandardScaler()]),
        "MiniLM fine-tuned (recipes/irony_minilm.yaml)": score,
    }
    return {
        name: (own, choose_thresholds(own(data["validation"][0]), data["validation"][1]))
        for name, own in heads.items()
    }


def _fit(
    data: dict[str, tuple[Texts, NDArray[Any]]], prepare: Callable[[Texts], Any], steps: list[Any]
) -> Score:
    learned, trial = prepare(data["train"][0]), prepare(data["validation"][0])

    def fit(strength: float) -> Any:
        regression = LogisticRegression(C=strength, class_weight="balanced", max_iter=3000)
        return make_pipeline(*steps, regression).fit(learned, data["train"][1])

    def quality(strength: float) -> float:
        found = fit(strength).predict_proba(trial)[:, 1]
        return best_f1(found, data["validation"][1])[0]

    model = fit(max(STRENGTHS, key=quality))
    return lambda texts: np.asarray(model.predict_proba(prepare(texts))[:, 1])


def best_f1(scores: NDArray[Any], truth: NDArray[Any]) -> tuple[float, float]:
    """The best F1 of the positive class, and the threshold that reaches it."""
    return max((float(f1_score(truth, scores >= cut)), float(cut)) for cut in np.unique(scores))


def choose_thresholds(scores: NDArray[Any], truth: NDArray[Any]) -> dict[str, float]:
    """The threshold of the best F1, and that which few literal texts reach."""
    strict = float(np.quantile(scores[truth == 0], 1 - FALSE_ALARMS))
    return {"loose": best_f1(scores, truth)[1], "strict": strict}


def measure_heads(
    heads: Heads, test: tuple[Texts, NDArray[Any]], pairs: Sequence[tuple[str, str]]
) -> list[dict[str, Any]]:
    """Subtask A of each head, and how often it tells a sarcastic text from its rephrase."""
    always = np.ones(len(test[1]), dtype=bool)
    rows = [
        {"name": "always sarcastic"} | score_head(always.astype(float), always, test[1]) | {"pairs": None}
    ]
    for name, (score, cuts) in heads.items():
        found, cut = score(test[0]), cuts["loose"]
        ahead = score([sarcastic for sarcastic, _ in pairs]) > score([literal for _, literal in pairs])
        rows.append(
            {"name": name, "threshold": round(cut, 4)}
            | score_head(found, found >= cut, test[1])
            | {"strict": score_head(found, found >= cuts["strict"], test[1])}
            | {"pairs": _share(ahead), "pairs_n": len(pairs)}
        )
    return rows


def score_head(scores: NDArray[Any], fired: NDArray[Any], truth: NDArray[Any]) -> dict[str, Any]:
    """Precision, recall and F1 of the sarcastic class with an interval, and AUC."""
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth, fired, average="binary", zero_division=0
    )
    drawn = _bootstrap(len(truth), lambda rows: float(f1_score(truth[rows], fired[rows], zero_division=0)))
    return {
        "n": len(truth),
        "precision": round(float(precision), 4),
        "recall": round(float(recall), 4),
        "f1": round(float(f1), 4),
        "f1_interval": drawn,
        "auc": round(float(roc_auc_score(truth, scores)), 4),
    }


def measure_warnings(heads: Heads, sets: dict[str, tuple[Texts, list[set[int]]]]) -> list[dict[str, Any]]:
    """Errors of the default model's sentiment among warned texts and others, per set and head."""
    model = open_text_model(load_bundle(DEFAULT), threads=1)
    rows = []
    for name, (texts, gold) in sets.items():
        feelings, _ = read_sentiments(model, texts)
        wrong = np.array([best not in own for best, own in zip(feelings.argmax(axis=1), gold, strict=True)])
        everything = np.ones(len(texts), dtype=bool)
        positive = feelings.argmax(axis=1) == POSITIVE
        certain = positive & (feelings.max(axis=1) >= SURE)
        for head, (score, cuts) in heads.items():
            found = score(texts)
            for rule, own, cut in (
                ("loose", everything, cuts["loose"]),
                ("strict", positive, cuts["strict"]),
                ("sure", certain, cuts["strict"]),
            ):
                warned, sure = found[own] >= cut, feelings[own].max(axis=1)
                unsure = np.zeros_like(warned)
                unsure[np.argsort(sure, kind="stable")[: int(warned.sum())]] = True
                rows.append(
                    {"texts": name, "head": head, "rule": rule, "n": len(warned), "wrong": _share(wrong[own])}
                    | {"warning": compare_errors(wrong[own], warned)}
                    | {"unsure": compare_errors(wrong[own], unsure)}
                )
    return rows


def compare_errors(wrong: NDArray[Any], warned: NDArray[Any]) -> dict[str, Any]:
    """Share wrong among the warned and the others, and the difference with its interval."""
    if warned.all() or not warned.any():
        return {"warned": int(warned.sum()), "wrong_warned": None, "wrong_others": None, "difference": None}

    def differ(rows: NDArray[Any]) -> float:
        own, marked = wrong[rows], warned[rows]
        return (
            float(own[marked].mean() - own[~marked].mean()) if 0 < marked.sum() < len(rows) else float("nan")
        )

    return {
        "warned": int(warned.sum()),
        "wrong_warned": _share(wrong[warned]),
        "wrong_others": _share(wrong[~warned]),
        "difference": round(differ(np.arange(len(wrong))), 4),
        "interval": _bootstrap(len(wrong), differ),
    }


def gold_sets(
    arguments: argparse.Namespace, test: Sequence[tuple[str, str]]
) -> dict[str, tuple[Texts, list[set[int]]]]:
    """Texts with the sentiments (indices of `sentiment3`) that are right."""
    model = open_text_model(load_bundle(DEFAULT), threads=1)
    meant, _ = read_sentiments(model, [literal for _, literal in test])
    tweets = list(load_adapter("semeval2017").iter_samples(arguments.semeval, "test"))
    order = ("negative", "neutral", "positive")
    suite = [json.loads(line) for line in SUITE.read_text(encoding="utf-8").splitlines()]
    suite = [row for row in suite if "sentiment" in row]
    return {
        "sarcastic tweets of subtask C, against their rephrase": (
            [sarcastic for sarcastic, _ in test],
            [{int(best)} for best in meant.argmax(axis=1)],
        ),
        "SemEval-2017 test": (
            [str(tweet.text) for tweet in tweets],
            [{order.index(label) for label in tweet.labels["sentiment3"]} for tweet in tweets],
        ),
        "behavioural sentences": (
            [row["text"] for row in suite],
            [{order.index(label) for label in row["sentiment"]} for row in suite],
        ),
    }


def warned_categories(heads: Heads) -> dict[str, dict[str, float]]:
    """Share of the behavioural sentences that each head fires on by the strict threshold."""
    suite = [json.loads(line) for line in SUITE.read_text(encoding="utf-8").splitlines()]
    sarcastic = np.array([row["category"] == "sarcasm" for row in suite])
    found = {}
    for name, (score, cuts) in heads.items():
        warned = score([row["text"] for row in suite]) >= cuts["strict"]
        found[name] = {"sarcasm": _share(warned[sarcastic]), "others": _share(warned[~sarcastic])}
    return found


def _bootstrap(n: int, measure: Callable[[NDArray[Any]], float]) -> list[float]:
    random = np.random.default_rng(SEED)
    drawn = [measure(random.integers(0, n, n)) for _ in range(RESAMPLES)]
    return [round(float(end), 4) for end in np.nanpercentile(drawn, [2.5, 97.5])]


def _clean(text: str) -> str:
    return normalize_text(text)[0].lower()


def _share(flags: NDArray[Any]) -> float:
    return round(float(np.mean(flags)), 4)


def _mean(values: NDArray[Any]) -> float:
    return round(float(np.mean(values)), 4)


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--semeval", type=Path, required=True)
    parser.add_argument("--head", type=Path, required=True, help="Bundle of recipes/irony_minilm.yaml.")
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    data = {}
    for split in ("train", "validation", "test"):
        samples = list(load_adapter("isarcasmeval").iter_samples(arguments.root, split))
        sarcastic = np.array([int("sarcastic" in sample.labels["own"]) for sample in samples])
        data[split] = ([str(sample.text) for sample in samples], sarcastic)
    pairs = {split: read_rephrases(arguments.root, split) for split in ("train", "test")}
    heads = fit_heads(data, load_bundle(arguments.head))
    record = {
        "command": "benchmarks/irony.py --root ISARCASMEVAL --semeval SEMEVAL2017 "
        "--head runs/irony_minilm/bundle --json benchmarks/irony.json",
        "machine": describe_machine(),
        "model_sha256": {name: load_bundle(name).sha256 for name in MODELS},
        "samples": {split: {"n": len(own[1]), "sarcastic": int(own[1].sum())} for split, own in data.items()},
        "readings": measure_readings(data["test"], [*pairs["train"], *pairs["test"]]),
        "heads": measure_heads(heads, data["test"], pairs["test"]),
        "warnings": measure_warnings(heads, gold_sets(arguments, pairs["test"])),
        "warned_sentences": warned_categories(heads),
    }
    print(json.dumps(record, indent=1))
    arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
