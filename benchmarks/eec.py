"""Gaps between groups of persons on the Equity Evaluation Corpus, and what closing them costs.

    python benchmarks/eec.py --data DATA --json benchmarks/eec.json [--models NAME ...] [--learned BUNDLE ...]

DATA holds text/{eec,goemotions,semeval2017_4a,emotion}. Each text model is audited as it is (`emofuse audit
text`) and with heads changed at the strength of `STRENGTHS` (`emofuse audit neutralize`); of the copy, the
accuracy on three test splits and the time per text are measured beside those of the original. How the largest
gap moves with the strength stands in `ladder`. The strengths were picked from such ladders: one number per
model is fitted to the corpus that it is judged by.

--learned takes bundles of recipes that start from one of the models and learn to read persons alike, such as
recipes/text_bert_bilstm_persons.yaml; they stand in `learned` by the name of their recipe.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from machine import describe_machine

from emofuse.datasets import load_adapter
from emofuse.datasets.eec import read_eec
from emofuse.evaluate import evaluate_bundle
from emofuse.evaluate.fairness import TextAudit, audit_text
from emofuse.export.neutral_heads import neutralize
from emofuse.runtime.bundle import ModelBundle, load_bundle
from emofuse.runtime.model_set import open_text_model

STRENGTHS = {"text_bert_bilstm": 1.0, "text_bilstm": 3.0, "text_bilstm_open": 7.0}
LADDER = {"text_bert_bilstm": (), "text_bilstm": (1.0, 10.0), "text_bilstm_open": (1.0, 3.0, 15.0)}
KEPT = {
    "goemotions_ekman": "text/goemotions",
    "semeval2017": "text/semeval2017_4a",
    "emotion": "text/emotion",
}
MEASURES = {
    "goemotions_ekman": "macro_f1",
    "emotion": "accuracy",
    "semeval2017": "macro_recall",
}
TIMED = 300


def largest(audit: TextAudit) -> dict[str, float]:
    """Group -> the largest mean absolute difference of its labels."""
    groups = dict.fromkeys(gap.group for gap in audit.gaps)
    return {
        group: round(max(gap.absolute.value for gap in audit.gaps if gap.group == group), 4)
        for group in groups
    }


def accuracy(bundle: ModelBundle, data: Path) -> dict[str, Any]:
    """One measure on each test split."""
    found = {}
    for corpus, measure in MEASURES.items():
        result = evaluate_bundle(bundle, corpus, data / KEPT[corpus])
        found[corpus] = {
            "measure": measure,
            "value": round(result.scores[measure], 4),
            "n": result.samples,
        }
    return found


def latency_ms(bundle: ModelBundle, data: Path) -> float:
    """Median time of one short text alone, one thread."""
    model = open_text_model(bundle, threads=1)
    texts = [s.text or "" for s in load_adapter("emotion").iter_samples(data / KEPT["emotion"], "validation")]
    times = []
    for text in texts[:TIMED]:
        start = time.perf_counter()
        model.predict([text])
        times.append(time.perf_counter() - start)
    return round(1000 * float(np.median(times)), 3)


def measure(name: str, data: Path, scratch: Path) -> dict[str, Any]:
    """Everything about one model."""
    sentences, bundle = read_eec(data / "text" / "eec"), load_bundle(name)
    audit = audit_text(bundle, sentences)
    ladder = {"0": largest(audit)}
    kept = {corpus: data / root for corpus, root in KEPT.items()}
    for strength in sorted({*LADDER[name], STRENGTHS[name]}):
        folder = scratch / name / f"{strength:g}"
        neutralize(bundle, kept, folder, strength=strength)
        changed = audit_text(load_bundle(str(folder)), sentences)
        ladder[f"{strength:g}"] = largest(changed)
        if strength == STRENGTHS[name]:
            chosen, after = load_bundle(str(folder)), changed
    return {
        "sha256": bundle.sha256,
        "as_it_is": audit.to_dict(),
        "ladder": ladder,
        "neutral": {
            "strength": STRENGTHS[name],
            "audit": after.to_dict(),
            "accuracy": {"before": accuracy(bundle, data), "after": accuracy(chosen, data)},
            "latency_ms": {"before": latency_ms(bundle, data), "after": latency_ms(chosen, data)},
        },
    }


def measure_learned(bundle: ModelBundle, data: Path) -> dict[str, Any]:
    """A bundle that learned to read persons alike."""
    audit = audit_text(bundle, read_eec(data / "text" / "eec"))
    effort = json.loads((bundle.path / "bundle.json").read_text(encoding="utf-8"))["effort"]
    return {
        "sha256": bundle.sha256,
        "recipe": bundle.recipe,
        "from": effort["init_from"],
        "cpu_hours": round(effort["cpu_hours"], 2),
        "largest": largest(audit),
        "audit": audit.to_dict(),
        "accuracy": accuracy(bundle, data),
    }


def main() -> None:
    """Measure and write the figures; models and bundles not named keep those that the file has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", nargs="*", default=list(STRENGTHS), metavar="NAME")
    parser.add_argument("--learned", nargs="*", default=[], metavar="BUNDLE")
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    before = json.loads(arguments.json.read_text()) if arguments.json.exists() else {}
    models, learned = before.get("models", {}), before.get("learned", {})
    with TemporaryDirectory() as scratch:
        for name in arguments.models:
            models[name] = measure(name, arguments.data, Path(scratch))
            print(name, json.dumps(models[name]["ladder"]))
            write(arguments.json, models, learned)
    for folder in arguments.learned:
        bundle = load_bundle(folder)
        learned[bundle.name] = measure_learned(bundle, arguments.data)
        print(bundle.name, json.dumps(learned[bundle.name]["largest"]))
        write(arguments.json, models, learned)


def write(path: Path, models: dict[str, Any], learned: dict[str, Any]) -> None:
    """Write the figures with what they were measured on."""
    models = {key: models[key] for key in STRENGTHS if key in models}
    record = {
        "command": "python benchmarks/eec.py --data DATA --json benchmarks/eec.json",
        "machine": describe_machine(),
        "model_sha256": {key: found["sha256"] for key, found in models.items()},
        "models": models,
        "learned": learned,
    }
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
