r"""Compare the embedded face detector with its reference on photographs that trained no weight.

    python benchmarks/detector.py --photos MSED --reference face_detection_yunet_2023mar.onnx \\
        --json benchmarks/detector.json

Photographs are scaled to a long side of 640 px. Reference boxes of score 0.9 (its library's default) or more
must be found (IoU >= 0.5). A box of ours is false when no reference box of score 0.6 or more overlaps it with
IoU >= 0.5. Only boxes at least 48 px wide count for the headline; other sizes stand beside it.

`held back` is every seventh photograph of the published training split, which the recipe leaves out: nobody
looked at a figure of them before the detector was finished. `upright` and the rest are the published test
split, which an earlier detector was measured on.

The corpus repeats photographs across its splits. `--leak-free` names a CSV file whose column `row` lists the
photographs (`images/<row>.jpg`) without a near-duplicate among the others; they are then counted apart too.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe_machine
from PIL import Image
from rich.progress import track

from emofuse import load_bundle
from emofuse.evaluate.detection import MATCH_IOU, count_detections, iou_matrix
from emofuse.preprocess import load_image
from emofuse.runtime.face_detector import FaceDetector, pad_to_multiple
from emofuse.runtime.session import open_session
from emofuse.train.face_detection.labels import REFERENCE_PX, ReferenceDetector, find_photos
from emofuse.types import FloatArray, ImageArray

SIZES = {"48 px and more": (48, 1e9), "24-48 px": (24, 48), "48-96 px": (48, 96), "96 px and more": (96, 1e9)}
POSSIBLE = 0.6


def load_scaled(path: Path) -> ImageArray:
    """A photograph with a long side of exactly 640 px."""
    image, _ = load_image(path)
    scale = REFERENCE_PX / max(image.shape[:2])
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def rotate(image: ImageArray, degrees: float) -> ImageArray:
    """The photograph turned about its centre, same size."""
    return np.asarray(Image.fromarray(image).rotate(degrees, resample=Image.Resampling.BILINEAR))


def compare(detector: FaceDetector, reference: ReferenceDetector, images: list[ImageArray]) -> dict[str, Any]:
    """Counts per size bucket, strict false share, and landmark error."""
    pairs, errors = [], []
    for image in track(images, description="Comparing"):
        faces, theirs = detector(image), reference(image)
        ours = np.array([(f.x, f.y, f.width, f.height) for f in faces], dtype=np.float32).reshape(-1, 4)
        pairs.append((ours, np.concatenate([theirs[:, :4], theirs[:, -1:]], axis=1)))
        points = np.array([f.landmarks for f in faces], dtype=np.float32).reshape(-1, 5, 2)
        errors += landmark_errors(ours, points, theirs)
    rows: dict[str, Any] = {}
    for name, sizes in SIZES.items():
        counts = count_detections(pairs, sizes_px=sizes)
        all_likely = count_detections(pairs, sizes_px=sizes, sure=POSSIBLE)
        strict = count_detections(pairs, sizes_px=sizes, possible=0.9)
        rows[name] = {
            "reference_boxes": counts.reference,
            "recall": round(counts.recall, 4),
            "recall_of_score_0.6": round(all_likely.recall, 4),
            "our_boxes": counts.boxes,
            "false_share": round(counts.false_share, 4),
            "false_share_against_0.9_only": round(strict.false_share, 4),
        }
    landmarks = {"landmark_error_of_width": round(float(np.mean(errors)), 4), "landmark_boxes": len(errors)}
    return {"photos": len(images), "sizes": rows, **landmarks}


def landmark_errors(boxes: FloatArray, points: FloatArray, theirs: FloatArray) -> list[float]:
    """Mean landmark distance over box width of each box from 48 px on that matches a reference box."""
    overlaps = iou_matrix(boxes, theirs[:, :4])
    errors = []
    for own, landmarks, row in zip(boxes, points, overlaps, strict=True):
        if own[2] < 48 or row.max(initial=0) < MATCH_IOU:
            continue
        match = theirs[int(row.argmax())]
        distances = np.linalg.norm(landmarks - match[4:14].reshape(5, 2), axis=1)
        errors.append(float(distances.mean() / match[2]))
    return errors


def leak_free_rows(path: Path) -> set[str]:
    """Stems of the photographs that a CSV file lists in its column `row`."""
    with path.open(newline="", encoding="utf-8") as file:
        return {line["row"] for line in csv.DictReader(file)}


def time_detector(detector: FaceDetector, side: int, session: Any, image: ImageArray) -> dict[str, float]:
    """Whole call beside resize and bare session, one thread, in ms."""
    picture = Image.fromarray(image)
    size = tuple(round(length * side / max(picture.size)) for length in picture.size)

    def floor() -> None:
        small = np.asarray(picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))
        session.run(None, {"images": pad_to_multiple(small)[None]})

    times: dict[str, list[float]] = {"call": [], "floor": []}
    for _ in range(200):
        for name, call in (("call", lambda: detector(image)), ("floor", floor)):
            started = time.perf_counter()
            call()
            times[name].append((time.perf_counter() - started) * 1000)
    p50, p95 = np.percentile(times["call"], [50, 95])
    least = float(np.percentile(times["floor"], 50))
    return {
        "p50_ms": round(float(p50), 3),
        "p95_ms": round(float(p95), 3),
        "floor_p50_ms": round(least, 3),
        "overhead": round(float(p50) / least, 3),
    }


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="Folder with {train,test}/images/*.jpg.")
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--bundle", default="face_detector", help="Name of an embedded bundle, or a folder.")
    parser.add_argument("--leak-free", type=Path, help="CSV file with a column `row`.")
    parser.add_argument("--limit", type=int, help="Only so many photographs; for a quick look.")
    arguments = parser.parse_args()
    bundle = load_bundle(arguments.bundle)
    session = open_session(bundle.model_path, threads=1)
    detector = FaceDetector(bundle, session)
    reference = ReferenceDetector(arguments.reference, score=POSSIBLE)
    paths = find_photos(arguments.photos, "test")[: arguments.limit]
    images = [load_scaled(path) for path in paths]
    turned = [rotate(image, 30 if i % 2 else -30) for i, image in enumerate(images[::4])]
    blank = [np.full((480, 640, 3), value, dtype=np.uint8) for value in (0, 127, 255)]
    record = {
        "command": "python benchmarks/detector.py --photos MSED --reference YUNET --json FILE",
        "machine": describe_machine(),
        "model_bytes": bundle.model_path.stat().st_size,
        "held_back": compare(
            detector,
            reference,
            [load_scaled(path) for path in find_photos(arguments.photos, "held_back")[: arguments.limit]],
        ),
        "upright": compare(detector, reference, images),
        "rotated_30_degrees": compare(detector, reference, turned),
        "boxes_on_blank_pictures": sum(len(detector(image)) for image in blank),
        "latency_640px": time_detector(detector, bundle.preprocessing["input_px"], session, images[0]),
    }
    if arguments.leak_free:
        unseen = leak_free_rows(arguments.leak_free)
        chosen = [image for path, image in zip(paths, images, strict=True) if path.stem in unseen]
        record["upright_leak_free"] = compare(detector, reference, chosen)
    print(json.dumps(record, indent=1))
    arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
