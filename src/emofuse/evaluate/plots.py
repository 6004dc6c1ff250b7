"""The pictures of a report: each function draws one, as SVG that stands in a page by itself."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import cycle
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from emofuse.types import FloatArray

__all__ = [
    "plot_bars",
    "plot_class_bars",
    "plot_class_lines",
    "plot_class_shares",
    "plot_confusion",
    "plot_histogram",
    "plot_history",
    "plot_levels",
    "plot_reliability",
    "plot_risk_coverage",
    "plot_roc",
    "plot_stacked_shares",
    "plot_timeline",
    "plot_valence",
]

# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
STYLE: Any = {
    "svg.fonttype": "none",  # letters stay letters: smaller, and a reader can search for them
    "svg.hashsalt": "emofuse",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "text.parse_math": False,  # a label may hold a dollar sign
}
# The same label has the same colour in every picture of a page.
LABEL_COLOURS = {
    "negative": "#D55E00",
    "neutral": "#999999",
    "positive": "#009E73",
    "anger": "#D55E00",
    "disgust": "#882255",
    "fear": "#CC79A7",
    "joy": "#E69F00",
    "sadness": "#0072B2",
    "surprise": "#56B4E9",
}
THOUSANDS = "{x:,.0f}"  # a tick
NARROW = 5.2  # inches; letters can be read on a phone
POINTS = 200  # of a curve; more cannot be seen
DOTS = 2000  # of a scatter plot
LABEL_LENGTH = 24
SHOWN_LABELS = 10  # curves that can be told apart in one picture


@mpl.rc_context(STYLE)
def plot_class_bars(per_class: Mapping[str, Mapping[str, float]]) -> str:
    """F1 of each label with its interval, the best at the top."""
    rows = sorted(per_class.items(), key=lambda item: item[1]["f1"])
    figure, axes = _figure(height=0.6 + 0.24 * len(rows))
    values = [row["f1"] for _, row in rows]
    low = [value - min(row.get("f1_low", value), value) for value, (_, row) in zip(values, rows, strict=True)]
    high = [
        max(row.get("f1_high", value), value) - value for value, (_, row) in zip(values, rows, strict=True)
    ]
    names = [_short(label) for label, _ in rows]
    axes.barh(names, values, xerr=[low, high], color=COLOURS[0], ecolor="#555555")
    axes.set(xlim=(0, 1), xlabel="F1, with 95 % interval")
    return _svg(figure)


@mpl.rc_context(STYLE)
def plot_class_shares(truth: Mapping[str, float], answers: Mapping[str, float]) -> str:
    """How often each label is right, and how often it is answered, as two pies.

    Args:
        truth: Label -> how often it holds.
        answers: The same for the answers.

    Returns:
        SVG.
    """
    figure = Figure(figsize=(6.4, 2.9), layout="constrained")
    shown = sorted(truth, key=lambda label: -truth[label])
    if len(shown) > SHOWN_LABELS:
        shown = shown[: SHOWN_LABELS - 1]
    colours = _colours(len(shown) + 1)
    for place, (title, shares) in enumerate((("in the data", truth), ("answered", answers)), 1):
        axes = figure.add_subplot(1, 2, place)
        values = [shares[label] for label in shown]
        rest = sum(shares.values()) - sum(values)
        wedges, *_ = axes.pie([*values, rest] if rest > 0 else values, colors=colours, startangle=90)
        axes.set_title(title)
    names = [*map(_short, shown), "other labels"][: len(wedges)]
    figure.legend(wedges, names, loc="outside lower center", ncols=4, frameon=False)
    return _svg(figure)


@mpl.rc_context(STYLE)
def plot_class_lines(per_class: Mapping[str, Mapping[str, float]]) -> str:
    """Precision, recall and F1 along the labels, the most frequent first."""
    labels = sorted(per_class, key=lambda label: -per_class[label]["support"])
    figure, axes = _figure()
    for name, colour, marker in zip(("precision", "recall", "f1"), COLOURS, "os^", strict=False):
        axes.plot(
            labels, [per_class[label][name] for label in labels], marker, ls="-", color=colour, label=name
        )
    axes.set(ylim=(0, 1))
    axes.tick_params(axis="x", rotation=60 if len(labels) > 8 else 30)
    axes.legend(frameon=False)
    return _svg(figure)


@mpl.rc_context(STYLE)
def plot_confusion(confusion: Sequence[Sequence[int]], labels: Sequence[str]) -> str:
    """Rows truth, columns answers; shades are shares of a row, numbers are samples."""
    counts = np.array(confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 1.6 + 0.55 * len(labels)
    figure, axes = _figure(width=max(side, 3.6), height=max(side * 0.85, 3))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(*counts.shape):
        dark = shares[row, column] > 0.5
        axes.text(
            column, row, counts[row, column], ha="center", va="center", color="white" if dark else "black"
        )
    names = [_short(label) for label in labels]
    axes.set_xticks(range(len(labels)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), names)
    axes.set(xlabel="answer", ylabel="truth")
    return _svg(figure)


@mpl.rc_context(STYLE)
def plot_roc(
    truth: NDArray[np.bool_], probabilities: FloatArray, per_class: Mapping[str, Mapping[str, float]]
) -> str:
    """ROC curve of each label against the others; of many labels those with most samples.

    Args:
        truth: (n, labels) bool.
        probabilities: (n, labels) float, 0-1.
        per_class: Label -> its figures, in taxonomy order.

    Returns:
        SVG.
    """
    names = list(per_class)
    curved = [i for i, name in enumerate(names) if "auc" in per_class[name]]
    shown = sorted(curved, key=lambda i: -per_class[names[i]]["support"])[:SHOWN_LABELS]
    figure, axes = _figure(height=4.2)
    axes.plot([0, 1], [0, 1], color="#999999", lw=0.8, ls="--")
    lines: list[Any] = []
    labels: list[str] = []
    for i, colour in zip(shown, _colours(len(shown)), strict=True):
        wrong, right, _ = roc_curve(truth[:, i], probabilities[:, i])
        kept = np.unique(np.linspace(0, len(wrong) - 1, POINTS).astype(int))
        labels.append(f"{_short(names[i])} ({per_class[names[i]]['auc']:.2f})")
        lines += axes.plot(wrong[kept], right[kept], color=colour, lw=1.2)
    axes.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(0, 1), ylim=(0, 1.01))
    axes.legend(lines, labels, frameon=False, title="label (area)", fontsize=8)
    return _svg(figure)


@mpl.rc_context(STYLE)
def plot_reliability(bins: Sequence[Mapping[str, float]]) -> str:
    """Accuracy of each confidence bin; the dots grow with its samples."""
    figure, axes = _figure(height=4.2)
    axes.plot([0, 1], [0, 1], color="#999999", lw=0.8, ls="--", label="perfectly calibrated")
    confidence = [own["confidence"] for own in bins]
    accuracy = [own["accuracy"] for own in bins]
    shares = np.array([own["n"] for own in bins]) / sum(own["n"] for own in bins)
    axes.plot(confidence, accuracy, color=COLOURS[0], lw=1)
    axes.scatter(confidence, accuracy, s=10 + 400 * shares, color=COLOURS[0], clip_on=False)
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False, loc="upper left")
    return _svg(figure)


@mpl.rc_context(STYLE)
def plot_risk_coverage(steps: Sequence[Mapping[str, float]]) -> str:
    """Accuracy when only the surest share of the samples is answered."""
    figure, axes = _figure()
    axes.plot([own["coverage"] for own in steps], [own["accuracy"] for own in steps], "o-", color=COLOURS[0])
    lowest = min(own["accuracy"] for own in steps)
    axes.set(xlabel="share of the samples answered", ylabel="accuracy", xlim=(0, 1.02))
    axes.set_ylim(max(0.0, lowest - 0.1), 1)
    return _svg(figure)


@mpl.rc_context(STYLE)
def plot_history(history: Sequence[Mapping[str, float]]) -> str:
    """What training logged: losses at the left, validation measures at the right."""
    names = dict.fromkeys(name for row in history for name in row if name != "epoch")
    measures = [
        name for name in names if name.startswith("val/") and name.endswith(("accuracy", "f1", "map"))
    ]
    sides = [[name for name in names if name.endswith("/loss")], measures]
    sides = [side for side in sides if side]
    figure = Figure(figsize=(6.4, 3), layout="constrained")
    for place, side in enumerate(sides, 1):
        axes = figure.add_subplot(1, len(sides), place)
        for name, colour in zip(side, cycle(COLOURS), strict=False):
            rows = [row for row in history if name in row]
            axes.plot(
                [row["epoch"] + 1 for row in rows],
                [row[name] for row in rows],
                ".-",
                color=colour,
                label=name,
            )
        axes.set(xlabel="epoch")
        axes.legend(frameon=False, fontsize=7)
    return _svg(figure)


@mpl.rc_context(STYLE)
def plot_levels(
    ticks: Sequence[str], scores: Mapping[str, Sequence[tuple[float, float, float]]], unit: str
) -> str:
    """Measures over levels of severity, with their intervals as bands.

    Args:
        ticks: What each level is called, mildest first.
        scores: Measure -> value, low and high end (0-1) at each level.
        unit: Of the ticks.

    Returns:
        SVG.
    """
    figure, axes = _figure(height=2.6)
    steps = range(len(ticks))
    for (name, levels), colour, line in zip(scores.items(), COLOURS, ("o-", "s--"), strict=False):
        value, low, high = zip(*levels, strict=True)
        axes.fill_between(steps, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(steps, value, line, color=colour, markersize=4, label=name)
    axes.set_xticks(steps, ticks)
    axes.set(ylim=(0, 1), xlabel=unit)
    axes.legend(frameon=False, loc="lower left")
    return _svg(figure)


@mpl.rc_context(STYLE)
def plot_valence(truth: FloatArray, guess: FloatArray) -> str:
    """Answers against the truth; of many samples an even choice."""
    kept = np.unique(np.linspace(0, len(truth) - 1, DOTS).astype(int))
    figure, axes = _figure(height=4.2)
    axes.plot([-1, 1], [-1, 1], color="#999999", lw=0.8, ls="--")
    axes.scatter(truth[kept], guess[kept], s=6, alpha=0.4, color=COLOURS[0])
    axes.set(xlabel="truth", ylabel="P(positive) - P(negative)", xlim=(-1, 1), ylim=(-1, 1))
    return _svg(figure)


@mpl.rc_context(STYLE)
def plot_bars(counts: Mapping[str, int]) -> str:
    """How often each label stands, in the order given from the top, with numbers and percentages."""
    figure, axes = _figure(NARROW, 0.5 + 0.3 * len(counts))
    total, most = sum(counts.values()), max(counts.values())
    names = [_short(label) for label in counts]
    bars = axes.barh(range(len(names)), list(counts.values()), color=_name_colours(list(counts)))
    axes.bar_label(bars, [f"{n:,} ({100 * n / total:.1f} %)" for n in counts.values()], padding=3)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(0, most * 1.35)  # room for the numbers
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks([])
    return _svg(figure)


@mpl.rc_context(STYLE)
def plot_timeline(
    starts: Sequence[date], counts: Sequence[int], shares: Mapping[str, Sequence[float]], width: str
) -> str:
    """Shares of labels over time, below them how many rows they rest on.

    Args:
        starts: First day of each bin, in order.
        counts: Rows of each bin.
        shares: Label -> share (0-1) in each bin; NaN breaks its line.
        width: What a bin is called, such as "week".

    Returns:
        SVG.
    """
    figure = Figure(figsize=(NARROW, 3.6), layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=(3, 1))
    days = np.array(starts, dtype="datetime64[D]")
    for (label, values), colour in zip(shares.items(), _name_colours(list(shares)), strict=True):
        above.plot(days, values, ".-", color=colour, lw=1.2, markersize=3, label=_short(label))
    above.set(ylim=(0, None), ylabel="share")
    above.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    gap = int(np.diff(days).astype(int).min()) if len(days) > 1 else 1
    below.bar(days, counts, width=0.8 * gap, color="#bbbbbb")
    below.set(ylabel=f"rows a {width}")
    locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
    below.xaxis.set_major_locator(locator)
    below.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    below.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    below.yaxis.set_major_formatter(THOUSANDS)
    figure.legend(*above.get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    return _svg(figure)


@mpl.rc_context(STYLE)
def plot_stacked_shares(groups: Sequence[tuple[str, Mapping[str, int]]], labels: Sequence[str]) -> str:
    """Shares of labels in each group, one bar a group, the first at the top.

    Args:
        groups: Name and label -> rows, at least one.
        labels: In the order in which they are stacked.

    Returns:
        SVG.
    """
    figure, axes = _figure(NARROW, 0.9 + 0.28 * len(groups))
    places = range(len(groups))
    totals = np.array([sum(counts.values()) for _, counts in groups])
    left = np.zeros(len(groups))
    for label, colour in zip(labels, _name_colours(labels), strict=True):
        shares = np.array([counts.get(label, 0) for _, counts in groups]) / totals
        axes.barh(
            places, shares, left=left, color=colour, label=_short(label), edgecolor="white", linewidth=0.5
        )
        left += shares
    axes.set_yticks(places, [_short(name) for name, _ in groups])
    axes.invert_yaxis()
    axes.set(xlim=(0, 1))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    return _svg(figure)


@mpl.rc_context(STYLE)
def plot_histogram(bins: Mapping[str, Sequence[int]], unit: str) -> str:
    """Counts over equal bins of 0-1, one panel a series.

    Args:
        bins: Series -> counts.
        unit: What lies between 0 and 1.

    Returns:
        SVG.
    """
    figure = Figure(figsize=(NARROW, 2.4), layout="constrained")
    panels = figure.subplots(1, len(bins), squeeze=False)[0]
    for axes, (name, counts) in zip(panels, bins.items(), strict=True):
        axes.stairs(counts, np.linspace(0, 1, len(counts) + 1), fill=True, color=COLOURS[0])
        axes.set(xlim=(0, 1), xlabel=unit, title=name)
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.yaxis.set_major_formatter(THOUSANDS)
    panels[0].set_ylabel("rows")
    return _svg(figure)


def _name_colours(labels: Sequence[str]) -> list[str]:
    if set(labels) <= set(LABEL_COLOURS):
        return [LABEL_COLOURS[label] for label in labels]
    return _colours(len(labels))


def _short(label: str) -> str:
    return label if len(label) <= LABEL_LENGTH else label[: LABEL_LENGTH - 1] + "…"


def _figure(width: float = 6.4, height: float = 3.2) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _colours(count: int) -> list[str]:
    return [colour for _, colour in zip(range(count), cycle((*COLOURS, "#999999", "#882255")), strict=False)]


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    with warnings.catch_warnings():
        # The reader's fonts draw the letters, not those that matplotlib measures with.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure.savefig(text, format="svg", metadata={"Date": None})
    # The page holds several pictures: no XML header, and no fixed size, so that it fits a phone.
    body = text.getvalue()[text.getvalue().index("<svg") :]
    return re.sub(r'<svg (.*?)width="[\d.]+pt" height="[\d.]+pt"', r"<svg \1", body, count=1, flags=re.DOTALL)
