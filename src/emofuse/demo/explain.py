"""The tab that says why an answer came out as it did, by one method or several side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import gradio as gr
from markupsafe import Markup

from emofuse.demo.fields import fill_fields, photo_field, read_fields, text_field
from emofuse.demo.models import Choices
from emofuse.demo.photo import name_upload
from emofuse.demo.present import render
from emofuse.demo.turns import Turns
from emofuse.errors import EmofuseError, StoppedError
from emofuse.explain import METHODS, NO_BETTER_THAN_CHANCE, Explanation, SampleExplainer, methods_of
from emofuse.explain.explanation import FUSED
from emofuse.explain.html import render_explanation
from emofuse.explain.overlay import strongest
from emofuse.runtime.evidence import BASE, SENTIMENT
from emofuse.runtime.model_set import ModelSet
from emofuse.runtime.predictor import Predictor
from emofuse.taxonomy import load_taxonomy
from emofuse.types import Modality, Sample

__all__ = ["Question", "build_explain", "explain"]

LIMIT_S = 30  # for one method; it ends some seconds later at most
FAINT = 0.01  # of a probability; colours show the strongest part in full, however weak it is
AT_ONCE = 4  # visitors whose questions are answered at the same time

_TITLES = {
    "attention": "Attention",
    "grad_cam": "Grad-CAM",
    "integrated_gradients": "Integrated gradients",
    "lime": "LIME",
    "occlusion": "Occlusion",
    "shap": "SHAP",
    "shapley": "Shapley values",
}


@dataclass(frozen=True, eq=False)
class Question:
    """What a visitor wants explained.

    Attributes:
        sample: With a text, a photo or both.
        label: As for `Explainer.explain`; empty for the most probable one.
        methods: Names of explainers.
    """

    sample: Sample
    label: str
    methods: Sequence[str]


@dataclass(frozen=True, eq=False)
class Part:
    """What one method says of one modality.

    Attributes:
        modality: Which one.
        html: Its words or its picture.
        doubt: Why little should be made of it, or None.
    """

    modality: Modality
    html: Markup
    doubt: str | None


@dataclass(frozen=True, eq=False)
class Column:
    """What one method says.

    Attributes:
        title: Its name, for readers.
        parts: One per modality that it can explain.
        problem: Why there is nothing to show, or None.
        seconds: That it took; None while it is waited for.
    """

    title: str
    parts: Sequence[Part] = ()
    problem: str | None = None
    seconds: float | None = None


def build_explain(demo: gr.Blocks, choices: Choices, chosen: gr.Dropdown) -> None:
    """Lay out the tab; call it inside a `gr.Tab`.

    Args:
        demo: The page, whose visitors leave.
        choices: What can read.
        chosen: Holds the name of the choice.
    """
    empty = render("empty", button="Explain")
    with gr.Row():
        with gr.Column(scale=3):
            text = text_field("explain")
            methods, label = _methods_field(), _label_field()
        with gr.Column(scale=2):
            photo = photo_field("explain")
    with gr.Row():
        clear = gr.Button("Clear", elem_id="explain-clear")
        stop = gr.Button("Stop", elem_id="explain-stop")
        go = gr.Button("Explain", variant="primary", elem_id="explain-go")
    result = gr.HTML(empty, elem_id="explain-result")
    filled = fill_fields(text, photo, clear)
    turns = Turns()

    def answer(
        name: str, words: str | None, path: str | None, about: str, by: list[str], request: gr.Request
    ) -> Iterator[str]:
        sample = read_fields(words, path)
        if sample is None:
            yield empty
            return
        with turns.take(request.session_hash) as is_over:
            yield from explain(choices[name].models, Question(sample, about, by), path, is_over=is_over)

    def call_off(request: gr.Request) -> None:
        turns.end(request.session_hash)

    # What is still being explained ends first; what is asked meanwhile waits for that, the last of it alone.
    called_off = gr.on(
        [go.click, text.submit, chosen.input, filled.change], call_off, queue=False, api_visibility="private"
    )
    called_off.then(
        answer,
        [chosen, text, photo, label, methods],
        result,
        show_progress="minimal",
        trigger_mode="always_last",
        concurrency_limit=AT_ONCE,
        api_visibility="private",
    )
    gr.on([stop.click, clear.click], call_off, queue=False, api_visibility="private")
    demo.unload(call_off)


def explain(
    models: ModelSet,
    question: Question,
    path: str | None = None,
    *,
    is_over: Callable[[], bool],
    limit_s: float = LIMIT_S,
) -> Iterator[str]:
    """Explain an answer by one method after the other.

    Args:
        models: Read the sample.
        question: What is asked.
        path: Of the uploaded photo, or None.
        is_over: Says when nobody waits for it any more.
        limit_s: After which a method is stopped.

    Yields:
        The answer and what every method says as HTML, again after each method.
    """
    [prediction] = Predictor(models).predict([question.sample])
    prediction = name_upload(prediction, path)
    asked = [name for name in METHODS if name in question.methods]
    columns = {name: Column(_TITLES[name]) for name in asked}
    yield render("explain", prediction=prediction, columns=columns.values())
    if prediction.error:
        return
    for name in asked:
        columns[name] = _explain_by(name, models, question, is_over, limit_s)
        yield render("explain", prediction=prediction, columns=columns.values())


def _explain_by(
    name: str, models: ModelSet, question: Question, is_over: Callable[[], bool], limit_s: float
) -> Column:
    start = time.monotonic()

    def took() -> float:
        return time.monotonic() - start

    explainer = SampleExplainer(models, stop=lambda: is_over() or took() > limit_s)
    title = _TITLES[name]
    try:
        report = explainer.explain(question.sample, method=name, label=question.label or None)
    except StoppedError:
        late = f"It was stopped after {limit_s:.0f} seconds. Give a shorter text, or choose another method."
        return Column(title, problem="Stopped." if is_over() else late, seconds=took())
    except EmofuseError as error:
        return Column(title, problem=error.message, seconds=took())
    parts = [
        Part(own.modality, Markup(render_explanation(own, report.text, report.image)), _doubt(own))
        for own in report.explanations
    ]
    return Column(title, parts, seconds=took())


def _doubt(own: Explanation) -> str | None:
    if (own.answer, own.method) in NO_BETTER_THAN_CHANCE:
        return (
            f"Measured on {own.answer}, these figures point at what matters no better than chance. Trust "
            "another method."
        )
    if own.answer == FUSED and strongest(own) < FAINT:
        return (
            f"No part of the {own.modality} changes the probability by even {FAINT}; the strongest one is in "
            "full colour all the same."
        )
    return None


def _methods_field() -> gr.CheckboxGroup:
    return gr.CheckboxGroup(
        [(f"{_TITLES[name]} ({_reads(name)})", name) for name in METHODS],
        value=["occlusion"],
        label="Methods, side by side",
        elem_id="explain-methods",
    )


def _reads(method: str) -> str:
    kinds = {"text": Modality.TEXT, "photo": Modality.SCENE}
    return ", ".join(kind for kind, modality in kinds.items() if method in methods_of(modality))


def _label_field() -> gr.Dropdown:
    sets = {"emotion": BASE, "sentiment": SENTIMENT}
    labels = [
        (f"{kind}: {label}", f"{name}:{label}")
        for kind, name in sets.items()
        for label in load_taxonomy(name).labels
    ]
    return gr.Dropdown(
        [("the most probable label", ""), *labels],
        value="",
        label="What to explain",
        filterable=False,
        elem_id="explain-label",
    )
