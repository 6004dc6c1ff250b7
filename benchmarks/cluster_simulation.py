"""What 1 to 1,000 workers would take, from what one and two took.

    python benchmarks/cluster_simulation.py --json benchmarks/cluster_simulation.json

Reads benchmarks/throughput.json and benchmarks/driver_costs.json, runs the model of `cluster_model.py` with
seeds 0 to 19, compares it with the measured runs, and draws docs/scaling_workers.svg. No cluster was at hand:
what lies beyond two workers is simulated, and every number that could not be measured says so. Ten minutes on
two cores.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from cluster_model import ACTIVITIES, Cluster, Job, Run, simulate

from emofuse.scale import parquet, source

FOLDER = Path(__file__).parent
WORKERS = (1, 2, 10, 100, 1_000)
SEEDS = 20
PATHS = ("text_bilstm", "text_bert_bilstm", "faces", "photos")
PARTITION_TEXTS = {"csv": source.ROWS, "parquet": parquet.ROWS}


@dataclass(frozen=True)
class Parameter:
    """A number of the model.

    Attributes:
        value: The number.
        unit: What it counts.
        source: `measured: FILE KEY`, or `assumed: REASON`.
    """

    value: float
    unit: str
    source: str


@dataclass(frozen=True)
class Case:
    """A job that is simulated.

    Attributes:
        key: For the tables.
        name: For a reader.
        path: Of throughput.json.
        items: Texts or photos.
        input: `csv`, `parquet` or `folder`; the output is Parquet for Parquet, else CSV.
        storage: `file_server` or `parallel`.
    """

    key: str
    name: str
    path: str
    items: int
    input: str
    storage: str


CASES = (
    Case("texts_few", "10 million texts, CSV", "text_bilstm", 10**7, "csv", "file_server"),
    Case("texts_csv", "1 billion texts, CSV", "text_bilstm", 10**9, "csv", "file_server"),
    Case("texts", "1 billion texts, Parquet", "text_bilstm", 10**9, "parquet", "parallel"),
    Case("texts_large", "100 million texts, default model", "text_bert_bilstm", 10**8, "parquet", "parallel"),
    Case("photos_folder", "10 million photos, folder", "photos", 10**7, "folder", "file_server"),
    Case("photos", "10 million photos, Parquet of names", "photos", 10**7, "parquet", "parallel"),
)

ASSUMED = {
    "parquet_group_rows": Parameter(
        2.0**20, "rows", "assumed: what pyarrow writes unless told; each partition reads its whole group"
    ),
    "join_least_s": Parameter(30.0, "s", "assumed: a cloud machine with its image at hand"),
    "join_most_s": Parameter(90.0, "s", "assumed: the same on a bad day"),
    "speed_sigma": Parameter(
        0.1, "of the logarithm", "assumed: cloud machines of one type differ by about a tenth"
    ),
    "slow_share": Parameter(0.005, "of the partitions", "assumed: a noisy neighbour, a retry of the storage"),
    "slow_factor": Parameter(5.0, "times", "assumed: the same"),
    "failure_mean_s": Parameter(
        86_400.0, "s", "assumed: each worker once a day, as spot machines are taken back"
    ),
    "replace_s": Parameter(90.0, "s", "assumed: the failure is noticed after 30 s, then a machine joins"),
    "file_server_bytes_per_s": Parameter(1.25e9, "bytes/s", "assumed: one file server on 10 Gbit/s"),
    "parallel_bytes_per_s": Parameter(12.5e9, "bytes/s", "assumed: a parallel file system on 100 Gbit/s"),
    "link_bytes_per_s": Parameter(1e8, "bytes/s", "assumed: one reader of a network file system"),
    "open_s": Parameter(1e-3, "s", "assumed: some round trips to open a file over the network"),
    "window": Parameter(64.0, "partitions per worker", "assumed: WINDOW of emofuse.scale.ray_engine"),
}

# Name here -> key in driver_costs.json.
MEASURED = {
    "csv_plan_s_per_row": ("csv_plan_s_per_row", "s"),
    "parquet_plan_s_per_partition": ("parquet_plan_s_per_partition", "s"),
    "folder_list_s_per_file": ("folder_list_s_per_file", "s"),
    "folder_plan_s_per_file": ("folder_plan_s_per_file", "s"),
    "merge_bytes_per_s": ("merge_bytes_per_s", "bytes/s"),
    "parquet_merge_s_per_row": ("parquet_merge_s_per_row", "s"),
    "text_output_bytes": ("text_output_bytes", "bytes beside the input"),
    "photo_output_bytes": ("photo_output_bytes", "bytes"),
    "dispatch_s": ("ray_dispatch_s", "s"),
    "latency_s": ("ray_round_trip_s", "s"),
}


def read_parameters(throughput: Mapping[str, Any], driver: Mapping[str, Any]) -> dict[str, Parameter]:
    """All numbers of the model.

    Args:
        throughput: Of benchmarks/throughput.json.
        driver: Of benchmarks/driver_costs.json.

    Returns:
        Name -> number; those of a path are called `PATH.NAME`.
    """
    parameters = dict(ASSUMED)
    for name, (key, unit) in MEASURED.items():
        parameters[name] = Parameter(
            driver["figures"][key], unit, f"measured: driver_costs.json figures.{key}"
        )
    for path in PATHS:
        rows = _rows_of(throughput, path)
        if not rows:
            continue
        row = rows[max(rows)]
        where = f"measured: throughput.json score[path={path}, workers={row['workers']}]"
        busy_s = scoring_s(row)
        parameters[f"{path}.score_s"] = Parameter(busy_s, "s of a core per item", f"{where}.seconds")
        parameters[f"{path}.start_s"] = Parameter(row["startup_seconds"], "s", f"{where}.startup_seconds")
        parameters[f"{path}.read_bytes"] = Parameter(
            row["mean_bytes_per_item"], "bytes", f"{where}.mean_bytes_per_item"
        )
    return parameters


def _rows_of(throughput: Mapping[str, Any], path: str) -> dict[int, Mapping[str, Any]]:
    return {row["workers"]: row for row in throughput["score"] if row["path"] == path}


def scoring_s(row: Mapping[str, Any]) -> float:
    """Seconds of a core for one item in a measured run.

    Start, listing and merging are in `startup_seconds`; what planning takes from the cores of the workers is
    in the result.
    """
    return float((row["seconds"] - row["startup_seconds"]) * row["workers"] / row["items"])


def build_job(case: Case, parameters: Mapping[str, Parameter], *, read_bytes: float, score_s: float) -> Job:
    """The job of a case.

    Args:
        case: Which.
        parameters: Of `read_parameters`.
        read_bytes: Of an item.
        score_s: Seconds of a core for an item.

    Returns:
        The job.
    """

    def value(name: str) -> float:
        return parameters[name].value

    text = case.path.startswith("text")
    partition_items = PARTITION_TEXTS[case.input] if text else source.PICTURES
    # The columns of a text are kept; of a picture, only the name.
    written = read_bytes + value("text_output_bytes") if text else value("photo_output_bytes")
    planning = {
        "csv": partition_items * parameters["csv_plan_s_per_row"].value,
        "folder": partition_items * parameters["folder_plan_s_per_file"].value,
        "parquet": parameters["parquet_plan_s_per_partition"].value,
    }
    groups = value("parquet_group_rows") / partition_items if text and case.input == "parquet" else 1.0
    return Job(
        items=case.items,
        partition_items=partition_items,
        score_s=score_s,
        read_bytes=read_bytes * groups,
        write_bytes=written,
        list_s=case.items * value("folder_list_s_per_file") if case.input == "folder" else 0.0,
        plan_s=planning[case.input],
        merge_s=case.items
        * (
            value("parquet_merge_s_per_row")
            if case.input == "parquet"
            else written / value("merge_bytes_per_s")
        ),
    )


def build_cluster(case: Case, workers: int, parameters: Mapping[str, Parameter]) -> Cluster:
    """The cluster of a case."""

    def value(name: str) -> float:
        return parameters[name].value

    link = value("link_bytes_per_s")
    if case.path == "photos":  # each is a file
        size = value("photos.read_bytes")
        link = size / (value("open_s") + size / link)
    return Cluster(
        workers=workers,
        start_s=value(f"{case.path}.start_s"),
        join_s=(value("join_least_s"), value("join_most_s")),
        window=int(value("window")),
        dispatch_s=value("dispatch_s"),
        latency_s=value("latency_s"),
        speed_sigma=value("speed_sigma"),
        slow_share=value("slow_share"),
        slow_factor=value("slow_factor"),
        failure_mean_s=value("failure_mean_s"),
        replace_s=value("replace_s"),
        storage_bytes_per_s=value(f"{case.storage}_bytes_per_s"),
        link_bytes_per_s=link,
    )


def summarise(job: Job, workers: int, runs: Sequence[Run]) -> dict[str, Any]:
    """Percentiles over the seeds, and the mean share of the workers' time that each activity takes."""
    makespans = np.array([run.makespan_s for run in runs])
    shares = {
        name: np.array([run.spent_s[name] for run in runs]) / (workers * makespans) for name in ACTIVITIES
    }
    if any(set(run.finished) != {1} for run in runs):
        raise RuntimeError("A partition was not finished exactly once.")
    return {
        "workers": workers,
        "makespan_s": _percentiles(makespans, 1),
        "items_per_second": _percentiles(job.items / makespans, 1),
        "efficiency": _percentiles(shares["scoring"], 4),
        "shares": {name: round(float(share.mean()), 4) for name, share in shares.items()},
        "failures": float(np.mean([run.failures for run in runs])),
        "partitions": job.partitions,
        "partitions_redone": float(np.mean([sum(run.begun) - job.partitions for run in runs])),
    }


def _percentiles(values: Any, digits: int) -> dict[str, float]:
    return {f"p{share}": round(float(np.percentile(values, share)), digits) for share in (5, 50, 95)}


def check(throughput: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> list[dict[str, Any]]:
    """The model beside the measured runs.

    The seconds per item come from the run of one worker: its own row shows only that nothing is lost on the
    way. The row of two workers is a forecast.
    """
    rows = []
    for path in PATHS:
        measured = _rows_of(throughput, path)
        for workers, row in sorted(measured.items()):
            kind = "folder" if path in ("photos", "faces") else "csv"
            job = build_job(
                Case("", "", path, row["items"], kind, ""),
                parameters,
                read_bytes=row["mean_bytes_per_item"],
                score_s=scoring_s(measured[1]),
            )
            # Both are in the measured start.
            job = replace(job, list_s=0.0, merge_s=0.0)
            run = simulate(job, Cluster(workers, start_s=row["startup_seconds"]), seed=0)
            rows.append(
                {
                    "path": path,
                    "workers": workers,
                    "items": row["items"],
                    "measured_s": row["seconds"],
                    "simulated_s": round(run.makespan_s, 3),
                    "error_percent": round(100 * (run.makespan_s / row["seconds"] - 1), 2),
                    "fitted": workers == 1,
                }
            )
    return rows


def simulate_case(
    case: Case,
    parameters: Mapping[str, Parameter],
    each: Callable[..., Iterable[Run]] = map,
    seeds: int = SEEDS,
) -> dict[str, Any]:
    """A case with every number of workers.

    Args:
        case: Which.
        parameters: Of `read_parameters`.
        each: `map`, or one that works side by side.
        seeds: Runs with each number of workers.

    Returns:
        The case, its job and its `sizes`.
    """
    job = build_job(
        case,
        parameters,
        read_bytes=parameters[f"{case.path}.read_bytes"].value,
        score_s=parameters[f"{case.path}.score_s"].value,
    )
    sizes = []
    for workers in WORKERS:
        cluster = build_cluster(case, workers, parameters)
        sizes.append(summarise(job, workers, list(each(partial(simulate, job, cluster), range(seeds)))))
    return {**asdict(case), "job": asdict(job), "sizes": sizes}


def read_input(name: str) -> Any:
    """A file that another benchmark writes."""
    path = FOLDER / f"{name}.json"
    if not path.exists():
        data = " --data DATA" if name == "throughput" else ""
        sys.exit(
            f"{path} is missing: run `python benchmarks/{name}.py{data} --json benchmarks/{name}.json` first."
        )
    return json.loads(path.read_text(encoding="utf-8"))


def main() -> None:
    """Simulate every case, compare, write and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, required=True)
    output = parser.parse_args().json
    throughput, driver = read_input("throughput"), read_input("driver_costs")
    parameters = read_parameters(throughput, driver)
    cases = []
    with ProcessPoolExecutor() as pool:
        for case in CASES:
            cases.append(simulate_case(case, parameters, pool.map))
            print(case.name, [size["makespan_s"]["p50"] for size in cases[-1]["sizes"]], flush=True)
    record = {
        "command": "python benchmarks/cluster_simulation.py --json benchmarks/cluster_simulation.json",
        "seeds": list(range(SEEDS)),
        "parameters": {name: asdict(parameter) for name, parameter in sorted(parameters.items())},
        "check": check(throughput, parameters),
        "cases": cases,
    }
    output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    from scaling_plot import draw_scaling  # noqa: PLC0415 - matplotlib takes seconds, and nothing else needs it

    picture = FOLDER.parent / "docs" / "scaling_workers.svg"
    picture.write_text(draw_scaling(cases), encoding="utf-8")


if __name__ == "__main__":
    main()
