"""The fields for a text and a photo, which several tabs have, and what stands in them."""

from __future__ import annotations

import gradio as gr

from emofuse.demo.pairs import read_examples
from emofuse.demo.photo import load_photo, photo_input
from emofuse.types import Sample

__all__ = ["fill_fields", "photo_field", "read_fields", "text_field"]

MAX_CHARACTERS = 20_000
SHOWN = ("proud", "alone", "card", "scrubbed", "hair", "stars")  # examples under the fields


def text_field(tab: str) -> gr.Textbox:
    """A field for a text.

    Args:
        tab: Its `elem_id` is `TAB-text`.

    Returns:
        The field.
    """
    return gr.Textbox(
        label="Text",
        placeholder="What somebody wrote, in English",
        lines=3,
        max_length=MAX_CHARACTERS,
        elem_id=f"{tab}-text",
    )


def photo_field(tab: str) -> gr.Image:
    """A field for a photo, from a file, the camera or the clipboard.

    Args:
        tab: Its `elem_id` is `TAB-photo`.

    Returns:
        The field; its value is a path, or None.
    """
    return photo_input(
        "Photo",
        sources=["upload", "webcam", "clipboard"],
        height=260,
        elem_id=f"{tab}-photo",
        alt_text="The photo that you gave",
    )


def fill_fields(text: gr.Textbox, photo: gr.Image, clear: gr.Button) -> gr.State:
    """Lay out examples that fill the fields, and let a button empty them.

    Whatever answers must be one event, which listens to the result too: answers of several could overtake one
    another.

    Args:
        text: From `text_field`.
        photo: From `photo_field`.
        clear: The button.

    Returns:
        A state that changes after either has happened.
    """
    filled = gr.State(0)
    pairs = [[sample.text, str(sample.image)] for sample in read_examples() if sample.id in SHOWN]
    examples = gr.Examples(pairs, [text, photo], label="Examples", api_visibility="private")
    picked = examples.load_input_event
    cleared = clear.click(lambda: ("", None), None, [text, photo], queue=False, api_visibility="private")
    for own in (picked, cleared):
        own.then(lambda count: count + 1, filled, filled, api_visibility="private")
    return filled


def read_fields(text: str | None, path: str | None) -> Sample | None:
    """What stands in the fields, the photo decoded once for everything that looks at it.

    Args:
        text: May be empty; None where the field was not shown yet.
        path: Of an uploaded file, or None.

    Returns:
        The sample, or None where both fields are empty.
    """
    known = text if text and text.strip() else None
    if known is None and path is None:
        return None
    return Sample(id="0", text=known, image=load_photo(path))
