"""Curves of robustness and the failures of CheckList as sections of a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emofuse.evaluate.checklist import PUBLISHED
from emofuse.evaluate.page import Section, render_page
from emofuse.evaluate.plots import plot_levels
from emofuse.evaluate.robustness import Curve, Level, Robustness

__all__ = ["checklist_section", "draw_curve", "render_checklist", "render_robustness", "robustness_sections"]

NAMES = {"accuracy": "accuracy", "macro_f1": "macro-F1"}


def render_robustness(result: Robustness) -> str:
    """Write a page with all curves of a result.

    Args:
        result: Of `evaluate_robustness`.

    Returns:
        One HTML page that loads nothing else.
    """
    facts = {
        "model": f"{result.bundle} {result.version}",
        "corpus": f"{result.corpus}, split {result.split}",
        "labels": result.taxonomy,
        "samples": f"{result.samples}, drawn and corrupted with seed {result.seed}",
    }
    return render_page(
        f"Robustness of {result.bundle} on {result.corpus}", facts, robustness_sections(result)
    )


def robustness_sections(result: Robustness) -> list[Section]:
    """A table of all levels, then one section per curve.

    Args:
        result: Of `evaluate_robustness`.

    Returns:
        The sections.
    """
    if not result.curves:
        return [Section("Levels", "None of the corruptions concerns one of the samples.")]
    measure = "accuracy" if "accuracy" in result.curves[0].levels[0].scores else "macro_f1"
    most = max(len(curve.levels) for curve in result.curves)
    rows = []
    for curve in result.curves:
        cells = [_interval(level, measure) for level in curve.levels[:1]]
        cells += [f"{_tick(level)}: {_interval(level, measure)}" for level in curve.levels[1:]]
        rows.append((curve.corruption, curve.samples, *cells, *[""] * (most - len(cells))))
    header = ("corruption", "n", "clean", *(f"level {i}" for i in range(1, most)))
    lead = (
        f"The {NAMES[measure]} at each level, with its 95 % bootstrap interval over the samples. A sample "
        "that can no longer be read counts as answered wrongly."
    )
    return [Section("Levels", lead, header=header, rows=rows), *map(_curve_section, result.curves)]


def draw_curve(curve: Curve) -> str:
    """Accuracy and macro-F1 with their intervals over the levels.

    Args:
        curve: What to draw.

    Returns:
        An `<svg>` element, the same for the same figures.
    """
    scores = {
        name: [level.scores[measure] for level in curve.levels]
        for measure, name in NAMES.items()
        if measure in curve.levels[0].scores
    }
    return plot_levels([_tick(level) for level in curve.levels], scores, curve.unit)


def render_checklist(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Write a page with the failure rates of models.

    Args:
        results: Name of a model -> what `run_checklist` returned, all for the same cases.

    Returns:
        One HTML page that loads nothing else.
    """
    first = next(iter(results.values()))
    facts = {
        "models": ", ".join(results),
        "suite": f"{first['cases']} cases, {first['texts']} texts",
        "source": "Ribeiro et al. 2020, Beyond Accuracy: Behavioral Testing of NLP Models with CheckList",
    }
    return render_page("CheckList", facts, [checklist_section(results)])


def checklist_section(results: Mapping[str, Mapping[str, Any]]) -> Section:
    """Failure rates by capability and test.

    Args:
        results: As for `render_checklist`.

    Returns:
        A table; a capability in capitals pools the cases of its tests.
    """
    first = next(iter(results.values()))
    systems = list(next(iter(PUBLISHED.values())))
    rows: list[tuple[str, ...]] = []
    for capability in first["capabilities"]:
        pooled = [_failed(result["capabilities"][capability]) for result in results.values()]
        rows.append((capability.upper(), "", *pooled, *("" for _ in systems)))
        for test, own in first["tests"].items():
            if own["capability"] == capability:
                found = [_failed(result["tests"][test]) for result in results.values()]
                known = PUBLISHED.get(test, {})
                published = [f"{known[name]:.3f}" if known else "" for name in systems]
                rows.append((test, own["type"], *found, *published))
    lead = (
        "The share of cases failed, with its 95 % Wilson interval. A minimum functionality test (MFT) has a "
        "right answer, in an invariance test (INV) no change of the text may change the sentiment, in a "
        "directional test (DIR) it must not move the wrong way. Names in capitals pool the tests below them. "
        "The other systems stand as published in 2020, where that could be checked."
    )
    return Section("Share of cases failed", lead, header=("test", "type", *results, *systems), rows=rows)


def _curve_section(curve: Curve) -> Section:
    last = curve.levels[-1]
    lead = f"{curve.samples} samples. The last level alters {last.touched} of them and changes "
    lead += f"{last.flipped:.0%} of the answers."
    if last.unreadable:
        lead += f" {last.unreadable} can no longer be read."
    return Section(curve.corruption, lead, draw_curve(curve))


def _interval(level: Level, measure: str) -> str:
    value, low, high = level.scores[measure]
    return _whole(f"{value:.3f} ({low:.3f} to {high:.3f})")


def _failed(rates: Mapping[str, Any]) -> str:
    if rates["pass_rate"] is None:
        return "not judged"
    low, high = rates["interval"]
    return _whole(f"{1 - rates['pass_rate']:.3f} ({1 - high:.3f} to {1 - low:.3f}) of {rates['n']}")


def _whole(cell: str) -> str:
    # Figures that a line break would part are hard to compare.
    return cell.replace(" ", "\N{NO-BREAK SPACE}")


def _tick(level: Level) -> str:
    return "clean" if level.value is None else f"{level.value:g}"
