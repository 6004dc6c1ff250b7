"""How the figures of the default models fall as texts and pictures get worse, and what CheckList finds.

    python benchmarks/robustness.py --data DATA --json benchmarks/robustness.json
    emofuse audit checklist --root DATA/text/checklist_sentiment --models A,B --json benchmarks/checklist.json

DATA holds text/{semeval2017_4a,emotion}, faces and msed. Samples are drawn with seed 0, and so are the
corruptions (`emofuse.evaluate.corruptions`). Each result is written as soon as it is there; one of the very same
model and number of samples stays, so that a second call goes on where the first one stopped.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from machine import describe_machine

from emofuse.evaluate.robustness import evaluate_robustness
from emofuse.runtime.bundle import load_bundle

# bundle, corpus, folder, split, samples
RUNS = (
    ("text_bert_bilstm", "semeval2017", "text/semeval2017_4a", "test", 2000),
    ("text_bert_bilstm", "emotion", "text/emotion", "test", 1000),
    ("face_ferplus", "ferplus", "faces", "test", 1000),
    ("scene_image", "msed", "msed", "test_clean", 300),
    ("fusion_default", "msed", "msed", "test_clean", 300),
)


def measure(data: Path, record: dict[str, Any], path: Path) -> None:
    """Add to the record what it lacks."""
    for name, corpus, folder, split, limit in RUNS:
        bundle = load_bundle(name)
        key = f"{name}.{corpus}.{split}"
        known = record["results"].get(key, {})
        if (known.get("limit"), record["model_sha256"].get(name)) == (limit, bundle.sha256):
            continue
        result = evaluate_robustness(bundle, corpus, data / folder, split=split, limit=limit)
        record["results"][key] = {"limit": limit, **result.to_dict()}
        record["model_sha256"][name] = bundle.sha256
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        print(key, result.samples)


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    record: dict[str, Any] = {"results": {}, "model_sha256": {}}
    if arguments.json.exists():
        record = json.loads(arguments.json.read_text(encoding="utf-8"))
    record["command"] = "python benchmarks/robustness.py --data DATA --json benchmarks/robustness.json"
    record["machine"] = describe_machine()
    measure(arguments.data, record, arguments.json)


if __name__ == "__main__":
    main()
