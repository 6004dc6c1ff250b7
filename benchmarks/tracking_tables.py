"""The tables of docs/tracking.md."""

from __future__ import annotations

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


TABLES = {
    "tracking_abstained": abstained_table,
    "tracking_alarms": alarms_table,
    "tracking_context": context_table,
    "tracking_false_alarms": false_alarms_table,
    "tracking_shifts": shifts_table,
}
