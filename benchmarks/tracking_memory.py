"""Memory of `emofuse track` over 100,000 turns.

    python benchmarks/tracking_memory.py --json benchmarks/tracking_memory.json

Each case is a process of its own, whose resident memory is read after 1, 10, 25, 50, 75 and 100 % of its
turns: texts, which the small model reads, or predictions. 300 speakers take turns at random, three times as
many as are remembered. No two texts are alike: each is one of `load_tweets.txt` in another order of words,
with three invented ones, so that the tokenizer's memory of words is full after some thousand.
"""

from __future__ import annotations

import argparse
import json
import random
import string
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from figures import FOLDER, SMALL
from machine import describe_machine

from emofuse import Predictor, Sample, load_bundle

COMMAND = [sys.executable, "-m", "emofuse", "track", "--models", SMALL]
TEXTS = (FOLDER / "load_tweets.txt").read_text(encoding="utf-8").splitlines()
TURNS, SPEAKERS, SEED = 100_000, 300, 0
SHARES = (1, 10, 25, 50, 75, 100)  # percent


def texts() -> Iterator[dict[str, Any]]:
    """Turns to be read."""
    own = random.Random(SEED)
    while True:
        invented = ["".join(own.choices(string.ascii_lowercase, k=8)) for _ in range(3)]
        words = [*own.choice(TEXTS).split(), *invented]
        yield {"text": " ".join(own.sample(words, len(words))), "speaker": speaker(own)}


def predictions() -> Iterator[dict[str, Any]]:
    """Turns that have been read."""
    own = random.Random(SEED)
    found = [p.to_dict() for p in Predictor.load([SMALL]).predict(Sample(text=text) for text in TEXTS)]
    while True:
        yield own.choice(found) | {"speaker": speaker(own)}


def speaker(own: random.Random) -> str:
    """One of those who take part."""
    return f"speaker {own.randrange(SPEAKERS)}"


def measure(turns: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """Resident memory of one process along its turns, MB."""
    marks, found = {TURNS * share // 100: share for share in SHARES}, {}
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for number, turn in zip(range(1, TURNS + 1), turns, strict=False):
            process.stdin.write(json.dumps(turn).encode() + b"\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            if answer.get("turn") != number:
                sys.exit(f"Turn {number} was answered by {answer}.")
            if number in marks:
                found[f"{marks[number]}"] = read_memory(process.pid, "VmRSS")
        peak = read_memory(process.pid, "VmHWM")
        process.stdin.close()
    return {"resident_mb": found, "peak_mb": peak, "growth_mb": round(found["100"] - found["10"], 1)}


def read_memory(process: int, name: str) -> float:
    """A line of a process's status, MB."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(round(int(line.split()[1]) / 1024, 1) for line in lines if line.startswith(name))


def main() -> None:
    """Measure both cases and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", type=Path, required=True)
    output = parser.parse_args().json
    cases: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {"texts": texts, "predictions": predictions}
    rows = []
    for name, make in cases.items():
        rows.append({"turns": name, **measure(make())})
        print(rows[-1])
    record = {
        "command": "python benchmarks/tracking_memory.py --json benchmarks/tracking_memory.json",
        "machine": describe_machine(),
        "model_sha256": {SMALL: load_bundle(SMALL).sha256},
        "turns": TURNS,
        "speakers": SPEAKERS,
        "seed": SEED,
        "rows": rows,
    }
    output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
