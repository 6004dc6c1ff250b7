"""Curves of robustness as parts of a page that needs nothing from outside."""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from emofuse.evaluate.robustness import MEASURES, Curve, Level, Robustness

__all__ = ["draw_curve", "robustness_sections", "write_page", "write_robustness_report"]

STYLES = {"accuracy": ("#0b5fa5", "-"), "macro_f1": ("#b35900", "--")}
NAMES = {"accuracy": "accuracy", "macro_f1": "macro-F1"}

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem }}
h1 {{ font-size: 1.5rem }} h2 {{ font-size: 1.2rem; margin-top: 2rem }} h3 {{ font-size: 1rem; margin: 0 }}
.curves {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)) }}
.curves {{ gap: 1.5rem }}
figure {{ margin: 0 }} figure svg {{ width: 100%; height: auto }}
figcaption, .note {{ font-size: .85rem; color: #444 }}
.wide {{ overflow-x: auto }}
table {{ border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums }}
th, td {{ padding: .2rem .6rem; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap }}
th:first-child, td:first-child {{ text-align: left; white-space: normal; min-width: 9rem }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


def write_robustness_report(path: Path, results: Sequence[Robustness]) -> None:
    """Write a page of curves.

    Args:
        path: HTML file; it is replaced.
        results: One per bundle and corpus.
    """
    write_page(path, "Robustness", robustness_sections(results))


def write_page(path: Path, title: str, body: str) -> None:
    """Write one HTML file that loads nothing else.

    Args:
        path: The file; it is replaced.
        title: Plain text.
        body: HTML.
    """
    path.write_text(PAGE.format(title=escape(title), body=body), encoding="utf-8")


def robustness_sections(results: Sequence[Robustness]) -> str:
    """Curves and figures of some results.

    Args:
        results: One per bundle and corpus.

    Returns:
        HTML: one `<section>` per result.
    """
    return "\n".join(_section(result) for result in results)


def draw_curve(curve: Curve) -> str:
    """Accuracy and macro-F1 with their intervals over the levels.

    Args:
        curve: What to draw.

    Returns:
        An `<svg>` element, the same for the same figures.
    """
    # Letters stay letters: smaller, searchable, and read aloud.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": curve.corruption, "font.size": 9}):
        figure = Figure(figsize=(3.6, 2.4), layout="constrained")
        axes = figure.subplots()
        steps = range(len(curve.levels))
        for measure in MEASURES:
            if measure not in curve.levels[0].scores:
                continue
            colour, line = STYLES[measure]
            value, low, high = zip(*(level.scores[measure] for level in curve.levels), strict=True)
            axes.fill_between(steps, low, high, color=colour, alpha=0.15, linewidth=0)
            axes.plot(steps, value, line, color=colour, marker="o", markersize=3, label=NAMES[measure])
        axes.set_xticks(steps, [_tick(level) for level in curve.levels])
        axes.set_ylim(0, 1)
        axes.grid(axis="y", alpha=0.3)
        axes.set_xlabel(curve.unit)
        axes.legend(loc="lower left", frameon=False)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    drawn = file.getvalue()
    return drawn[drawn.index("<svg") :]


def _section(result: Robustness) -> str:
    title = f"{result.bundle} {result.version} on {result.corpus} {result.split}"
    figures = "\n".join(_figure(curve) for curve in result.curves)
    return (
        f"<section><h2>{escape(title)}</h2>"
        f'<p class="note">{result.samples} samples, {escape(result.taxonomy)}, seed {result.seed}. '
        "Bands are 95 % bootstrap intervals. A sample that can no longer be read counts as answered wrongly.</p>"
        f'<div class="curves">{figures}</div>{_table(result)}</section>'
    )


def _figure(curve: Curve) -> str:
    last = curve.levels[-1]
    told = f"{curve.samples} samples; the last level changes {last.touched}, and {last.flipped:.0%} of the answers."
    if last.unreadable:
        told += f" {last.unreadable} can no longer be read."
    drawn = f"<h3>{escape(curve.corruption)}</h3>{draw_curve(curve)}"
    return f"<figure>{drawn}<figcaption>{told}</figcaption></figure>"


def _table(result: Robustness) -> str:
    most = max(len(curve.levels) for curve in result.curves)
    header = "".join(f"<th>{name}</th>" for name in ["corruption", "n", "clean", *range(1, most)])
    rows = "".join(f"<tr>{_row(curve)}</tr>" for curve in result.curves)
    measure = NAMES["accuracy" if "accuracy" in result.curves[0].levels[0].scores else "macro_f1"]
    return (
        f'<div class="wide"><table><caption>{measure} at each level</caption><thead><tr>{header}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _row(curve: Curve) -> str:
    cells = [escape(curve.corruption), str(curve.samples)]
    for level in curve.levels:
        value, low, high = level.scores.get("accuracy", level.scores["macro_f1"])
        cells.append(f"{value:.3f} ({low:.3f}–{high:.3f})")
    return "".join(f"<td>{cell}</td>" for cell in cells)


def _tick(level: Level) -> str:
    return "clean" if level.value is None else f"{level.value:g}"
