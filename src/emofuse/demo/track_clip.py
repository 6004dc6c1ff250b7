"""The part of the page that follows a video."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import gradio as gr

from emofuse.demo.clip import FRAMES_PER_S, MAX_S, follow_clip, read_frames
from emofuse.demo.models import Choice, Choices
from emofuse.demo.photo import path_of_upload
from emofuse.demo.present import render
from emofuse.demo.record import Record
from emofuse.demo.track_view import build_chart, offer_csv, show_record
from emofuse.demo.turns import Turns
from emofuse.errors import VideoError

__all__ = ["build_clip", "watch"]

SHOWN_EVERY_S = 0.5
READ_AT_ONCE = 2  # videos of all visitors; the others wait
WAITING = 10  # visitors who are told so


def build_clip(demo: gr.Blocks, choices: Choices, chosen: gr.Dropdown) -> None:
    """Lay it out; call it inside a `gr.Tab`.

    Args:
        demo: The page, whose visitors leave.
        choices: What can read.
        chosen: Holds the name of the choice.
    """
    kept = gr.State(None)
    with gr.Row():
        with gr.Column(scale=2):
            clip = gr.File(label="Video", height=180, elem_id="track-clip")
            # Gradio's own would look at the file first, and answer a wrong one in words that help nobody.
            clip.preprocess = path_of_upload  # type: ignore[method-assign]
            status = gr.HTML(_show_status(), elem_id="track-clip-status")
        with gr.Column(scale=3):
            chart = build_chart("seconds", elem_id="track-clip-timeline")
            save = gr.Button("Download CSV", visible=False, elem_id="track-clip-csv")
    answers = [kept, status, chart, save]

    turns, places = Turns(), BoundedSemaphore(READ_AT_ONCE)

    def follow(name: str, path: str | None, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        with turns.take(request.session_hash) as is_over:
            for record, told, drawn in watch(choices[name], path, places, is_over=is_over):
                yield record, told, drawn, gr.Button(visible=record is not None)

    def call_off(request: gr.Request) -> None:
        turns.end(request.session_hash)

    # What is still being read ends first; what is given or taken away meanwhile is answered after that.
    called_off = gr.on(
        [clip.upload, clip.clear, chosen.input], call_off, queue=False, api_visibility="private"
    )
    called_off.then(
        follow,
        [chosen, clip],
        answers,
        show_progress="minimal",
        show_progress_on=status,
        concurrency_limit=READ_AT_ONCE + WAITING,
        trigger_mode="always_last",
        api_visibility="private",
    )
    demo.unload(call_off)
    offer_csv(save, kept, lambda own: own)


def watch(
    choice: Choice, path: str | None, places: BoundedSemaphore, *, is_over: Callable[[], bool]
) -> Iterator[tuple[Record | None, str, str]]:
    """Follow a video.

    Args:
        choice: What reads.
        path: Of the uploaded file, or None.
        places: Of which one is taken while the video is read.
        is_over: Says when nobody waits for it any more.

    Yields:
        Now and then, and in the end: the record, None until it is complete; how far it is, and the timeline
        so far, both as HTML. Nothing any more once it is over.
    """
    empty = show_record(Record("seconds"))
    if path is None:
        yield None, _show_status(), empty
        return
    if not places.acquire(blocking=False):
        yield None, _show_status(waiting=True), empty
        while not places.acquire(timeout=SHOWN_EVERY_S):
            if is_over():
                return
    try:
        yield from _read(choice, Path(path), is_over)
    finally:
        places.release()


def _read(
    choice: Choice, path: Path, is_over: Callable[[], bool]
) -> Iterator[tuple[Record | None, str, str]]:
    record, trouble, shown = Record("seconds"), None, time.monotonic()
    yield None, _show_status(done=False), show_record(record)
    try:
        for record, frame in follow_clip(choice, read_frames(path)):
            if is_over():
                return
            if time.monotonic() - shown >= SHOWN_EVERY_S:
                shown = time.monotonic()
                told = _show_status(done=False, at=frame.time_s, length=frame.length_s)
                yield None, told, show_record(record, live=True)
    except VideoError as error:
        trouble = error.message
    frames, faceless = len(record.entries), sum(entry.error is not None for entry in record.entries)
    told = _show_status(done=True, frames=frames, faceless=faceless, trouble=trouble)
    yield record if frames else None, told, show_record(record)


def _show_status(**now: Any) -> str:
    start = {
        "waiting": False,
        "done": None,
        "trouble": None,
        "at": 0.0,
        "length": None,
        "frames": 0,
        "faceless": 0,
    }
    return render("track_clip", seconds=MAX_S, per_second=FRAMES_PER_S, **(start | now))
