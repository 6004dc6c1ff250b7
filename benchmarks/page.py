"""What a visitor of the page waits for: from a click in Chromium until the answer is shown.

    python benchmarks/page.py --json benchmarks/page.json

`click`: a new text beside a photo that is there already. `photo`: a photo of 512 px is chosen beside a text,
so that it is uploaded and read. `text`: a text alone.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe_machine
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
from tests.service import running_demo  # noqa: E402 - it is not installed

TWEETS = (Path(__file__).parent / "load_tweets.txt").read_text(encoding="utf-8").splitlines()
PHOTO = ROOT / "src" / "emofuse" / "demo" / "examples" / "eileen_collins.jpg"
ROUNDS, WARM = 60, 5

# Resolves with the milliseconds from the last trusted input until a frame with another answer was painted.
_WAIT = """() => new Promise(done => {
  const result = document.querySelector("#analyse-result");
  const read = () => result.querySelector(".ef-result")?.innerHTML, before = read();
  let start = null;
  const begin = () => { start ??= performance.now(); };
  for (const kind of ["click", "change"]) addEventListener(kind, begin, {capture: true, once: true});
  new MutationObserver((_, watch) => {
    if (start === null || !read() || read() === before) return;
    watch.disconnect();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
  }).observe(result, {childList: true, subtree: true});
})"""


def measure(page: Page, prepare: Callable[[int], None], act: Callable[[], None]) -> dict[str, float]:
    """Time an act that makes the page answer.

    Args:
        page: The open page.
        prepare: Brings it into the state before the round of that number.
        act: What the visitor does.

    Returns:
        p50, p95 and the largest, ms.
    """
    times = []
    for round_ in range(WARM + ROUNDS):
        prepare(round_)
        page.evaluate(f"() => {{ window.answered = ({_WAIT})(); }}")
        act()
        times.append(page.evaluate("window.answered"))
    own = times[WARM:]
    values = {"p50_ms": np.percentile(own, 50), "p95_ms": np.percentile(own, 95), "max_ms": max(own)}
    return {name: round(float(value), 1) for name, value in values.items()}


def measure_page(page: Page) -> dict[str, Any]:
    """Time each act."""

    def write(round_: int) -> None:
        page.fill("#analyse-text textarea", TWEETS[round_ % len(TWEETS)])

    def clear(round_: int) -> None:
        page.click("#analyse-clear")
        page.locator("#analyse-result .ef-empty").wait_for()
        write(round_)

    def go() -> None:
        page.click("#analyse-go")

    def choose() -> None:
        page.set_input_files("#analyse-photo input[type=file]", PHOTO)

    rows = {"text": measure(page, write, go), "photo": measure(page, clear, choose)}
    return {**rows, "click": measure(page, write, go)}


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True)
    output = parser.parse_args().json
    with (
        tempfile.TemporaryDirectory() as folder,
        running_demo(Path(folder)) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(address)
        page.locator("#analyse-text textarea").wait_for()
        rows = measure_page(page)
        version = browser.version
        browser.close()
    record = {
        "command": "python benchmarks/page.py --json benchmarks/page.json",
        "machine": {**describe_machine(), "chromium": version},
        "rounds": ROUNDS,
        "rows": rows,
    }
    print(json.dumps(rows, indent=1))
    output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
