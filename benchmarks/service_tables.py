"""Tables of the service: its settings, and what it takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from figures import FOLDER, read, render

from emofuse.serve import Settings

__all__ = ["TABLES"]


def settings_table() -> str:
    """Every setting with its default, in the words of its docstring."""
    about = dict(re.findall(r"^        (\w+): ((?:.|\n {12})+)$", Settings.__doc__ or "", flags=re.MULTILINE))
    rows = []
    for name, field in Settings.model_fields.items():
        default = "one per core" if field.default_factory else _show(field.default)
        rows.append([f"`EMOFUSE_{name.upper()}`", default, " ".join(about[name].split())])
    return render(["environment variable", "default", "meaning"], rows)


def _show(value: object) -> str:
    if value is None or value == ():
        return "–"
    return f"{value:g}" if isinstance(value, float) else str(value)


def rows_table(record: Mapping[str, Any]) -> str:
    """Each load beside what was aimed at."""
    rows = []
    for own in record["figures"]:
        aim_per_s, aim_ms = own["aim"]
        if own["p99_ms"] is None:
            raise ValueError(f"Nothing was answered to {own['load']}: measure again.")
        good = own["p99_ms"] <= aim_ms and own["per_s"] >= 0.99 * aim_per_s
        rows.append(
            [
                own["load"],
                f"{own['rate']}/s" if own["rate"] else "as fast as it goes",
                own["threads"],
                own["batch_size"],
                own["per_s"],
                *(f"{own[f'p{share}_ms']:.0f}" for share in (50, 95, 99)),
                own["cpu_ms"],
                _answers(own),
                "met" if good else "missed",
            ]
        )
    header = ["load", "offered", "threads", "batch", "answers/s", "p50 ms", "p95 ms", "p99 ms", "CPU ms each"]
    return render([*header, "answers", "aim"], rows)


def overload_table(record: Mapping[str, Any]) -> str:
    """Ten times the connections."""
    own = record["figures"]
    memory, times = own["memory_mb"], own["offered_per_s"] / own["usual_per_s"]
    sound = set(own["statuses"]) <= {"200", "503+retry"} and not own["lost"]
    good = sound and own["p99_ms"] <= own["deadline_ms"] and memory["after"] <= 1.03 * memory["before"]
    rows = [
        ["connections in a closed loop, seconds", f"{own['connections']}, {own['seconds']}"],
        ["requests per second", f"{own['offered_per_s']:g}, {times:.0f} times what it takes"],
        ["answers", _answers(own)],
        ["connections lost or timed out", own["lost"]],
        [
            "200s per second; with 32 connections before, after",
            _join(own, "per_s", "usual_per_s", "per_s_afterwards"),
        ],
        ["p50, p95, p99 of the 200s, ms", _join(own, "p50_ms", "p95_ms", "p99_ms")],
        ["memory before, at the end, after, MB", _join(memory, "before", "end", "after")],
        [
            f"only 200 and 503 with `Retry-After`, p99 of the 200s within {own['deadline_ms']:g} ms, "
            "memory back within 3 %",
            "met" if good else "missed",
        ],
    ]
    return render(["measure", "value"], rows)


def soak_table(record: Mapping[str, Any]) -> str:
    """Memory over time."""
    own = record["figures"]
    rows = [
        ["minutes, requests per second", f"{own['minutes']}, {own['rate']} of {own['usual_per_s']}"],
        ["answers", _answers(own)],
        ["p50, p95, p99, ms", _join(own, "p50_ms", "p95_ms", "p99_ms")],
        ["memory, median of each minute, MB", ", ".join(map(str, own["memory_mb"]))],
        ["last minute against the first; aim 3 %", f"{own['drift']:+.1%}"],
    ]
    return render(["measure", "value"], rows)


def memory_table() -> str:
    """Resident memory with the largest pictures."""
    record = read("picture_memory")
    rows = [[own["case"], own["before_mb"], own["peak_mb"]] for own in record["rows"]]
    return f"{render(['pictures', 'before, MB', 'peak, MB'], rows)}\n\n`{record['command']}`."


def durability_table() -> str:
    """What was lost when the service was killed."""
    record = read("durability")
    names = {
        "kills_of_the_service": "kills of the service",
        "kills_of_the_database": "kills of the database",
        "acknowledged": "corrections acknowledged",
        "lost": "of them lost",
        "twice": "stored twice",
        "altered": "altered",
        "start_max_s": "longest start, s",
    }
    versions = {"sqlite": "SQLite", "postgresql": f"PostgreSQL {record['postgresql_version'].split()[0]}"}
    rows = [[what, *(record[name][key] for name in versions)] for key, what in names.items()]
    return f"{render(['', *versions.values()], rows)}\n\n`{record['command']}`, seed {record['seed']}."


def _answers(figures: Mapping[str, Any]) -> str:
    words = {"503+retry": "503 with `Retry-After`"}
    return ", ".join(
        f"{number} × {words.get(status, status)}" for status, number in figures["statuses"].items()
    )


def _join(figures: Mapping[str, Any], *names: str) -> str:
    return ", ".join(f"{figures[name]:g}" for name in names)


def _measured(part: str, table: Callable[[Mapping[str, Any]], str]) -> Callable[[], str]:
    command = f"`python benchmarks/load.py {part} --json benchmarks/service_load.json`"

    def render_part() -> str:
        record = read("service_load").get(part) if (FOLDER / "service_load.json").exists() else None
        if record is None:
            return f"Not measured yet: {command} does."
        machine = record["machine"]
        about = f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}"
        return f"{table(record)}\n\n{command}, {about}, {machine['date']}."

    return render_part


TABLES = {
    "service_durability": durability_table,
    "service_memory": memory_table,
    "service_overload": _measured("overload", overload_table),
    "service_load": _measured("rows", rows_table),
    "service_settings": settings_table,
    "service_soak": _measured("soak", soak_table),
}
