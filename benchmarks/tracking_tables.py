"""The tables of docs/tracking.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from figures import read_current, render

KINDS = {
    "all_at_once": "all, at the same turn",
    "all_within_two": "all, within two turns",
    "lasting_within_two": "lasting, within two turns",
}


def shifts_table() -> str:
    """Precision and recall of shifts, of single labels and of smoothed ones."""
    rows = []
    for per, kinds in read_current("tracking")["shifts"].items():
        for kind, name in KINDS.items():
            for own in ("raw", "smoothed"):
                row = kinds[own][kind]
                values = [f"{row[key]:.3f}" for key in ("precision", "recall", "f1")]
                rows.append([per, name, own, row["gold"], row["found"], *values])
    header = ["turns of the", "shifts", "labels", "gold", "found", "precision", "recall", "F1"]
    return render(header, rows)


def false_alarms_table() -> str:
    """Events per 100 turns in which nothing changes, beside what is promised."""
    record = read_current("tracking")
    false, promised = record["false_alarms"], record["promised"]
    rows = [
        ["change of the raw label", f"{false['raw']:.2f}", "–"],
        ["`shift`", f"{false['shift']:.2f}", _held(false["shift"], promised["shift"])],
    ]
    rows += [
        [f"`shift`, {label} alone", f"{rate:.2f}", "–"] for label, rate in false["shift_by_label"].items()
    ]
    for event, own in record["alarms"].items():
        rows.append(
            [f"`{event}`", f"{own['false_per_100']:.2f}", _held(own["false_per_100"], promised["alarm"])]
        )
    return render(["event", "per 100 turns", "at most"], rows)


def _held(rate: float, limit: float) -> str:
    return f"{limit:g}" if rate <= limit else f"{limit:g}, missed"


def alarms_table() -> str:
    """Alarms in dialogues beside the gold labels."""
    rows = [
        [
            f"`{event}`",
            own["gold_turns"],
            own["alarms"],
            own["with_that_many_gold_turns_in_the_last_5"],
            own["dialogues_with_them"],
            own["of_those_heard"],
        ]
        for event, own in read_current("tracking")["alarms"].items()
    ]
    header = ["alarm", "k", "alarms", "k such turns in the last 5", "dialogues with k in 5", "of those heard"]
    return render(header, rows)


def abstained_table() -> str:
    """Lasting shifts by the weight of predictions that abstained."""
    rows = [
        [weight, f"{own['false_per_100']:.2f}", *(f"{own[key]:.3f}" for key in ("precision", "recall", "f1"))]
        for weight, own in read_current("tracking")["abstained"].items()
    ]
    return render(["weight", "false shifts per 100 turns", "precision", "recall", "F1"], rows)


def context_table() -> str:
    """Weighted F1 with and without the turns before."""
    rows = []
    for own in read_current("tracking")["context"]:
        ends = own.get("test_difference")
        difference = f"{ends[0]:+.3f} to {ends[1]:+.3f}" if ends else "–"
        rows.append(
            [
                own["name"],
                own.get("chosen", "") or "–",
                f"{own['validation']:.3f}",
                f"{own['test']:.3f}",
                difference,
            ]
        )
    return render(["read", "chosen", "validation", "test", "test difference, 95 %"], rows)


def frames_table() -> str:
    """A frame through the models, without a browser."""
    rows = [
        [row["path"], row["frames"], f"{row['p50_ms']:.1f}", f"{row['p95_ms']:.1f}"]
        for row in read_current("webcam")["alone"]["rows"]
    ]
    return render(["a JPEG of 640 x 480, without a browser", "frames", "p50, ms", "p95, ms"], rows)


def webcam_table() -> str:
    """What browsers saw of a camera, from the best to the worst of all runs and visitors."""
    record = read_current("webcam")
    aim, rows = record["aim"], []
    for visitors in sorted({run["visitors"] for run in record["runs"]}):
        runs = [run for run in record["runs"] if run["visitors"] == visitors]
        seen = [own for run in runs for own in run["each"]]
        rates = [own["frames_per_s"] for own in seen]
        trips = [own["round_trip"]["p50_ms"] for own in seen]
        met = visitors > 1 or (min(rates) >= aim["frames_per_s"] and max(trips) <= aim["p50_ms"])
        rows.append(
            [
                visitors,
                len(runs),
                _range(rates),
                _range([own["dropped"] for own in seen]),
                _range([own["server"]["p50_ms"] for own in seen]),
                f"{_range(trips)}{'' if met else ', missed'}",
                _range([own["round_trip"]["p95_ms"] for own in seen]),
                _range([own["age_first_third_p50_ms"] for own in seen]),
                _range([own["age_last_third_p50_ms"] for own in seen]),
                _range([own["age_at_the_end_ms"] for own in seen]),
                _range([run["load_before"] for run in runs]),
            ]
        )
    header = ["visitors", "runs", "frames/s", "dropped", "server p50, ms", "round trip p50, ms", "p95, ms"]
    ages = ["age p50, first third, ms", "last third", "at the end"]
    return render([*header, *ages, "load before"], rows)


def _range(values: Sequence[Any]) -> str:
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def live_table() -> str:
    """Time from Enter to the answer, in the quietest run, beside the limit and the slowest run."""
    record = read_current("live")
    limit = record["limit_ms"]
    rows = []
    for own in record["rows"]:
        best = own["best"]
        slowest = max(run["p99_ms"] for run in own["runs"])
        held = f"{limit}" if best["p99_ms"] <= limit else f"{limit}, missed"
        rows.append([own["over"], best["p50_ms"], best["p95_ms"], best["p99_ms"], held, slowest])
    return render(["over a", "p50 ms", "p95 ms", "p99 ms", "at most", "p99 of the slowest run"], rows)


def memory_table() -> str:
    """Resident memory of `emofuse track` along its turns."""
    rows = read_current("tracking_memory")["rows"]
    shares = [f"{share} %" for share in rows[0]["resident_mb"]]
    figures = [[own["turns"], *own["resident_mb"].values()] for own in rows]
    return render(["MB after this share of the turns", *shares], figures)


TABLES = {
    "frames": frames_table,
    "live": live_table,
    "tracking_abstained": abstained_table,
    "tracking_alarms": alarms_table,
    "tracking_context": context_table,
    "tracking_false_alarms": false_alarms_table,
    "tracking_memory": memory_table,
    "tracking_shifts": shifts_table,
    "webcam": webcam_table,
}
