"""What the ways of tracking show alike: the chart, and the file of all states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from emofuse.demo.present import render
from emofuse.demo.record import Record, write_csv
from emofuse.demo.timeline import draw_timeline

__all__ = ["build_chart", "offer_csv", "show_record"]

# A table that was opened stays open when there is a newer one.
_KEEP_OPEN = """let open = false;
element.addEventListener('toggle', (event) => { open = event.target.open; }, true);
watch('value', () => { for (const own of element.querySelectorAll('details')) own.open = open; });"""

_SAVE = """(text) => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(['\\ufeff', text], {type: 'text/csv'}));
  link.download = 'emofuse-track.csv';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}"""


def build_chart(unit: str, elem_id: str) -> gr.HTML:
    """Lay out the timeline, empty.

    Args:
        unit: What it counts, "turns" or "seconds".
        elem_id: Name of the component in the page.

    Returns:
        The component; its value is what `show_record` gives.
    """
    return gr.HTML(show_record(Record(unit)), js_on_load=_KEEP_OPEN, elem_id=elem_id)


def show_record(record: Record, speaker: str | None = None, *, live: bool = False) -> str:
    """Draw the timeline.

    Args:
        record: What was tracked.
        speaker: Whose own turns; None for everybody's.
        live: Whether it is about to change, so that the list of changes and the table can wait.

    Returns:
        HTML.
    """
    timeline = draw_timeline(record, speaker)
    return render("track_timeline", timeline=timeline, record=record, live=live)


def offer_csv(button: gr.Button, kept: gr.State, record_of: Callable[[Any], Record]) -> None:
    """Let a button save the table of a visitor's record.

    Args:
        button: Shown as soon as there is a record.
        kept: Holds it.
        record_of: Finds it in what `kept` holds.
    """
    text = gr.Textbox(visible=False, label="CSV")
    written = button.click(
        lambda own: write_csv(record_of(own).entries), kept, text, api_visibility="private"
    )
    # A file that was written when it was not yet asked for would be written for every turn.
    written.then(None, text, None, js=_SAVE, api_visibility="private")
