"""How fast the page's camera is answered, and whether it falls behind.

    python benchmarks/webcam.py --json benchmarks/webcam.json

`emofuse demo` runs as users start it, beside Debian's Chromium, whose camera of 640 x 480 at 30 frames a
second shows a photo that moves from side to side. The clock is the browser's: from the moment at which the
page takes a frame from the camera until its answer is there, JPEG encoding and both ways included; the age of
a frame counts from its capture. Frames of the camera that the page did not take are dropped. Every run is
recorded.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from figures import ROOT
from machine import describe_machine
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from emofuse import load_bundle
from emofuse.demo.faces import FaceFollower
from emofuse.demo.models import build_choices
from emofuse.demo.webcam import FRAMES_PER_S, Film
from emofuse.preprocess import load_image

sys.path.insert(0, str(ROOT))
from tests.service import running_demo

PHOTO = ROOT / "src" / "emofuse" / "demo" / "examples" / "eileen_collins.jpg"
LOOP = 120  # frames after which the film begins anew
ROUNDS, SECONDS, RUNS = 300, 60, 3
AIM = {"p50_ms": 60, "frames_per_s": 12}

WATCH = """
window.seen = {captured: [], taken: [], answered: []};
const ask = HTMLVideoElement.prototype.requestVideoFrameCallback;
HTMLVideoElement.prototype.requestVideoFrameCallback = function (show) {
  return ask.call(this, (now, about) => { seen.captured.push(about.captureTime ?? now); show(now, about); });
};
const draw = CanvasRenderingContext2D.prototype.drawImage;
CanvasRenderingContext2D.prototype.drawImage = function (...given) {
  seen.taken.push([performance.now(), seen.captured.at(-1)]);
  return draw.apply(this, given);
};
window.WebSocket = class extends WebSocket {
  constructor(address) {
    super(address);
    this.addEventListener('message', ({data}) => {
      const read = /read in (\\d+) ms/.exec(data);
      seen.answered.push([performance.now(), read ? Number(read[1]) : null]);
    });
  }
};
"""


def make_frames() -> list[bytes]:
    """A photo that moves from side to side, as JPEGs of 640 x 480."""
    photo = Image.open(PHOTO).convert("RGB").resize((480, 480))
    frames = []
    for i in range(LOOP):
        frame, file = Image.new("RGB", (640, 480), (90, 90, 90)), io.BytesIO()
        frame.paste(photo, (round(80 + 80 * math.sin(2 * math.pi * i / LOOP)), 0))
        frame.save(file, "JPEG", quality=80)
        frames.append(file.getvalue())
    return frames


def measure_alone(frames: list[bytes]) -> list[dict[str, Any]]:
    """Frames through the models without a browser."""
    choices = build_choices()
    follower = FaceFollower(next(iter(choices.values())), FRAMES_PER_S)
    film = Film(choices)
    paths: dict[str, Callable[[bytes], Any]] = {
        "decode, find the face, read it, track": lambda frame: follower.read(
            load_image(frame)[0], time.monotonic()
        ),
        "the same, and the page's HTML": film.read,
    }
    for path in paths.values():
        for frame in frames[:10]:
            path(frame)
    # In turn, so that a slow moment meets both.
    times = [[_time_ms(path, frames[i % LOOP]) for path in paths.values()] for i in range(ROUNDS)]
    return [
        {"path": name, "frames": ROUNDS, **_percentiles(own)}
        for name, own in zip(paths, zip(*times, strict=True), strict=True)
    ]


def _time_ms(path: Callable[[bytes], Any], frame: bytes) -> float:
    started = time.perf_counter()
    path(frame)
    return (time.perf_counter() - started) * 1000


def _percentiles(times: Any) -> dict[str, float]:
    return {f"p{q}_ms": round(float(np.percentile(times, q)), 1) for q in (50, 95)}


def film(browser: Browser, address: str, visitors: int) -> dict[str, Any]:
    """Some visitors film at once; what their browsers saw."""
    load = os.getloadavg()[0]
    pages = [_open(browser, address) for _ in range(visitors)]
    for page in pages:
        page.click("#track-camera button")
    for page in pages:
        # The models are opened, and the rate is steady.
        page.wait_for_function("seen.answered.length > 30")
        page.evaluate("window.began = [seen.captured.length, seen.answered.length]")
    pages[0].wait_for_timeout(1000 * SECONDS)
    seen = [
        page.evaluate(
            "({captured: seen.captured.slice(began[0]), answered: seen.answered.slice(began[1]),"
            " taken: seen.taken.slice(began[1])})"
        )
        for page in pages
    ]
    for page in pages:
        page.click("#track-camera button")
        page.wait_for_selector("[data-part=csv]:visible")
        page.context.close()
    return {"visitors": visitors, "load_before": round(load, 2), "each": [_judge(own) for own in seen]}


def _open(browser: Browser, address: str) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.add_init_script(WATCH)
    page.goto(address)
    page.get_by_role("tab", name="Track").click()
    page.get_by_role("tab", name="Camera").click()
    return page


def _judge(seen: dict[str, Any]) -> dict[str, Any]:
    answered = np.array([at for at, _ in seen["answered"]])
    read = [own for _, own in seen["answered"] if own is not None]
    taken, captured = np.array(seen["taken"][: len(answered)]).T
    age = answered - captured
    spent = (answered[-1] - answered[0]) / 1000
    third = len(age) // 3
    return {
        "seconds": round(float(spent), 1),
        "answered": len(answered),
        "frames_per_s": round(float((len(answered) - 1) / spent), 1),
        "dropped": len(seen["captured"]) - len(seen["taken"]),
        "in_flight_at_the_end": len(seen["taken"]) - len(answered),
        "server": _percentiles(read),
        "round_trip": _percentiles(answered - taken),
        "age": _percentiles(age),
        "age_first_third_p50_ms": round(float(np.median(age[:third])), 1),
        "age_last_third_p50_ms": round(float(np.median(age[-third:])), 1),
        "age_at_the_end_ms": round(float(age[-1]), 1),
        "age_slope_ms_per_s": round(float(np.polyfit(answered / 1000, age, 1)[0]), 3),
    }


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", type=Path, required=True)
    output = parser.parse_args().json
    frames = make_frames()
    load = round(os.getloadavg()[0], 2)
    alone = measure_alone(frames)
    print(load, alone)
    runs = []
    with (
        tempfile.TemporaryDirectory() as folder,
        running_demo(Path(folder)) as address,
        sync_playwright() as playwright,
    ):
        camera = Path(folder) / "camera.mjpeg"
        camera.write_bytes(b"".join(frames))
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={camera}",
            ],
        )
        version = browser.version
        for visitors in (*[1] * RUNS, *[2] * RUNS):
            runs.append(film(browser, address, visitors))
            print(runs[-1])
        browser.close()
    record = {
        "command": "python benchmarks/webcam.py --json benchmarks/webcam.json",
        "machine": describe_machine() | {"chromium": version},
        "model_sha256": {name: load_bundle(name).sha256 for name in ("face_detector", "face_ferplus")},
        "frame_px": [640, 480],
        "aim": AIM,
        "alone": {"load_before": load, "rows": alone},
        "runs": runs,
    }
    output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
