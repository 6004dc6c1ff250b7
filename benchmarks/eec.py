"""Gaps between groups of persons on the Equity Evaluation Corpus, and what closing them costs.

    python benchmarks/eec.py --data DATA --json benchmarks/eec.json [--models NAME...] [--teachers BUNDLE...]

DATA holds text/{eec,goemotions,semeval2017_4a,emotion}. Each text model is audited as it is (`emofuse audit
text`), and its accuracy on three test splits is measured; those of `STRENGTHS` also with heads changed
(`emofuse audit neutralize`), and the time per text before and after. How the largest gap moves with the
strength stands in `ladder`. The strengths were picked from such ladders: one number per model is fitted to
the corpus that it is judged by.

--teachers takes bundles that a model learned from and then learned to read persons alike, such as that of
recipes/text_bert_bilstm_teacher.yaml: what it was before.
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

MODELS = ("text_bert_bilstm", "text_bilstm", "text_bilstm_open")
STRENGTHS = {"text_bilstm": 3.0, "text_bilstm_open": 7.0}
LADDER = {"text_bilstm": (1.0, 10.0), "text_bilstm_open": (1.0, 3.0, 15.0)}
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


def measure(bundle: ModelBundle, data: Path, scratch: Path) -> dict[str, Any]:
    """Everything about one model."""
    sentences, name = read_eec(data / "text" / "eec"), bundle.name
    audit = audit_text(bundle, sentences)
    ladder = {"0": largest(audit)}
    found = {
        "sha256": bundle.sha256,
        "as_it_is": audit.to_dict(),
        "accuracy": accuracy(bundle, data),
        "ladder": ladder,
    }
    if name not in STRENGTHS:
        return found
    kept = {corpus: data / root for corpus, root in KEPT.items()}
    for strength in sorted({*LADDER[name], STRENGTHS[name]}):
        folder = scratch / name / f"{strength:g}"
        neutralize(bundle, kept, folder, strength=strength)
        changed = audit_text(load_bundle(str(folder)), sentences)
        ladder[f"{strength:g}"] = largest(changed)
        if strength == STRENGTHS[name]:
            chosen, after = load_bundle(str(folder)), changed
    neutral = {
        "strength": STRENGTHS[name],
        "audit": after.to_dict(),
        "accuracy": accuracy(chosen, data),
        "latency_ms": {"before": latency_ms(bundle, data), "after": latency_ms(chosen, data)},
    }
    return {**found, "neutral": neutral}


def starts_from(name: str) -> str | None:
    """What the recipe of an embedded model began with."""
    manifest = json.loads((load_bundle(name).path / "bundle.json").read_text(encoding="utf-8"))
    begun: str | None = manifest["effort"].get("init_from")
    return begun


def main() -> None:
    """Measure and write the figures; models and bundles not named keep those that the file has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", nargs="*", default=MODELS, metavar="NAME")
    parser.add_argument("--teachers", nargs="*", default=[], metavar="BUNDLE")
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    before = json.loads(arguments.json.read_text()) if arguments.json.exists() else {}
    models, teachers = before.get("models", {}), before.get("teachers", {})
    with TemporaryDirectory() as scratch:
        for name in arguments.models:
            models[name] = measure(load_bundle(name), arguments.data, Path(scratch))
            print(name, json.dumps(models[name]["ladder"]))
            write(arguments.json, models, teachers)
        for folder in arguments.teachers:
            bundle = load_bundle(folder)
            student = next(name for name in MODELS if starts_from(name) == bundle.name)
            teachers[bundle.name] = {"student": student} | measure(bundle, arguments.data, Path(scratch))
            print(bundle.name, json.dumps(teachers[bundle.name]["ladder"]))
            write(arguments.json, models, teachers)


def write(path: Path, models: dict[str, Any], teachers: dict[str, Any]) -> None:
    """Write the figures with what they were measured on."""
    models = {key: models[key] for key in MODELS if key in models}
    record = {
        "command": "python benchmarks/eec.py --data DATA --json benchmarks/eec.json",
        "machine": describe_machine(),
        "model_sha256": {key: found["sha256"] for key, found in models.items()},
        "models": models,
        "teachers": teachers,
    }
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
