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
# Of a path, the case whose efficiency its plan takes.
CASE_OF = {"text_bilstm": "texts", "text_bert_bilstm": "texts_large", "photos": "photos"}
DEADLINES = ((10**6, 1), (10**8, 8), (10**9, 24))
STEADY = ("scoring", "dispatch", "storage", "stragglers", "failures", "tail")
# What holds a job up, the case that shows it, the case that does without, and what helps.
LIMITS = (
    ("planning", "texts_csv", "texts", "Parquet, or many CSV files, whose planning reads metadata alone"),
    ("merging", "texts_csv", "texts", "leave a folder of parts"),
    ("planning", "photos_folder", "photos", "a table of names instead of a listing"),
    ("storage", "photos_folder", "photos", "a store that grows with its readers"),
    ("starting", "texts_few", "texts", "fewer workers, or a cluster that stands"),
    ("tail", "texts_few", "texts", "more partitions than ten times the workers"),
    ("stragglers", "texts", None, "smaller partitions shorten the tail, not the slow machines"),
    ("failures", "texts", None, "nothing: only the partition under way is done again"),
    ("dispatch", "texts", None, "larger partitions"),
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
    about = "`python benchmarks/throughput.py --json benchmarks/throughput.json`"
    if machine := record.get("machine"):
        about += f", {machine['processor']}, {machine['cores']} cores, {machine['date']}"
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
    rows = []
    for activity, key, other, remedy in LIMITS:
        size = cases[key]["sizes"][-1]
        without = "–"
        if other:
            without = f"{cases[other]['sizes'][-1]['shares'][activity]:.1%}: {cases[other]['name']}"
        share = f"{size['shares'][activity]:.1%}: {cases[key]['name']}"
        rows.append([activity, share, without, remedy])
    workers = f"{record['cases'][0]['sizes'][-1]['workers']:,}"
    return render(["what", f"share of {workers} workers' time", "beside it", "what helps"], rows)


def parameters_table(record: Mapping[str, Any]) -> str:
    """Every number of the model and where it is from."""
    rows = [
        [f"`{name}`", f"{own['value']:.4g}", own["unit"], own["source"]]
        for name, own in record["parameters"].items()
    ]
    return render(["parameter", "value", "unit", "source"], rows)


def steady_efficiency(case: Mapping[str, Any], workers: int) -> float:
    """Scoring as a share of what lies between start and merge, 0–1."""
    [size] = [own for own in case["sizes"] if own["workers"] == workers]
    return float(size["shares"]["scoring"] / sum(size["shares"][name] for name in STEADY))


def fixed_s(case: Mapping[str, Any], parameters: Mapping[str, Any]) -> float:
    """Seconds in which nothing is scored: listing, the start of an average worker, merging."""
    join = (parameters["join_least_s"]["value"] + parameters["join_most_s"]["value"]) / 2
    start = parameters[f"{case['path']}.start_s"]["value"]
    return float(case["job"]["list_s"] + join + start + case["job"]["merge_s"])


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
        efficiency, lost_s = steady_efficiency(case, 1000), fixed_s(case, record["parameters"])
        needed = [workers_needed(items, hours, score_s, efficiency, lost_s) for items, hours in DEADLINES]
        rows.append([PATHS[path], f"{efficiency:.2f}", f"{lost_s:.0f}", *(f"{count:,}" for count in needed)])
    header = ["path", "e", "f, s", *(f"{items:,} in {hours} h" for items, hours in DEADLINES)]
    return render(header, rows)


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
            return f"Not measured yet: `python benchmarks/{name}.py --json benchmarks/{name}.json` does."
        return table(read(name))

    return render_part


TABLES = {
    "scaling_throughput": _from("throughput", throughput_table),
    **{
        f"scaling_{name}": _from("cluster_simulation", table)
        for name, table in {
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
