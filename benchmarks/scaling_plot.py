"""The picture of docs/scaling.md."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from cluster_model import ACTIVITIES
from matplotlib.figure import Figure

from emofuse.evaluate.plots import COLOURS, STYLE

# `scoring` is what the workers are there for.
ORDER = ("scoring", *(name for name in ACTIVITIES if name != "scoring"))


@mpl.rc_context(STYLE)
def draw_scaling(cases: Sequence[Mapping[str, Any]]) -> str:
    """Items per second over the workers, and where the time of the largest cluster goes.

    Args:
        cases: Of benchmarks/cluster_simulation.json.

    Returns:
        SVG, the same for the same figures.
    """
    figure = Figure(figsize=(7.2, 7.0), layout="constrained")
    upper, lower = figure.subplots(2, 1, height_ratios=(1.3, 1))
    for case, colour in zip(cases, COLOURS, strict=False):
        _draw_rates(upper, case, colour)
    upper.set(xscale="log", yscale="log", xlabel="workers of one core (dashed: as many times one worker)")
    upper.set_ylabel("items per second")
    upper.set_xticks([size["workers"] for size in cases[0]["sizes"]])
    for axis in (upper.xaxis, upper.yaxis):
        axis.set_major_formatter("{x:,.0f}")
    upper.legend(frameon=False, fontsize=8, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    _draw_shares(lower, cases)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def _draw_rates(axes: Any, case: Mapping[str, Any], colour: str) -> None:
    sizes = case["sizes"]
    workers = [size["workers"] for size in sizes]
    rates = {name: [size["items_per_second"][name] for size in sizes] for name in ("p5", "p50", "p95")}
    axes.plot(workers, rates["p50"], color=colour, marker="o", markersize=3, label=case["name"])
    axes.fill_between(workers, rates["p5"], rates["p95"], color=colour, alpha=0.2, linewidth=0)
    first = rates["p50"][0] / workers[0]
    axes.plot(workers, [first * count for count in workers], color=colour, linestyle="--", linewidth=0.7)


def _draw_shares(axes: Any, cases: Sequence[Mapping[str, Any]]) -> None:
    names = [case["name"] for case in cases]
    largest = [case["sizes"][-1] for case in cases]
    left = [0.0] * len(cases)
    for activity, colour in zip(ORDER, (*COLOURS, "#999999"), strict=True):
        # Fast machines can more than make up for slow ones.
        shares = [max(size["shares"][activity], 0.0) for size in largest]
        axes.barh(names, shares, left=left, color=colour, label=activity)
        left = [start + share for start, share in zip(left, shares, strict=True)]
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel=f"share of the time of {largest[0]['workers']:,} workers")
    axes.legend(frameon=False, fontsize=8, ncols=5, loc="lower center", bbox_to_anchor=(0.4, 1.0))
