"""How long `emofuse live` takes to answer a line, as whoever sits before it sees it.

    python benchmarks/live.py --json benchmarks/live.json

A process is driven over a pseudo-terminal of 80 columns and over a pipe, with the default models, by the
200 short texts of `load_tweets.txt`. Each text stands in the terminal before Enter is pressed; the clock runs
from the write of the newline until the prompt for the next line is there, or over a pipe the empty line that
ends an answer. Between an answer and the next text there is a pause, as when someone types, in which the
processor does other things. Every run is recorded; `best` is the one of the lowest 99th percentile.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import numpy as np
from figures import FOLDER, LARGE
from machine import describe_machine

from emofuse import load_bundle

COMMAND = [sys.executable, "-m", "emofuse", "live"]
TEXTS = (FOLDER / "load_tweets.txt").read_text(encoding="utf-8").splitlines()
ROUNDS, RUNS = 5, 5
PAUSE_S = 0.03
LIMIT_MS = 10


class Live:
    """`emofuse live` over a pseudo-terminal or a pipe.

    Args:
        kind: "terminal" or "pipe".
    """

    def __init__(self, kind: str) -> None:
        if kind == "terminal":
            self._out, inner = pty.openpty()
            self._in = self._out
            fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            self._process = subprocess.Popen(
                COMMAND, stdin=inner, stdout=inner, stderr=inner, start_new_session=True
            )
            os.close(inner)
            self._end = b"\r\n\r\n> "
            self._read_until(b"> ")
        else:
            self._process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
            self._end = b"\n\n"

    def answer_ms(self, text: str) -> float:
        """Write a text, wait, press Enter, and read the answer."""
        os.write(self._in, text.encode())
        while select.select([self._out], [], [], PAUSE_S)[0]:
            os.read(self._out, 1 << 16)
        started = time.perf_counter()
        os.write(self._in, b"\n")
        self._read_until(self._end)
        return (time.perf_counter() - started) * 1000

    def close(self) -> None:
        """Leave it."""
        os.write(self._in, b"exit\n")
        self._process.wait(timeout=60)

    def _read_until(self, end: bytes) -> None:
        seen = b""
        while not seen.endswith(end):
            seen += os.read(self._out, 1 << 16)


def measure(kind: str) -> dict[str, float]:
    """One run: every text some times over, the first round not counted."""
    load = os.getloadavg()[0]
    live = Live(kind)
    times = [[live.answer_ms(text) for text in TEXTS] for _ in range(ROUNDS + 1)][1:]
    live.close()
    own = {f"p{q}_ms": round(float(np.percentile(times, q)), 2) for q in (50, 95, 99)}
    return {**own, "max_ms": round(float(np.max(times)), 2), "load_before": round(load, 2)}


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", type=Path, required=True)
    output = parser.parse_args().json
    runs: dict[str, list[dict[str, float]]] = {"terminal": [], "pipe": []}
    for _ in range(RUNS):
        # In turn, so that a busy spell meets both.
        for kind, own in runs.items():
            own.append(measure(kind))
            print(kind, own[-1], flush=True)
    rows = [
        {"over": kind, "best": min(own, key=lambda run: run["p99_ms"]), "runs": own}
        for kind, own in runs.items()
    ]
    record = {
        "command": "python benchmarks/live.py --json benchmarks/live.json",
        "machine": describe_machine(),
        "model_sha256": {LARGE: load_bundle(LARGE).sha256},
        "lines_per_run": ROUNDS * len(TEXTS),
        "pause_s": PAUSE_S,
        "limit_ms": LIMIT_MS,
        "rows": rows,
    }
    output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
