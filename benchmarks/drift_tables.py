"""Tables of what drift shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from figures import read_current, render

SHOWN = ("tokens", "continued", "emotion", "emotion_confidence", "sentiment", "sentiment_confidence")


def chance_table() -> str:
    """Alarms although nothing has changed."""
    record = read_current("drift")
    rows = []
    for label, key in (
        ("as in the reference", "usual"),
        ("GoEmotions, beside its own validation", "own_reference"),
    ):
        for found in record[key]:
            rows.append([label, found["n"], found["window"], *_alarms(found), _ks_alarms(found)])
    header = ["texts", "n", "window", "watch", "shifted", f"KS beyond its {record['alpha']:.0%} value"]
    return render(header, rows)


def others_table() -> str:
    """Index of each feature on other texts."""
    record = read_current("drift")
    rows = [["as in the reference", *_line(_usual(record), "psi")]]
    rows += [[name, *_line(found, "psi")] for name, found in record["others"].items()]
    return render(["texts", "n", *(f"`{name}`" for name in SHOWN), "watch", "shifted"], rows)


def distances_table() -> str:
    """KS distance of each ordered feature on other texts."""
    record = read_current("drift")
    names = [name for name, own in _usual(record)["features"].items() if own["ks"] is not None]
    kinds = {"as in the reference": _usual(record), **record["others"]}
    rows = [
        [label, *(f"{found['features'][name]['ks']:.3f}" for name in names)] for label, found in kinds.items()
    ]
    return render(["texts", *(f"`{name}`" for name in names)], rows)


def parts_table() -> str:
    """Alarms when only a part of the texts is of another kind."""
    rows = [
        [name, f"{found['part']:.0%}", *_alarms(found), _worst(found)]
        for name, parts in read_current("drift")["parts"].items()
        for found in parts
    ]
    return render(["texts", "part of the window", "watch", "shifted", "largest PSI"], rows)


def observe_table() -> str:
    """Cost of counting a request."""
    return render(
        ["measure", "value"],
        [
            [
                "`Monitor.observe` and `observe_request`, µs of CPU time a request",
                read_current("drift")["observe_us"],
            ]
        ],
    )


def _usual(record: Mapping[str, Any]) -> Mapping[str, Any]:
    window = next(iter(record["others"].values()))["window"]
    found: Mapping[str, Any] = next(own for own in record["usual"] if own["window"] == window)
    return found


def _line(found: Mapping[str, Any], measure: str) -> list[object]:
    return [found["n"], *(f"{found['features'][name][measure]:.3f}" for name in SHOWN), *_alarms(found)]


def _alarms(found: Mapping[str, Any]) -> list[str]:
    return [f"{found['watch']:.3f}", f"{found['shifted']:.3f}"]


def _ks_alarms(found: Mapping[str, Any]) -> str:
    shares = [own["ks_above_critical"] for own in found["features"].values() if own["ks"] is not None]
    return f"at most {max(shares):.3f}"


def _worst(found: Mapping[str, Any]) -> str:
    name = max(found["features"], key=lambda own: found["features"][own]["psi"])
    return f"`{name}` {found['features'][name]['psi']:.3f}"


TABLES = {
    "drift_chance": chance_table,
    "drift_distances": distances_table,
    "drift_observe": observe_table,
    "drift_others": others_table,
    "drift_parts": parts_table,
}
