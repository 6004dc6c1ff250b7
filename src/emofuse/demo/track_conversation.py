"""The part of the page that follows a conversation, pasted or turn by turn."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from emofuse.demo.conversation import Conversation
from emofuse.demo.models import Choices
from emofuse.demo.pairs import EXAMPLES
from emofuse.demo.present import render
from emofuse.demo.record import KEPT
from emofuse.demo.track_view import build_chart, offer_csv, show_record

__all__ = ["Read", "build_conversation", "follow"]

MAX_CHARACTERS = 400_000
EVERYBODY = ""
SCRIPT = Path(__file__).parent / "script" / "turn.js"


class Read(NamedTuple):
    """A conversation, and the name of the models that read it."""

    conversation: Conversation
    models: str


def build_conversation(choices: Choices, chosen: gr.Dropdown) -> None:
    """Lay it out; call it inside a `gr.Tab`.

    Args:
        choices: What can read.
        chosen: Holds the name of the choice.
    """
    private: dict[str, Any] = {"api_visibility": "private"}
    kept = gr.State(None)
    with gr.Row():
        with gr.Column(scale=2):
            text = _ask_conversation()
            with gr.Row():
                clear = gr.Button("Clear", min_width=90, elem_id="track-clear")
                example = gr.Button("Example", min_width=90, elem_id="track-example")
                go = gr.Button("Track", variant="primary", min_width=90, elem_id="track-go")
            gr.HTML(render("track_line"), js_on_load=SCRIPT.read_text(encoding="utf-8"), elem_id="track-line")
        with gr.Column(scale=3):
            notes = gr.HTML(visible=False, elem_id="track-notes")
            speaker = _list_speakers((), EVERYBODY, elem_id="track-speaker")
            chart = build_chart("turns", elem_id="track-timeline")
            save = gr.Button("Download CSV", visible=False, elem_id="track-csv")
    answers = [kept, notes, speaker, chart, save]

    def read(name: str, words: str | None, before: Read | None, who: str) -> tuple[Any, ...]:
        # None where the field was not shown yet.
        return _answer(follow(choices, name, words or "", before), who)

    fields = [chosen, text, kept, speaker]
    filled = _fill(text, example, clear)
    # What comes while one is being read is one reading more, of all that stands there then.
    gr.on(
        [go.click, chosen.input, filled.change],
        read,
        fields,
        answers,
        trigger_mode="always_last",
        concurrency_limit=4,
        **private,
    )
    speaker.input(
        lambda own, who: show_record(own.conversation.record, who or None), [kept, speaker], chart, **private
    )
    offer_csv(save, kept, lambda own: own.conversation.record)


def follow(choices: Choices, name: str, text: str, before: Read | None) -> Read:
    """Track a conversation.

    Args:
        choices: What can read.
        name: Which of them does.
        text: One turn a line.
        before: What was tracked last, or None; where the text only goes on from there, so does the tracking.

    Returns:
        What is tracked now; what was tracked last stays as it was.
    """
    goes_on = before is not None and before.models == name and before.conversation.is_begun_by(text)
    conversation = before.conversation.copy() if before and goes_on else Conversation()
    conversation.read(choices[name].predictor, text)
    return Read(conversation, name)


def _ask_conversation() -> gr.Textbox:
    return gr.Textbox(
        label="Conversation",
        info=f"One turn a line, such as `ann: I am so happy`, or JSON lines as `emofuse track` reads them. "
        f"Of more than {KEPT:,} turns the last are kept.",
        placeholder="ann: I got the job!\nben: That is wonderful!",
        lines=9,
        max_lines=14,
        max_length=MAX_CHARACTERS,
        elem_id="track-text",
    )


def _fill(text: gr.Textbox, example: gr.Button, clear: gr.Button) -> gr.State:
    # One event answers whatever fills the field, as in `fill_fields`.
    filled = gr.State(0)
    for button, words in ((example, _read_example), (clear, str)):
        done = button.click(words, None, text, queue=False, api_visibility="private")
        done.then(lambda count: count + 1, filled, filled, api_visibility="private")
    return filled


def _read_example() -> str:
    return (EXAMPLES / "conversation.txt").read_text(encoding="utf-8")


def _list_speakers(names: tuple[str, ...], who: str, **options: Any) -> gr.Dropdown:
    return gr.Dropdown(
        [("Everybody", EVERYBODY), *names],
        value=who,
        label="Whose emotions",
        filterable=False,
        visible=bool(names),
        **options,
    )


def _answer(read: Read, who: str) -> tuple[Any, ...]:
    conversation = read.conversation
    names = conversation.record.speakers
    who = who if who in names else EVERYBODY
    problems = render("track_notes", refused=conversation.refused, problems=conversation.problems)
    return (
        read,
        gr.HTML(problems, visible=conversation.refused > 0),
        _list_speakers(names, who),
        show_record(conversation.record, who or None),
        gr.Button(visible=bool(conversation.record.entries)),
    )
