r"""How the figures of the default models fall as texts and pictures get worse, and what CheckList finds.

    python benchmarks/robustness.py --data DATA --json benchmarks/robustness.json
    emofuse audit checklist --root DATA/text/checklist_sentiment --models text_bert_bilstm,text_bilstm \
        --json benchmarks/checklist.json

DATA holds text/{semeval2017_4a,emotion}, faces and msed. Samples are drawn with seed 0, and so are the
corruptions (`emofuse.evaluate.corruptions`). Each result is written as soon as it is there; one of the very
same model and number of samples stays, so that a second call goes on where the first one stopped. At the end,
the curves of `FIGURES` are drawn for docs/.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from machine import describe_machine

from emofuse.evaluate.robustness import Curve, Level, evaluate_robustness
from emofuse.evaluate.robustness_report import draw_curve
from emofuse.runtime.bundle import load_bundle

# A fusion reads photographs at every level, and takes long.
SOME = ("typos", "long vowels", "spaces lost", "blur", "noise", "darker", "occlusion", "small picture")
# bundle, corpus, folder, split, samples, corruptions (all)
RUNS = (
    ("text_bert_bilstm", "semeval2017", "text/semeval2017_4a", "test", 1000, ()),
    ("text_bert_bilstm", "emotion", "text/emotion", "test", 500, ()),
    # The only corpus with emoji.
    ("text_bert_bilstm", "goemotions_ekman", "text/goemotions", "test", None, ("emoji lost",)),
    ("face_ferplus", "ferplus", "faces", "test", 1000, ()),
    ("scene_image", "msed", "msed", "test_clean", 200, ()),
    ("fusion_default", "msed", "msed", "test_clean", 150, SOME),
)


FIGURES = {
    "typos": ("text_bert_bilstm.semeval2017.test", "typos"),
    "small_face": ("face_ferplus.ferplus.test", "small face"),
}
DOCS = Path(__file__).parents[1] / "docs"


def measure(data: Path, record: dict[str, Any], path: Path) -> None:
    """Add to the record what it lacks."""
    for name, corpus, folder, split, limit, only in RUNS:
        bundle = load_bundle(name)
        key = f"{name}.{corpus}.{split}"
        asked = {"sha256": bundle.sha256, "limit": limit}
        if asked.items() <= record["results"].get(key, {}).items():
            continue
        result = evaluate_robustness(bundle, corpus, data / folder, split=split, limit=limit, only=only)
        record["results"][key] = asked | result.to_dict()
        record["model_sha256"][name] = bundle.sha256
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        print(key, result.samples)


def draw(record: dict[str, Any]) -> None:
    """Draw two of the curves."""
    for name, (key, corruption) in FIGURES.items():
        [found] = [own for own in record["results"][key]["curves"] if own["corruption"] == corruption]
        curve = Curve(**{**found, "levels": [Level(**level) for level in found["levels"]]})
        (DOCS / f"robustness_{name}.svg").write_text(draw_curve(curve), encoding="utf-8")


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
    draw(record)


if __name__ == "__main__":
    main()
