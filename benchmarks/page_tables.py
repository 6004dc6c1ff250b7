"""The tables of docs/demo.md."""

from __future__ import annotations

from figures import read, render

ACTS = {
    "text": "a text, then *Analyse*",
    "click": "a text beside a photo that is there, then *Analyse*",
    "photo": "a photo of 512 px chosen beside a text: upload and answer",
}


def page_table() -> str:
    """What a visitor waits for."""
    rows = read("page")["rows"]
    cells = [
        [name, *(f"{rows[act][key]:.0f}" for key in ("p50_ms", "p95_ms", "max_ms"))]
        for act, name in ACTS.items()
    ]
    return render(["what", "p50, ms", "p95, ms", "longest of 60, ms"], cells)


TABLES = {"page": page_table}
