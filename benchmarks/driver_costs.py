"""What one driver process takes for a row, a file name, a byte and a task.

    python benchmarks/driver_costs.py --json benchmarks/driver_costs.json

Planning is a pass of `csv.reader` over short texts, or of `os.scandir` over a folder; merging copies parts of
4,096 rows into one file on the disk of this machine; a task is an empty call of one of two Ray actors.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import ray
from machine import describe_machine

TWEETS = Path(__file__).parent / "load_tweets.txt"
ROWS, PARTITION_ROWS, FILES, TASKS, ROUNDS = 500_000, 4096, 10_000, 2_000, 5


def median_s(call: Callable[[], Any]) -> float:
    """Median seconds of a few calls."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return median(times)


def write_table(path: Path) -> None:
    """A CSV table of tweets."""
    texts = TWEETS.read_text("utf-8").splitlines()
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows((row, texts[row % len(texts)]) for row in range(ROWS))


def count_rows(path: Path) -> int:
    """Rows of a table."""
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file))


def split(path: Path, folder: Path) -> list[Path]:
    """The table in parts."""
    parts = []
    with path.open("rb") as file:
        lines = file.readlines()
    for number, start in enumerate(range(0, len(lines), PARTITION_ROWS)):
        parts.append(folder / f"part-{number:06}.csv")
        parts[-1].write_bytes(b"".join(lines[start : start + PARTITION_ROWS]))
    return parts


def merge(parts: list[Path], output: Path) -> None:
    """All parts in one file, on the disk."""
    with output.open("wb") as file:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, file)
        file.flush()
        os.fsync(file.fileno())


def list_folder(folder: Path) -> int:
    """Names of a folder."""
    with os.scandir(folder) as entries:
        return sum(entry.is_file() for entry in entries)


class Slot:
    """A worker that does nothing."""

    def score(self, partition: int) -> int:
        """Answer at once."""
        return partition


def measure_ray() -> dict[str, float]:
    """Seconds of the driver for a task, and of a task that nothing else keeps waiting."""
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    slots = [ray.remote(Slot).remote() for _ in range(2)]
    ray.get([slot.score.remote(0) for slot in slots])

    def hand_out() -> None:
        """One task under way per slot and one that waits, as long as there are any."""
        running = {slots[task % 2].score.remote(task): task % 2 for task in range(4)}
        for task in range(4, TASKS):
            [done], _ = ray.wait(list(running), num_returns=1)
            slot = running.pop(done)
            running[slots[slot].score.remote(task)] = slot
        ray.get(list(running))

    busy_s = median_s(hand_out) / TASKS
    alone_s = median_s(lambda: [ray.get(slots[0].score.remote(task)) for task in range(TASKS)]) / TASKS
    ray.shutdown()
    return {"ray_dispatch_s": busy_s, "ray_round_trip_s": alone_s}


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True)
    output = parser.parse_args().json
    with tempfile.TemporaryDirectory() as name:
        table, folder, pictures = Path(name, "table.csv"), Path(name, "parts"), Path(name, "pictures")
        write_table(table)
        folder.mkdir()
        pictures.mkdir()
        for number in range(FILES):
            (pictures / f"{number:06}.jpg").touch()
        parts = split(table, folder)
        size = table.stat().st_size
        figures = {
            "csv_s_per_row": median_s(lambda: count_rows(table)) / ROWS,
            "folder_s_per_file": median_s(lambda: list_folder(pictures)) / FILES,
            "merge_bytes_per_s": size / median_s(lambda: merge(parts, Path(name, "merged.csv"))),
        }
    figures |= measure_ray()
    record = {
        "command": "python benchmarks/driver_costs.py --json benchmarks/driver_costs.json",
        "machine": {**describe_machine(), "ray": ray.__version__},
        "rows": ROWS,
        "bytes_per_row": round(size / ROWS, 1),
        "files": FILES,
        "tasks": TASKS,
        "rounds": ROUNDS,
        "figures": {key: float(f"{value:.4g}") for key, value in figures.items()},
    }
    output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(record["figures"])


if __name__ == "__main__":
    main()
