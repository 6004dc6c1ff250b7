"""`emofuse score`, killed ten times at random moments and gone on with, beside an unbroken run.

    python benchmarks/score_kills.py --data DATA --json benchmarks/score_kills.json

Every process of the run is killed with SIGKILL. The output and the file of errors must be the same to the
last byte. Every hundredth row has no text, so that there are errors to lose.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from figures import SMALL
from machine import describe_machine
from throughput_inputs import write_texts

from emofuse import load_bundle

ROWS, KILLS, SEED = 120_000, 10, 7


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=ROWS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        table = write_table(given.data, folder, given.rows)
        started = time.perf_counter()
        run(table, folder / "whole.csv").wait()
        seconds = time.perf_counter() - started
        # Later kills would find a run that has ended.
        kills = kill_at_random(table, folder / "broken.csv", seconds / (KILLS + 1))
        suffixes = ("", ".errors.jsonl")
        digests = [[digest(folder / f"{name}.csv{own}") for own in suffixes] for name in ("whole", "broken")]
        left = sorted(
            path.name for path in folder.iterdir() if path.name.startswith((".", "broken.csv.parts"))
        )
    record = {
        "machine": describe_machine(),
        "model_sha256": {SMALL: load_bundle(SMALL).sha256},
        "rows": given.rows,
        "unbroken_seconds": round(seconds, 1),
        "kills": kills,
        "identical": digests[0] == digests[1],
        "sha256": digests[0][0],
        "left_behind": left,
    }
    given.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(record, indent=1))
    sys.exit(not record["identical"])


def write_table(data: Path, folder: Path, count: int) -> Path:
    """A CSV file of texts, some of them missing."""
    write_texts(data, folder / "texts.txt", count)
    table = folder / "in.csv"
    with (
        table.open("w", newline="", encoding="utf-8") as out,
        (folder / "texts.txt").open(encoding="utf-8") as texts,
    ):
        writer = csv.writer(out)
        writer.writerow(["number", "text"])
        writer.writerows(
            [number, "" if number % 100 == 0 else text.rstrip("\n")] for number, text in enumerate(texts, 1)
        )
    return table


def run(table: Path, out: Path) -> subprocess.Popen[bytes]:
    """The command, in a process group of its own."""
    command = [
        sys.executable,
        "-m",
        "emofuse",
        "score",
        str(table),
        "-o",
        str(out),
        "--models",
        SMALL,
        "--resume",
    ]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)


def kill_at_random(table: Path, out: Path, mean_s: float) -> list[dict[str, Any]]:
    """Kill the run at random moments, and let it end after the last one."""
    own, kills = random.Random(SEED), []
    while len(kills) < KILLS:
        process, after = run(table, out), own.uniform(0.2, 2 * mean_s)
        try:
            process.wait(timeout=after)
            break
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        done = sum(1 for _ in out.with_name(f"{out.name}.parts").glob("part-*.done"))
        kills.append({"after_s": round(after, 2), "partitions_done": done})
        print(kills[-1], flush=True)
    run(table, out).wait()
    return kills


def digest(path: Path) -> str:
    """Of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
