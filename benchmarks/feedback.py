"""What a text model learns from corrections, and what that costs.

    python benchmarks/feedback.py --data DATA --json benchmarks/feedback.json

DATA holds text/{goemotions,semeval2017_4a}. The small text model goes on with recipes/feedback_text.yaml from
200 corrections of eight slang words (40 of them choose the epoch), made from templates (tests/slang.py); 100
others, with phrases and things that the corrections do not have, judge it. `kept` are test splits of corpora
that the recipe does not see. The recipe's settings were chosen on their validation splits and on the
held-back sentences, so the figures of the latter are kind to it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from figures import ROOT
from machine import describe_machine

from emofuse.evaluate import evaluate_bundle
from emofuse.export import export_any
from emofuse.runtime.bundle import ModelBundle, load_bundle
from emofuse.runtime.model_set import open_text_model
from emofuse.taxonomy import load_taxonomy
from emofuse.train import train_recipe

sys.path.insert(0, str(ROOT))
from tests.slang import SENSES, write_slang

MODEL = "text_bilstm"
KEPT = {
    "goemotions_ekman": ("text/goemotions", "macro_f1"),
    "semeval2017": ("text/semeval2017_4a", "accuracy"),
}
HEADS = {"emotion": "ekman7", "sentiment": "sentiment3"}


def held_back_accuracy(bundle: ModelBundle) -> dict[str, float]:
    """Share of the sentences held back that are answered in the new sense, for emotion and sentiment."""
    rows = write_slang(100, held_back=True)
    readings = open_text_model(bundle).predict([row["text"] for row in rows])
    found = {}
    for part, head in HEADS.items():
        labels = load_taxonomy(head).labels
        answers = [labels[int(np.argmax(reading.probabilities[head]))] for reading in readings]
        found[part] = float(np.mean([own == row[part] for own, row in zip(answers, rows, strict=True)]))
    return found


def kept_accuracy(bundle: ModelBundle, data: Path) -> dict[str, Any]:
    """One measure on each test split."""
    found = {}
    for corpus, (root, measure) in KEPT.items():
        result = evaluate_bundle(bundle, corpus, data / root)
        own = {
            name: round(result.scores[name], 4) for name in (measure, "exact_match") if name in result.scores
        }
        found[corpus] = {"measure": measure, "n": result.samples, **own}
    return found


def learn(folder: Path) -> ModelBundle:
    """The model after 200 corrections."""
    rows = write_slang(200, held_back=False)
    for name, part in (("train", rows[:160]), ("validation", rows[160:])):
        lines = "".join(json.dumps(row) + "\n" for row in part)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    train_recipe(ROOT / "recipes" / "feedback_text.yaml", folder, folder / "run")
    export_any(folder / "run", folder / "bundle")
    return load_bundle(folder / "bundle")


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        start = time.process_time()
        after = learn(Path(folder))
        cpu_s = time.process_time() - start
        before = load_bundle(MODEL)
        record = {
            "command": "python benchmarks/feedback.py --data DATA --json benchmarks/feedback.json",
            "machine": describe_machine(),
            "model_sha256": {MODEL: before.sha256},
            "corrections": 200,
            "held_back_sentences": 100,
            "words": list(SENSES),
            "seed": 7,
            "cpu_s": round(cpu_s, 1),
            "held_back": {"before": held_back_accuracy(before), "after": held_back_accuracy(after)},
            "kept": {
                "before": kept_accuracy(before, arguments.data),
                "after": kept_accuracy(after, arguments.data),
            },
        }
    arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({key: record[key] for key in ("held_back", "kept", "cpu_s")}, indent=1))


if __name__ == "__main__":
    main()
