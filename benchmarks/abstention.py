"""What a confidence threshold leaves out and how often that would have been right.

    python benchmarks/abstention.py --root DATA/text/goemotions --json benchmarks/abstention.json

Read on the validation split of GoEmotions with the default text model; an answer is right if it is one of
the labels given. The threshold `abstain` of `fusion_default` comes from its own validation pairs and is at
most 0.5; this table shows what it does to texts alone: below it an answer is more often wrong than right.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from machine import describe_machine

from emofuse import Predictor
from emofuse.datasets import load_adapter

THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.6)


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    samples = list(load_adapter("goemotions_ekman").iter_samples(arguments.root, "validation"))
    answers = [
        (p.emotion.confidence, p.emotion.label in s.labels["ekman7"])
        for s, p in zip(samples, Predictor.load().predict(samples), strict=True)
        if p.emotion is not None
    ]
    confidence, right = (np.array(column) for column in zip(*answers, strict=True))
    rows = [
        {
            "threshold": threshold,
            "left_out": round(float((confidence < threshold).mean()), 4),
            "accuracy_below": round(float(right[confidence < threshold].mean()), 4),
            "accuracy_above": round(float(right[confidence >= threshold].mean()), 4),
        }
        for threshold in THRESHOLDS
    ]
    record = {
        "command": "python benchmarks/abstention.py --root GOEMOTIONS --json benchmarks/abstention.json",
        "machine": describe_machine(),
        "samples": len(answers),
        "rows": rows,
    }
    print(json.dumps(record, indent=1))
    arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
