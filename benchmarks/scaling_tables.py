"""The tables of docs/scaling.md."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from figures import FOLDER, read, render

__all__ = ["TABLES"]

# Nobody's price list: a round figure of what a core costs for an hour.
ASSUMED_PRICE = 0.05
PATHS = {
    "text_bilstm": "texts, small model",
    "text_bert_bilstm": "texts, default model",
    "faces": "face crops",
    "photos": "photos: detector, faces, scene",
}
COMMANDS = {
    "throughput": "python benchmarks/throughput.py --data DATA --json benchmarks/throughput.json",
    "cluster_simulation": "python benchmarks/cluster_simulation.py --json benchmarks/cluster_simulation.json",
}
# Of a path, the case whose efficiency its plan takes.
CASE_OF = {"text_bilstm": "texts", "text_bert_bilstm": "texts_large", "photos": "photos_folder"}
PLANNED_WORKERS = 100
DEADLINES = ((10**6, 1), (10**7, 8), (10**8, 24))
STEADY = ("scoring", "planning", "dispatch", "storage", "stragglers", "failures", "tail")
# What holds a job up, the case that shows it, the case that has less of it, and what helps.
LIMITS = (
    ("planning", "texts_csv", "texts", "Parquet, of which planning reads the metadata alone"),
    ("dispatch", "texts_csv", "texts", "Parquet, whose partitions are larger"),
    ("merging", "texts", "texts_csv", "a job for each part of the input, side by side"),
    ("storage", "texts", "texts_csv", "row groups no larger than a partition"),
    ("dispatch", "photos", "texts_large", "several jobs side by side, each with a driver of its own"),
    ("tail", "texts_large", "texts", "CSV, whose partitions are smaller; fewer workers"),
    ("starting", "texts_few", "texts", "fewer workers; a cluster that stands"),
    ("stragglers", "texts", "texts_large", "machines of one type, with no other tenants"),
    ("failures", "texts", "texts_large", "nothing needs to: only the partition under way is done again"),
)


def throughput_table(record: Mapping[str, Any]) -> str:
    """What one and two workers did."""
    rows = [
        [
            PATHS[own["path"]],
            own["workers"],
            f"{own['items']:,}",
            f"{own['items_per_second']:,.1f}",
            f"{own['items_per_second'] / own['workers']:,.1f}",
            f"{own['rss_mb_per_worker']:.0f}",
            f"{own['rss_mb_total']:.0f}",
            f"{own['startup_seconds']:.1f}",
        ]
        for own in record["score"]
    ]
    header = ["path", "workers", "items", "items/s", "items/s per core", "MB per worker", "MB in all"]
    machine = next(iter(record["paths"].values()))["machine"]
    about = f"`{COMMANDS['throughput']}`, {machine['processor']}, {machine['cores']} cores, {machine['date']}"
    return f"{render([*header, 'start, s'], rows)}\n\n{about}."


def simulation_table(record: Mapping[str, Any]) -> str:
    """Time, rate and losses of each case."""
    rows = []
    for case in record["cases"]:
        for own in case["sizes"]:
            span, shares = own["makespan_s"], own["shares"]
            lost = [name for name in shares if name != "scoring"]
            worst = max(lost, key=lambda name: shares[name])
            rows.append(
                [
                    case["name"],
                    f"{own['workers']:,}",
                    f"{_duration(span['p50'])} ({_duration(span['p5'])}–{_duration(span['p95'])})",
                    f"{own['items_per_second']['p50']:,.0f}",
                    f"{own['efficiency']['p50']:.0%}",
                    f"{worst}, {shares[worst]:.0%}",
                    f"{own['failures']:,.1f}",
                    f"{own['partitions_redone']:,.1f} of {own['partitions']:,}",
                ]
            )
    header = ["job", "workers", "time (5th–95th percentile)", "items/s", "efficiency", "largest loss"]
    table = render([*header, "failures", "partitions redone"], rows)
    return f"{table}\n\n`{record['command']}`, {len(record['seeds'])} seeds."


def shares_table(record: Mapping[str, Any]) -> str:
    """Where the time of the largest cluster goes."""
    names = list(record["cases"][0]["sizes"][-1]["shares"])
    rows = []
    for case in record["cases"]:
        shares = case["sizes"][-1]["shares"]
        rows.append([case["name"], *(f"{shares[name]:.1%}" for name in names)])
    workers = record["cases"][0]["sizes"][-1]["workers"]
    table = render([f"time of {workers:,} workers", *names], rows)
    about = (
        f"Items per second, median and 5th to 95th percentile, and where the time of {workers:,} workers goes"
    )
    return f"![{about}](scaling_workers.svg)\n\n{table}"


def check_table(record: Mapping[str, Any]) -> str:
    """The model beside what was measured."""
    rows = [
        [
            PATHS[own["path"]],
            own["workers"],
            f"{own['items']:,}",
            f"{own['measured_s']:,.1f}",
            f"{own['simulated_s']:,.1f}",
            f"{own['error_percent']:+.1f} %",
            "fitted" if own["fitted"] else "forecast",
        ]
        for own in record["check"]
    ]
    return render(["path", "workers", "items", "measured, s", "simulated, s", "error", ""], rows)


def limits_table(record: Mapping[str, Any]) -> str:
    """What holds each job up, with the largest cluster."""
    cases = {case["key"]: case for case in record["cases"]}

    def show(activity: str, key: str) -> str:
        return f"{cases[key]['sizes'][-1]['shares'][activity]:.1%}: {cases[key]['name']}"

    rows = [
        [activity, show(activity, key), show(activity, other), remedy]
        for activity, key, other, remedy in LIMITS
    ]
    workers = f"{record['cases'][0]['sizes'][-1]['workers']:,}"
    return render(["what", f"share of {workers} workers' time", "beside it", "what helps"], rows)


def ceilings_table(record: Mapping[str, Any]) -> str:
    """What the driver and the storage can do at most, and for how many workers that is enough."""
    parameters, rows = record["parameters"], []
    for case in record["cases"]:
        job = case["job"]
        driver = job["partition_items"] / (job["plan_s"] + parameters["dispatch_s"]["value"])
        bandwidth = parameters[f"{case['storage']}_bytes_per_s"]["value"]
        storage = bandwidth / (job["read_bytes"] + job["write_bytes"])
        alone = f"{job['list_s'] + job['merge_s']:,.0f}"
        limits = [
            cell for most in (driver, storage) for cell in (_round(most), _round(most * job["score_s"]))
        ]
        rows.append([case["name"], f"{job['partition_items']:,}", *limits, alone])
    header = ["job", "items of a partition", "driver, items/s", "workers that fill it", "storage, items/s"]
    return render([*header, "workers that fill it", "listing and merging, s"], rows)


def _round(number: float) -> str:
    return f"{float(f'{number:.2g}'):,.0f}"


def parameters_table(record: Mapping[str, Any]) -> str:
    """Every number of the model and where it is from."""
    rows = [
        [f"`{name}`", f"{own['value']:.4g}", own["unit"], own["source"]]
        for name, own in record["parameters"].items()
    ]
    return render(["parameter", "value", "unit", "source"], rows)


def steady_efficiency(case: Mapping[str, Any], workers: int) -> float:
    """Scoring as a share of what lies between listing, start and merge, 0–1."""
    [size] = [own for own in case["sizes"] if own["workers"] == workers]
    listing = case["job"]["list_s"] / size["makespan_s"]["p50"]
    return float(size["shares"]["scoring"] / (sum(size["shares"][name] for name in STEADY) - listing))


def fixed_s(case: Mapping[str, Any], parameters: Mapping[str, Any], items: int) -> float:
    """Seconds in which nothing is scored: listing, the start of an average worker, merging."""
    join = (parameters["join_least_s"]["value"] + parameters["join_most_s"]["value"]) / 2
    start = parameters[f"{case['path']}.start_s"]["value"]
    alone = (case["job"]["list_s"] + case["job"]["merge_s"]) * items / case["items"]
    return float(join + start + alone)


def workers_needed(items: int, hours: float, score_s: float, efficiency: float, lost_s: float) -> int:
    """Workers of one core that score so many items in that time."""
    return math.ceil(items * score_s / (efficiency * (3600 * hours - lost_s)))


def cost_table(record: Mapping[str, Any]) -> str:
    """Core-hours and price of a million items."""
    rows = []
    for path, case in _planned(record):
        score_s = record["parameters"][f"{path}.score_s"]["value"]
        for workers in (10, 1000):
            [size] = [own for own in case["sizes"] if own["workers"] == workers]
            efficiency = size["efficiency"]["p50"]
            hours = 1e6 * score_s / 3600 / efficiency
            rows.append(
                [
                    f"{PATHS[path]}, {workers:,} workers",
                    f"{1000 * score_s:.3g}",
                    f"{efficiency:.2f}",
                    f"{hours:.3g}",
                    f"{hours * ASSUMED_PRICE:.2g}",
                ]
            )
    price = f"at an assumed {ASSUMED_PRICE:g} per core-hour"
    return render(["path", "s, ms", "e", "core-hours per million", price], rows)


def workers_table(record: Mapping[str, Any]) -> str:
    """Workers for a number of items and a time."""
    rows = []
    for path, case in _planned(record):
        score_s = record["parameters"][f"{path}.score_s"]["value"]
        efficiency = steady_efficiency(case, PLANNED_WORKERS)
        needed = []
        for items, hours in DEADLINES:
            lost_s = fixed_s(case, record["parameters"], items)
            count = workers_needed(items, hours, score_s, efficiency, lost_s)
            needed.append(f"{count:,} ({lost_s:.0f} s)")
        rows.append([PATHS[path], f"{efficiency:.2f}", *needed])
    return render(["path", "e", *(f"{items:,} in {hours} h (f)" for items, hours in DEADLINES)], rows)


def _planned(record: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    cases = {case["key"]: case for case in record["cases"]}
    return [(path, cases[key]) for path, key in CASE_OF.items()]


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} d"


def _from(name: str, table: Callable[[Mapping[str, Any]], str]) -> Callable[[], str]:
    def render_part() -> str:
        if not (FOLDER / f"{name}.json").exists():
            return f"Not measured yet: `{COMMANDS[name]}` does."
        return table(read(name))

    return render_part


TABLES = {
    "scaling_throughput": _from("throughput", throughput_table),
    **{
        f"scaling_{name}": _from("cluster_simulation", table)
        for name, table in {
            "ceilings": ceilings_table,
            "check": check_table,
            "cost": cost_table,
            "limits": limits_table,
            "parameters": parameters_table,
            "shares": shares_table,
            "simulation": simulation_table,
            "workers": workers_table,
        }.items()
    },
}
