"""The tab that reads a text, a picture or both."""

from __future__ import annotations

import json
import time

import gradio as gr
import numpy as np

from emofuse.demo.fields import fill_fields, photo_field, read_fields, text_field
from emofuse.demo.models import Choices
from emofuse.demo.photo import name_upload, show_picture
from emofuse.demo.present import render

__all__ = ["analyse", "build_analyse"]


def build_analyse(choices: Choices, chosen: gr.Dropdown) -> None:
    """Lay out the tab; call it inside a `gr.Tab`.

    Args:
        choices: What can read.
        chosen: Holds the name of the choice.
    """
    empty = render("empty", button="Analyse")
    with gr.Row():
        with gr.Column(scale=2):
            text, photo = text_field("analyse"), photo_field("analyse")
            with gr.Row():
                clear = gr.Button("Clear", elem_id="analyse-clear")
                go = gr.Button("Analyse", variant="primary", elem_id="analyse-go")
        with gr.Column(scale=3), gr.Tabs():
            with gr.Tab("Result"):
                result = gr.HTML(empty, elem_id="analyse-result")
            with gr.Tab("JSON"):
                plain = gr.Code(
                    language="json",
                    label="Prediction",
                    buttons=["copy", "download"],
                    interactive=False,
                    elem_id="analyse-json",
                )
    fields, answers = [chosen, text, photo], [result, plain]

    def answer(name: str, words: str | None, path: str | None) -> tuple[str, str]:
        return analyse(choices, name, words, path)

    filled = fill_fields(text, photo, clear)
    gr.on(
        [go.click, text.submit, photo.input, chosen.input, filled.change],
        answer,
        fields,
        answers,
        show_progress="minimal",
        trigger_mode="always_last",
        api_name="analyse",
    )


def analyse(choices: Choices, name: str, text: str | None, path: str | None) -> tuple[str, str]:
    """Read what was typed and uploaded.

    Args:
        choices: What can read.
        name: Which of them does.
        text: May be empty, or None.
        path: Of an uploaded file, or None.

    Returns:
        The answer as HTML and as JSON, both saying what to do where there is nothing to read.
    """
    sample = read_fields(text, path)
    if sample is None:
        return render("empty", button="Analyse"), ""
    start = time.perf_counter()
    [prediction] = choices[name].predictor.predict([sample])
    milliseconds = 1000 * (time.perf_counter() - start)
    prediction = name_upload(prediction, path)
    picture = show_picture(sample.image) if isinstance(sample.image, np.ndarray) else None
    page = render("prediction", prediction=prediction, picture=picture, milliseconds=milliseconds)
    return page, json.dumps(prediction.to_dict(), ensure_ascii=False, indent=1)
