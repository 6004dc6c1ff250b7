"""The failure rates of CheckList as a part of a page that needs nothing from outside."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from emofuse.evaluate.checklist import PUBLISHED
from emofuse.evaluate.robustness_report import write_page

__all__ = ["checklist_section", "write_checklist_report"]


def write_checklist_report(path: Path, results: Mapping[str, Mapping[str, Any]]) -> None:
    """Write a page with the failure rates.

    Args:
        path: HTML file; it is replaced.
        results: Name of a model -> what `run_checklist` returned, all for the same cases.
    """
    write_page(path, "CheckList", checklist_section(results))


def checklist_section(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Failure rates by capability and test.

    Args:
        results: As for `write_checklist_report`.

    Returns:
        HTML: one `<section>`.
    """
    first = next(iter(results.values()))
    systems = list(next(iter(PUBLISHED.values())))
    header = "".join(f"<th>{escape(name)}</th>" for name in ["test", "type", *results, *systems])
    rows = []
    for capability in first["capabilities"]:
        pooled = [result["capabilities"][capability] for result in results.values()]
        rows.append(
            _row(
                f"<b>{escape(capability)}</b>", "", [r["capabilities"][capability] for r in results.values()]
            )
        )
        for test, own in first["tests"].items():
            if own["capability"] == capability:
                found = [result["tests"][test] for result in results.values()]
                rows.append(_row(escape(test), own["type"], found, PUBLISHED.get(test, {})))
    return (
        "<section><h2>Share of cases failed</h2>"
        f'<p class="note">{first["cases"]} cases of CheckList (Ribeiro et al., ACL 2020), 95 % Wilson intervals; '
        "a capability pools the cases of its tests. Invariance fails when any change of the text changes the "
        "sentiment. The other systems stand as published in 2020.</p>"
        f'<div class="wide"><table><thead><tr>{header}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
        "</div></section>"
    )


def _row(
    name: str, kind: str, rates: list[Mapping[str, Any]], published: Mapping[str, float] | None = None
) -> str:
    cells = [name, kind, *map(_failed, rates)]
    cells += [f"{published[system]:.3f}" if published else "–" for system in next(iter(PUBLISHED.values()))]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _failed(rates: Mapping[str, Any]) -> str:
    if rates["pass_rate"] is None:
        return "not judged"
    low, high = rates["interval"]
    return f"{1 - rates['pass_rate']:.3f} ({1 - high:.3f}–{1 - low:.3f}) of {rates['n']}"
