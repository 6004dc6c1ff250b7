"""Rows a second of `emofuse score --engine ray` with one slot and with two, beyond what it takes to begin.

    python benchmarks/ray_scaling.py --data DATA --json benchmarks/ray_scaling.json

DATA holds text/. Ten minutes on two cores that do nothing else; the two take turns. The rate counts from when
each slot has given its first answer.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import SMALL
from machine import describe_machine
from throughput_inputs import write_texts

from emofuse.scale.job import Engine, Job, score
from emofuse.scale.ray_engine import RayEngine

ROWS = 4096  # of a partition
SLOTS = (1, 2)


@dataclass(frozen=True)
class Run:
    """A run and what it took.

    Attributes:
        slots: At a time.
        begin_s: Until each slot had given an answer, without the time of scoring it.
        rows_per_s: After that.
        others: Cores that were busy with something else in the five seconds before and after.
    """

    slots: int
    begin_s: float
    rows_per_s: float
    others: float


def measure(table: Path, slots: int) -> Run:
    """Score a table of lines.

    Args:
        table: With many partitions for each slot.
        slots: At a time.

    Returns:
        What it took.
    """
    told: list[tuple[float, int]] = []
    engine: Engine = RayEngine(slots=slots)
    before, started = _count_busy(), time.monotonic()
    with tempfile.TemporaryDirectory(dir=table.parent) as folder:
        score(
            Job(table, Path(folder) / "out.csv", models=[SMALL]),
            engine,
            progress=lambda _, __, rows: told.append((time.monotonic() - started, rows)),
        )
    (first_s, first), (last_s, last) = told[slots - 1], told[-1]
    rate = (last - first) / (last_s - first_s)
    others = (before + _count_busy()) / 2
    return Run(slots, round(first_s - first / rate, 1), round(rate, 1), round(others, 2))


def summarise(runs: list[Run]) -> dict[str, Any]:
    """The best of the turns, since other work can only take away, and their ratio."""
    by = {slots: [own for own in runs if own.slots == slots] for slots in SLOTS}
    rates = {slots: max(own.rows_per_s for own in by[slots]) for slots in SLOTS}
    return {
        "rows_per_s": {str(slots): rate for slots, rate in rates.items()},
        "begin_s": {str(slots): min(own.begin_s for own in by[slots]) for slots in SLOTS},
        "two_to_one": round(rates[2] / rates[1], 3),
        "runs": [vars(own) for own in runs],
    }


def _count_busy() -> float:
    seconds = 5
    before = _busy_s()
    time.sleep(seconds)
    return (_busy_s() - before) / seconds


def _busy_s() -> float:
    # user nice system idle iowait irq softirq steal
    ticks = [int(own) for own in Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--partitions", type=int, default=40)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    count = options.partitions * ROWS
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "texts.txt"
        write_texts(options.data, table, count)
        runs = []
        for slots in SLOTS * options.turns:
            runs.append(measure(table, slots))
            print(runs[-1], flush=True)
    result = {"machine": describe_machine(), "model": SMALL, "rows": count, **summarise(runs)}
    options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
