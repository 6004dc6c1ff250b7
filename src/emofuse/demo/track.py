"""The tab that follows a conversation, a video or a camera."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from emofuse.demo.models import Choices
from emofuse.demo.present import render
from emofuse.demo.record import KEPT
from emofuse.demo.track_clip import build_clip
from emofuse.demo.track_conversation import build_conversation
from emofuse.demo.webcam import KEPT_EVERY_S

__all__ = ["build_track"]

SCRIPT = Path(__file__).parent / "script" / "webcam.js"
_TELL_CAMERA = "(name) => { document.documentElement.dataset.efModels = name; }"


def build_track(demo: gr.Blocks, choices: Choices, chosen: gr.Dropdown) -> None:
    """Lay out the tab; call it inside a `gr.Tab`.

    Args:
        demo: The page, whose visitors leave.
        choices: What can read.
        chosen: Holds the name of the choice.
    """
    with gr.Tabs():
        with gr.Tab("Conversation", elem_id="track-tab-conversation"):
            build_conversation(choices, chosen)
        with gr.Tab("Clip", elem_id="track-tab-clip"):
            build_clip(demo, choices, chosen)
        with gr.Tab("Camera", elem_id="track-tab-camera"):
            _build_camera(choices, chosen)


def _build_camera(choices: Choices, chosen: gr.Dropdown) -> None:
    page = render(
        "track_webcam", models=next(iter(choices)), kept=f"{KEPT:,}", per_second=round(1 / KEPT_EVERY_S)
    )
    gr.HTML(page, js_on_load=SCRIPT.read_text(encoding="utf-8"), elem_id="track-camera")
    chosen.change(None, [chosen], None, js=_TELL_CAMERA, api_visibility="private")
