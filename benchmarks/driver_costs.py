"""What one driver process takes for a row, a file name, a byte and a task, and how long an answer is.

    python benchmarks/driver_costs.py --json benchmarks/driver_costs.json

Planning cuts a table of short texts or a folder of pictures as `emofuse score` does; merging puts parts of
that table together on the disk of this machine; a task is an empty one of Ray Data on two actors.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
import ray
from machine import describe_machine
from pyarrow import parquet
from ray import data

from emofuse.scale.fields import choose_columns
from emofuse.scale.job import Job, score
from emofuse.scale.local import score_here
from emofuse.scale.open_source import open_source
from emofuse.scale.parquet import ROWS as PARQUET_ROWS
from emofuse.scale.source import ReadOptions
from emofuse.scale.table import open_format

TWEETS = Path(__file__).parent / "load_tweets.txt"
PHOTOS = Path(__file__).parents[1] / "src" / "emofuse" / "demo" / "examples"
ROWS, FILES, TASKS, ROUNDS = 500_000, 10_000, 1_000, 3
PLAIN = ReadOptions()


def median_s(call: Callable[[], Any]) -> float:
    """Median seconds of a few calls."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return median(times)


def write_tables(folder: Path) -> tuple[Path, Path]:
    """The same tweets as CSV and as Parquet."""
    texts = TWEETS.read_text("utf-8").splitlines()
    many = [texts[row % len(texts)] for row in range(ROWS)]
    tables = folder / "table.csv", folder / "table.parquet"
    with tables[0].open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "text"), *enumerate(many)])
    parquet.write_table(pa.table({"id": range(ROWS), "text": many}), tables[1])
    return tables


def plan(place: Path, listing: Path) -> int:
    """How many partitions an input has."""
    return sum(1 for _ in open_source(place, PLAIN, listing).partitions())


def measure_planning(folder: Path) -> dict[str, float]:
    """Seconds for a row, a partition or a file."""
    table, columns = write_tables(folder)
    pictures, listing = folder / "pictures", folder / "listing"
    pictures.mkdir()
    for number in range(FILES):
        (pictures / f"{number:06}.jpg").touch()

    def list_anew() -> None:
        listing.unlink(missing_ok=True)
        open_source(pictures, PLAIN, listing)

    return {
        "csv_plan_s_per_row": median_s(partial(plan, table, listing)) / ROWS,
        "parquet_plan_s_per_partition": median_s(partial(plan, columns, listing)) / plan(columns, listing),
        "folder_list_s_per_file": median_s(list_anew) / FILES,
        "folder_plan_s_per_file": median_s(partial(plan, pictures, listing)) / FILES,
    }


def measure_merging(folder: Path) -> float:
    """Bytes per second from parts into one CSV file, on the disk."""
    table, merged = folder / "table.csv", folder / "merged.csv"
    parts = list(_split(table, folder))

    def merge() -> None:
        open_format(merged, ("id", "text"), ()).merge(parts, merged)
        with merged.open("rb") as file:
            os.fsync(file.fileno())

    return table.stat().st_size / median_s(merge)


def _split(table: Path, folder: Path) -> Iterator[Path]:
    with table.open("rb") as file:
        for cut in open_source(table, PLAIN, folder / "listing").partitions():
            part = folder / f"part-{cut.index:07d}.csv"
            file.seek(cut.start)
            part.write_bytes(file.read(cut.stop - cut.start))
            yield part


def measure_parquet_merge(folder: Path) -> float:
    """Seconds for a row from parts into one Parquet file."""
    lines, out, merged = folder / "lines.txt", folder / "small.parquet", folder / "merged.parquet"
    shutil.copy(TWEETS, lines)
    job = Job(lines, out, models=("text_bilstm",))
    score(job, partial(score_here, workers=1))
    some = parquet.read_table(out)
    whole = pa.concat_tables([some] * (PARQUET_ROWS // some.num_rows))
    parts = [folder / f"part-{number:07d}.parquet" for number in range(16)]
    for part in parts:
        parquet.write_table(whole, part)
    table = open_format(out, ("text",), choose_columns(job.fields, job.taxonomy))
    return median_s(lambda: table.merge(parts, merged)) / (len(parts) * whole.num_rows)


def measure_output(folder: Path) -> dict[str, float]:
    """Bytes that the default fields add to a text, and of a row with the name of a photo."""
    lines = folder / "tweets.txt"
    shutil.copy(TWEETS, lines)
    added = {}
    for name, place, models, own in (
        ("text", lines, ("text_bilstm",), lines.stat().st_size),
        ("photo", PHOTOS, (), 0),
    ):
        job = Job(place, folder / f"{name}.csv", models=models)
        summary = score(job, partial(score_here, workers=1))
        added[f"{name}_output_bytes"] = (job.out.stat().st_size - own) / summary.rows
    return added


class Slot:
    """A worker that does nothing."""

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Answer at once."""
        return row


def measure_ray() -> dict[str, float]:
    """Seconds of the driver for a task of Ray Data, and of a call of an actor that waits for nothing else."""
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    data.DataContext.get_current().enable_progress_bars = False

    def hand_out(tasks: int) -> None:
        rows = [{"task": task} for task in range(tasks)]
        pool = data.ActorPoolStrategy(min_size=1, max_size=2, initial_size=2)
        answers = data.from_items(rows, override_num_blocks=tasks).map(Slot, compute=pool, num_cpus=1)
        assert sum(1 for _ in answers.iter_rows()) == tasks

    hand_out(2)
    few_s, many_s = (median_s(partial(hand_out, tasks)) for tasks in (TASKS // 10, TASKS))
    slot = ray.remote(Slot).remote()
    ray.get(slot.__call__.remote({}))
    alone_s = median_s(lambda: [ray.get(slot.__call__.remote({})) for _ in range(TASKS)])
    ray.shutdown()
    return {"ray_dispatch_s": (many_s - few_s) / (TASKS - TASKS // 10), "ray_round_trip_s": alone_s / TASKS}


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True)
    output = parser.parse_args().json
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = measure_planning(folder)
        figures["merge_bytes_per_s"] = measure_merging(folder)
        figures["parquet_merge_s_per_row"] = measure_parquet_merge(folder)
        figures |= measure_output(folder)
    figures |= measure_ray()
    record = {
        "command": "python benchmarks/driver_costs.py --json benchmarks/driver_costs.json",
        "machine": {**describe_machine(), "ray": ray.__version__},
        "rows": ROWS,
        "files": FILES,
        "tasks": TASKS,
        "rounds": ROUNDS,
        "figures": {key: float(f"{value:.4g}") for key, value in figures.items()},
    }
    output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(record["figures"])


if __name__ == "__main__":
    main()
