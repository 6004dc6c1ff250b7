"""Time of each path on one thread, beside the least that its model allows.

    python benchmarks/latency.py --json benchmarks/latency.json

The floor is the tokenizer or the resizing, and the bare session on that input. Pictures are given decoded,
so that decoding cannot hide overhead.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe_machine
from PIL import Image

from emofuse import Predictor, Sample, load_bundle
from emofuse.preprocess import WordPieceTokenizer
from emofuse.runtime.face_detector import pad_to_multiple
from emofuse.runtime.session import open_session

TWEET = "Just got the keys to our first home and I can't stop smiling, thank you all so much for the help!"
PHOTO = Path(__file__).parent.parent / "src" / "emofuse" / "demo" / "examples" / "eileen_collins.jpg"
ROUNDS = 200


def measure(*calls: Callable[[], Any]) -> list[dict[str, float]]:
    """Median and 95th percentile in ms of calls timed in turn, so that a slow moment meets all of them."""
    for call in calls:
        for _ in range(5):
            call()
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS):
        for own, call in zip(times, calls, strict=True):
            started = time.perf_counter()
            call()
            own.append((time.perf_counter() - started) * 1000)
    return [
        {"p50_ms": round(float(np.percentile(own, 50)), 3), "p95_ms": round(float(np.percentile(own, 95)), 3)}
        for own in times
    ]


def text_floor(name: str) -> Callable[[], Any]:
    """Tokenise and run."""
    bundle = load_bundle(name)
    tokenizer = WordPieceTokenizer.from_file(bundle.path / "tokenizer.json")
    session = open_session(bundle.model_path, threads=1)
    prefix, suffix = bundle.preprocessing["prefix_ids"], bundle.preprocessing["suffix_ids"]
    heads = list(bundle.outputs)

    def run() -> Any:
        ids = tokenizer.encode(TWEET)
        return session.run(heads, {"input_ids": np.array([[*prefix, *ids, *suffix]], dtype=np.int64)})

    return run


def face_floor(crop: Image.Image) -> Callable[[], Any]:
    """Shrink a crop to 48 px grey and run."""
    bundle = load_bundle("face_ferplus")
    session, heads = open_session(bundle.model_path, threads=1), list(bundle.outputs)

    def run() -> Any:
        grey = crop.convert("L").resize((48, 48), Image.Resampling.BILINEAR)
        return session.run(heads, {"images": np.asarray(grey)[None]})

    return run


def scene_floor(photo: Image.Image) -> Callable[[], Any]:
    """Shrink the photo and run the scene model."""
    bundle = load_bundle("scene_image")
    session, side = open_session(bundle.model_path, threads=1), bundle.preprocessing["size_px"]

    def run() -> Any:
        small = np.asarray(photo.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0))
        return session.run(None, {"images": small[None]})

    return run


def fusion_floor() -> Callable[[], Any]:
    """Run the fusion on one sample."""
    bundle = load_bundle("fusion_default")
    session = open_session(bundle.model_path, threads=1)
    feeds = {
        node.name: np.full((1, int(node.shape[1])), 0.5, dtype=np.float32) for node in session.get_inputs()
    }

    def run() -> Any:
        return session.run(None, feeds)

    return run


def in_turn(*calls: Callable[[], Any]) -> Callable[[], Any]:
    """One call after the other."""

    def run() -> Any:
        return [call() for call in calls]

    return run


def photo_floor(photo: Image.Image, crop: Image.Image) -> Callable[[], Any]:
    """Shrink the photo, run the detector, then the face model on its one face."""
    bundle = load_bundle("face_detector")
    session = open_session(bundle.model_path, threads=1)
    side = bundle.preprocessing["input_px"]
    size = tuple(round(length * side / max(photo.size)) for length in photo.size)
    face = face_floor(crop)

    def run() -> Any:
        small = np.asarray(photo.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))
        session.run(None, {"images": pad_to_multiple(small)[None]})
        return face()

    return run


def main() -> None:
    """Measure every path and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True)
    output = parser.parse_args().json
    photo = Image.open(PHOTO).convert("RGB").resize((640, 640))
    pixels = np.asarray(photo)
    predictor = Predictor.load(threads=1)
    [found] = predictor.predict([Sample(image=pixels)])
    box = found.faces[0].box
    side, x, y = 1.28 * box.width, box.x + box.width / 2, box.y + box.height / 2
    crop = photo.crop((round(x - side / 2), round(y - side / 2), round(x + side / 2), round(y + side / 2)))
    crop_pixels = np.asarray(crop)
    small, whole = Predictor.load(["text_bilstm"], threads=1), Predictor.load(threads=1, crop=True)
    seen = in_turn(photo_floor(photo, crop), scene_floor(photo), fusion_floor())
    paths = {
        "text, default model": (
            lambda: predictor.predict([Sample(text=TWEET)]),
            text_floor("text_bert_bilstm"),
        ),
        "text, small model": (lambda: small.predict([Sample(text=TWEET)]), text_floor("text_bilstm")),
        "face crop": (lambda: whole.predict([Sample(image=crop_pixels)]), face_floor(crop)),
        "640 px photo: face and scene": (lambda: predictor.predict([Sample(image=pixels)]), seen),
        "text with a 640 px photo": (
            lambda: predictor.predict([Sample(text=TWEET, image=pixels)]),
            in_turn(text_floor("text_bert_bilstm"), seen),
        ),
    }
    rows = []
    for name, (path, floor) in paths.items():
        own, least = measure(path, floor)
        row = {"path": name, **own, "floor_p50_ms": least["p50_ms"], "floor_p95_ms": least["p95_ms"]}
        row["overhead"] = round(own["p50_ms"] / least["p50_ms"], 3)
        rows.append(row)
        print(row)
    record = {
        "command": "python benchmarks/latency.py --json benchmarks/latency.json",
        "machine": describe_machine(),
        "threads": 1,
        "rounds": ROUNDS,
        "tweet": TWEET,
        "rows": rows,
    }
    output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
