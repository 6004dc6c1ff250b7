"""Items a second and memory of `emofuse score`, beside a bare loop over the same inputs.

    python benchmarks/throughput.py --data DATA --json benchmarks/throughput.json [--only PATH]

DATA holds text/, faces/ and msed/. An hour on two cores that do nothing else; `--only` measures one path
again, `--share` with a part of its items. Each path is scored by one worker and by two. Memory is that of all
processes together, read twice a second. The bare loops run in two processes of one thread, PyTorch in one
process of two threads.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bare_loops import LOOPS
from figures import FACE, LARGE, SMALL
from machine import describe_machine
from throughput_inputs import link_photos, write_crops, write_texts

from emofuse import load_bundle

MEMORY_EVERY_S = 0.5
LEAST = {True: 14_000, False: 450}  # texts and pictures: a pace needs some partitions


@dataclass(frozen=True)
class Case:
    """A way through emofuse.

    Attributes:
        make: Writes an input of a size.
        items: Scored with two workers; one worker scores a quarter of them.
        bare: Items of the bare loops.
        options: Of `emofuse score`.
        loop: Bare loop with ONNX Runtime, and what it takes before its inputs.
        torch: The same with PyTorch.
        models: That take part.
    """

    make: Callable[[Path, Path, int], None]
    items: int
    bare: int
    options: tuple[str, ...]
    loop: tuple[Any, ...]
    torch: tuple[Any, ...]
    models: tuple[str, ...]


PATHS = {
    SMALL: Case(
        write_texts,
        1_000_000,
        100_000,
        ("--models", SMALL),
        ("onnx_texts", SMALL),
        ("torch_texts", SMALL),
        (SMALL,),
    ),
    LARGE: Case(write_texts, 100_000, 20_000, (), ("onnx_texts", LARGE), ("torch_texts", LARGE), (LARGE,)),
    "faces": Case(
        write_crops,
        10_000,
        2_000,
        ("--crop",),
        ("onnx_crops", FACE),
        ("torch_crops", FACE),
        (FACE,),
    ),
    "photos": Case(
        link_photos,
        2_500,
        500,
        (),
        ("onnx_photos",),
        ("torch_photos",),
        ("face_detector", FACE, "scene_image"),
    ),
}
BATCHES = {SMALL: (64,), LARGE: (1, 16, 64), "faces": (64,), "photos": ()}


def measure(name: str, data: Path, folder: Path, share: float) -> dict[str, Any]:
    """One path: scored, and by the bare loops."""
    own = PATHS[name]
    count, bare_count = round(own.items * share), round(own.bare * share)
    place = folder / (f"{name}.txt" if own.make is write_texts else name)
    own.make(data, place, count)
    quarter = folder / (f"{name}-quarter.txt" if own.make is write_texts else f"{name}-quarter")
    fewer = max(count // 4, LEAST[place.is_file()])
    own.make(data, quarter, fewer)
    size = place.stat().st_size if place.is_file() else sum(p.stat().st_size for p in place.iterdir())
    rows = []
    for workers, given, items in ((2, place, count), (1, quarter, fewer)):
        found = score(given, folder / "out.csv", [*own.options, "--workers", str(workers)])
        rows.append({"path": name, "workers": workers, "items": items, **found})
        rows[-1]["items_per_second"] = round(items / found["seconds"], 1)
        rows[-1]["mean_bytes_per_item"] = round(size / count, 1)
        print(rows[-1], flush=True)
    items = read_items(quarter)[:bare_count]
    loops = []
    for batch in BATCHES[name] or (None,):
        loops.append(
            {"loop": "onnxruntime", "batch": batch, **bare(own.loop, items, [batch] if batch else [], 2)}
        )
        print(loops[-1], flush=True)
    loops.append({"loop": "pytorch", **bare(own.torch, items[: bare_count // 4], [2], 1)})
    print(loops[-1], flush=True)
    models = {model: load_bundle(model).sha256 for model in own.models}
    return {
        "path": name,
        "machine": describe_machine(),
        "load": os.getloadavg()[1],
        "score": rows,
        "bare": loops,
        "model_sha256": models,
    }


def score(place: Path, out: Path, options: Sequence[str]) -> dict[str, Any]:
    """Seconds and memory of one run of the command."""
    out.unlink(missing_ok=True)
    command = [sys.executable, "-m", "emofuse", "score", str(place), "-o", str(out), *options]
    started = time.perf_counter()
    marks: list[tuple[float, int, float, float]] = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            done = sum(1 for _ in out.with_name(f"{out.name}.parts").glob("part-*.done"))
            marks.append((time.perf_counter() - started, done, *memory_mb(process.pid)))
            time.sleep(MEMORY_EVERY_S)
        seconds = time.perf_counter() - started
        said = process.stderr.read() if process.stderr else ""
    if process.returncode not in (0, 1) or not out.exists():
        sys.exit(said)
    last = max(done for _, done, *_ in marks)
    working = [mark for mark in marks if 0 < mark[1] < last]
    resident = {
        f"{share}%": next((round(rss) for _, done, rss, _ in marks if done >= last * share / 100), None)
        for share in (10, 25, 50, 75, 95)
    }
    if len(working) < 2 or working[0][1] == working[-1][1]:
        sys.exit(f"{place} is too small to measure: take a larger --share.")
    first, final = working[0], working[-1]
    pace = (final[1] - first[1]) / (final[0] - first[0])
    workers = int(options[-1])
    return {
        "seconds": round(seconds, 2),
        "startup_seconds": round(max(0.0, seconds - last / pace), 2),
        "rss_mb_total": round(max(rss for *_, rss, _ in marks)),
        "pss_mb_total": round(max(pss for *_, pss in marks)),
        "rss_mb_per_worker": round(max(rss for *_, rss, _ in marks) / (workers + (workers > 1))),
        "rss_mb_at": resident,
        "said": said.strip().splitlines()[0].partition(": ")[2],
    }


def memory_mb(pid: int) -> tuple[float, float]:
    """Resident and proportional memory of a process and all below it, MB."""
    resident = shared = 0.0
    for own in [pid, *children(pid)]:
        try:
            lines = Path(f"/proc/{own}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        sizes = {line.split()[0]: int(line.split()[1]) / 1024 for line in lines[1:]}
        resident, shared = resident + sizes["Rss:"], shared + sizes["Pss:"]
    return resident, shared


def children(pid: int) -> list[int]:
    """Processes below a process."""
    try:
        found = [int(own) for own in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
    return [*found, *(below for own in found for below in children(own))]


def bare(loop: Sequence[Any], items: Sequence[Any], rest: Sequence[Any], processes: int) -> dict[str, Any]:
    """Items a second of a bare loop, its start left out."""
    name, *before = loop
    share = -(-len(items) // processes)
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        waiting = [
            pool.submit(LOOPS[name], *before, items[start : start + share], *rest)
            for start in range(0, len(items), share)
        ]
        found = [own.result() for own in waiting]
    slowest = max(own["seconds"] for own in found)
    rates = {"items": len(items), "items_per_second": round(len(items) / slowest, 1)}
    if "session_seconds" in found[0]:
        rates["session_items_per_second"] = round(
            len(items) / max(own["session_seconds"] for own in found), 1
        )
    return rates


def read_items(place: Path) -> Sequence[Any]:
    """Lines of a file, or the files of a folder."""
    return place.read_text(encoding="utf-8").splitlines() if place.is_file() else sorted(place.iterdir())


def main() -> None:
    """Measure what is asked for and keep the rest."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--only", choices=sorted(PATHS), action="append")
    parser.add_argument("--share", type=float, default=1.0)
    given = parser.parse_args()
    record = json.loads(given.json.read_text(encoding="utf-8")) if given.json.exists() else {"paths": {}}
    for name in given.only or PATHS:
        with tempfile.TemporaryDirectory() as folder:
            record["paths"][name] = measure(name, given.data, Path(folder), given.share)
        paths = record["paths"].values()
        record["score"] = [row for own in paths for row in own["score"]]
        record["model_sha256"] = {key: value for own in paths for key, value in own["model_sha256"].items()}
        given.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
