"""What the drift of the default text model shows on texts like those it knows, and on others.

    python benchmarks/drift.py --data DATA --json benchmarks/drift.json

Windows are drawn without replacement (seed 0) and compared with the reference in the bundle, which comes from
the validation splits of GoEmotions, of the emotion corpus and of SemEval-2017. The same mixture of their test
splits shows how often chance alone raises an alarm; the others are corpora of another kind, German, or typed
badly. A window may also hold other texts in a part of it only. Beside it stands what the reference from
somebody's own predictions does: GoEmotions alone, validation against test.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe_machine

from emofuse import Predictor, Sample
from emofuse.datasets import BrighterAdapter, load_adapter
from emofuse.evaluate.reference import count_reference
from emofuse.evaluate.text_corruptions import add_typos
from emofuse.metrics import ks_critical_value
from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.drift import DriftWindow, FeatureDrift, judge, read_values
from emofuse.runtime.input_features import TextMeter
from emofuse.runtime.reference import Reference, parse_reference
from emofuse.serve.monitoring import Monitor
from emofuse.types import Prediction

MODEL = "text_bert_bilstm"
SEED = 0
WINDOWS = 500
SIZES = (400, 500, 2000)
USED = 500  # window of the other tables
MOST = 2500  # texts of a corpus of another kind
LONG = 1200  # of a corpus of reviews
TYPOS = 0.1  # chance of each letter
PARTS = (0.1, 0.25, 0.5)
ALPHA = 0.01
ROUNDS = 100
MIXTURE = {
    "goemotions": ("text/goemotions", 5426),
    "emotion": ("text/emotion", 2000),
    "semeval2017": ("text/semeval2017_4a", 2434),
}

Row = Mapping[str, Any]


def read_texts(data: Path) -> dict[str, list[str]]:
    """The texts of each kind."""
    found = {
        name: _draw(_texts(load_adapter(name), data / root, "test"), most)
        for name, (root, most) in MIXTURE.items()
    }
    random = np.random.default_rng(SEED)
    found["goemotions validation"] = _texts(
        load_adapter("goemotions"), data / "text/goemotions", "validation"
    )
    found["meld"] = _draw(_texts(load_adapter("meld"), data / "text/meld", "test"), MOST)
    found["imdb"] = _draw(_texts(load_adapter("imdb"), data / "text/imdb", "test"), LONG)
    german = BrighterAdapter(language="deu")
    found["German"] = _draw(_texts(german, data / "text/brighter", "test"), MOST)
    found["typos"] = [add_typos(text, TYPOS, random) for text in found["goemotions"][:MOST]]
    return found


def _texts(adapter: Any, root: Path, split: str) -> list[str]:
    return [sample.text for sample in adapter.iter_samples(root, split) if sample.text]


def _draw(texts: Sequence[str], most: int) -> list[str]:
    order = np.random.default_rng(SEED).permutation(len(texts))[:most]
    return [texts[i] for i in sorted(order)]


def read_rows(predictor: Predictor, meter: TextMeter, texts: Sequence[str]) -> list[Row]:
    """The features of each text that can be read."""
    answers = predictor.predict(Sample(text=text) for text in texts)
    pairs = ((text, list(read_values(answer, set()))) for text, answer in zip(texts, answers, strict=True))
    return [{**meter.measure(text), **found[0][1]} for text, found in pairs if found]


def compare(reference: Reference, rows: Sequence[Row]) -> list[FeatureDrift]:
    """One window."""
    window = DriftWindow(MODEL, reference)
    for row in rows:
        window.add(row)
    return window.compare()


def measure(reference: Reference, rows: Sequence[Row], size: int) -> dict[str, Any]:
    """Many windows of one kind."""
    return {"n": len(rows), **measure_part(reference, rows, rows, size, 1.0)}


def measure_part(
    reference: Reference, rows: Sequence[Row], usual: Sequence[Row], size: int, part: float
) -> dict[str, Any]:
    """Many windows of which a part is of another kind, the rest as usual."""
    random = np.random.default_rng(SEED)
    other, windows = round(size * part), []
    for _ in range(WINDOWS):
        chosen = [rows[i] for i in random.choice(len(rows), other, replace=False)]
        chosen += [usual[i] for i in random.choice(len(usual), size - other, replace=False)]
        windows.append(compare(reference, chosen))
    return {"part": part, "window": size, **_summarise(windows, reference.n, size)}


def _summarise(windows: Sequence[Sequence[FeatureDrift]], n: int, m: int) -> dict[str, Any]:
    verdicts = [judge(found) for found in windows]
    critical = ks_critical_value(n, m, ALPHA)
    features = {}
    for found in windows[0]:
        own = [next(f for f in window if f.feature == found.feature) for window in windows]
        features[found.feature] = {
            "psi": _mean([f.psi for f in own]),
            "psi_95": round(float(np.quantile([f.psi for f in own], 0.95)), 4),
            "psi_by_chance": round(found.psi_by_chance, 4),
            "watch": _mean([f.verdict == "watch" for f in own]),
            "shifted": _mean([f.verdict == "shifted" for f in own]),
            "ks": None if found.ks is None else _mean([f.ks or 0.0 for f in own]),
            "ks_above_critical": None if found.ks is None else _mean([(f.ks or 0.0) > critical for f in own]),
        }
    return {
        "watch": _mean([verdict == "watch" for verdict in verdicts]),
        "shifted": _mean([verdict == "shifted" for verdict in verdicts]),
        "features": features,
    }


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4)


def time_observe(texts: Sequence[str], answers: Sequence[Prediction]) -> float:
    """Microseconds of CPU time a request, the best of many rounds: others share the machine."""
    monitor = Monitor([load_bundle(name) for name in (MODEL, "fusion_default")])
    stages = {"queue": 0.001, "model": 0.003, "total": 0.005}
    samples, best = [Sample(text=text) for text in texts], float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        for sample, answer in zip(samples, answers, strict=True):
            monitor.observe(sample, answer)
            monitor.observe_request("/v1/predict", stages)
        best = min(best, time.process_time() - start)
    return round(1e6 * best / len(samples), 1)


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    bundle = load_bundle(MODEL)
    assert bundle.reference is not None
    texts, meter, predictor = (
        read_texts(arguments.data),
        TextMeter(bundle),
        Predictor.load([MODEL], threads=1),
    )
    rows = {}
    for name, own in texts.items():
        rows[name] = read_rows(predictor, meter, own)
        print(name, len(rows[name]), flush=True)
    usual = [row for name in MIXTURE for row in rows[name]]
    own = parse_reference(count_reference(rows["goemotions validation"]))
    few = texts["goemotions"][:400]
    others = ("goemotions", "emotion", "semeval2017", "meld", "imdb", "German", "typos")
    record = {
        "command": "python benchmarks/drift.py --data DATA --json benchmarks/drift.json",
        "machine": describe_machine(),
        "model_sha256": {MODEL: bundle.sha256},
        "seed": SEED,
        "windows": WINDOWS,
        "reference_n": bundle.reference.n,
        "alpha": ALPHA,
        "observe_us": time_observe(few, predictor.predict(Sample(text=text) for text in few)),
        "usual": [measure(bundle.reference, usual, size) for size in SIZES],
        "own_reference": [measure(own, rows["goemotions"], size) for size in SIZES],
        "others": {name: measure(bundle.reference, rows[name], USED) for name in others},
        "parts": {
            name: [measure_part(bundle.reference, rows[name], usual, USED, part) for part in PARTS]
            for name in ("imdb", "German", "typos")
        },
    }
    arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
