"""Measure what `emofuse redact` finds and what it leaves alone.

    python benchmarks/redact.py --photos MSED --reference YUNET --json benchmarks/redact.json

Texts: `redact.jsonl`, written by hand after the rules; one rule was changed for it (`.@name`). A `secret`
counts as found when it no longer stands in the masked text, a `keep` as kept when it does.

Photographs: those held back from the training of the detector, scaled to a long side of 640 px; the threshold
was chosen on the `dev` ones. The reference detector looks at each before and after; a face of its default
score 0.9 or more counts as hidden when at least nine tenths of its box are masked. `seen_again` are the
photographs in which it still finds a face of that score afterwards.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe_machine
from PIL import Image
from rich.progress import track

from emofuse import load_bundle
from emofuse.preprocess import load_image
from emofuse.redact import FaceRedactor, redact_text
from emofuse.redact.image import SCORE
from emofuse.runtime.face_detector import FaceDetector
from emofuse.runtime.session import open_session

FOLDER = Path(__file__).parent
PHOTOS = FOLDER.parent / "src" / "emofuse" / "demo" / "examples"
SIZES = {"24-48 px": (24, 48), "48-96 px": (48, 96), "96 px and more": (96, 1e9)}
SCORES = (0.7, SCORE, 0.3)  # the first is that for reading faces
SURE, HIDDEN = 0.9, 0.9


def measure_texts() -> dict[str, Any]:
    """Counts and misses per kind."""
    rows: dict[str, dict[str, Any]] = defaultdict(lambda: {"n": 0, "right": 0, "wrong": []})
    for line in (FOLDER / "redact.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        masked = redact_text(case["text"])
        right = not any(part in masked for part in case["secret"]) and all(
            part in masked for part in case["keep"]
        )
        row = rows[case["kind"]]
        row["must"] = "vanish" if case["secret"] else "stay"
        row["n"] += 1
        row["right"] += right
        row["wrong"] += [] if right else case["secret"] or case["keep"]
    return dict(rows)


def measure_examples() -> list[dict[str, Any]]:
    """Faces found in the example photographs before and after, at the threshold for reading."""
    redactor, detector = FaceRedactor(), _detector(SCORES[0])
    rows = []
    for path in sorted(PHOTOS.glob("*.[jp][pn]g")):
        pixels, masked, _ = redactor.redact(path)
        rows.append(
            {
                "photo": path.name,
                "before": len(detector(load_image(path)[0])),
                "masked": masked,
                "after": len(detector(pixels)),
            }
        )
    return rows


def measure_photos(folder: Path, split: str, reference: Path, limit: int | None) -> dict[str, Any]:
    """Share of the reference's faces that are masked, by size and threshold."""
    from emofuse.train.face_detection.labels import REFERENCE_PX, ReferenceDetector, find_photos  # noqa: PLC0415

    theirs = ReferenceDetector(reference, score=SURE)
    redactors = {score: FaceRedactor(_detector(score)) for score in SCORES}
    hidden: dict[float, dict[str, list[bool]]] = {s: {size: [] for size in SIZES} for s in SCORES}
    again, area = dict.fromkeys(SCORES, 0), dict.fromkeys(SCORES, 0.0)
    paths = find_photos(folder, split)[:limit]
    shown = 0
    for path in track(paths, description="Masking"):
        picture = Image.fromarray(load_image(path)[0])
        scale = REFERENCE_PX / max(picture.size)
        image = np.asarray(picture.resize((round(picture.width * scale), round(picture.height * scale))))
        boxes = theirs(image)[:, :4]
        shown += bool(len(boxes))
        for score, redactor in redactors.items():
            masked = redactor.redact(image)[0]
            changed = (masked != image).any(axis=2)
            area[score] += float(changed.mean())
            again[score] += bool(len(boxes)) and bool(len(theirs(masked)))
            for x, y, width, height in boxes:
                part = changed[max(0, int(y)) : int(y + height), max(0, int(x)) : int(x + width)]
                for size, (low, high) in SIZES.items():
                    if low <= width < high:
                        hidden[score][size].append(bool(part.size) and float(part.mean()) >= HIDDEN)
    rows = [
        {
            "threshold": score,
            "hidden": {
                size: {"n": len(own), "share": round(float(np.mean(own)), 4)}
                for size, own in hidden[score].items()
            },
            "seen_again": again[score],
            "area_masked": round(area[score] / len(paths), 4),
        }
        for score in SCORES
    ]
    return {"photos": len(paths), "photos_with_a_face": shown, "rows": rows}


def _detector(score: float) -> FaceDetector:
    bundle = load_bundle("face_detector")
    return FaceDetector(
        replace(bundle, thresholds={**bundle.thresholds, "score": score}),
        open_session(bundle.model_path, threads=1),
    )


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="Folder with train/images/*.jpg.")
    parser.add_argument("--split", default="held_back", choices=["held_back", "dev"])
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--limit", type=int, help="Only so many photographs; for a quick look.")
    arguments = parser.parse_args()
    record = {
        "command": "benchmarks/redact.py --photos MSED --reference YUNET --json benchmarks/redact.json",
        "machine": describe_machine(),
        "model_sha256": {"face_detector": load_bundle("face_detector").sha256},
        "texts": measure_texts(),
        "examples": measure_examples(),
        "photos": measure_photos(arguments.photos, arguments.split, arguments.reference, arguments.limit),
    }
    print(json.dumps(record, indent=1, ensure_ascii=False))
    arguments.json.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
