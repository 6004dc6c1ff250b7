"""The tab that shows samples of a corpus beside what the models say about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from emofuse.datasets import shows_crops
from emofuse.demo.cards import Card, choose_cards, measure_accuracy, read_cards
from emofuse.demo.models import Choice, Choices
from emofuse.demo.pairs import SHIPPED, Corpus, draw_samples
from emofuse.demo.present import render
from emofuse.errors import EmofuseError
from emofuse.runtime.predictor import Predictor
from emofuse.taxonomy import load_taxonomy

__all__ = ["Asked", "Batch", "build_gallery", "read_batch", "show_batch", "show_cards"]

FEWEST, MOST = 4, 200
FIRST_COUNT, FIRST_SEED = 16, 7
ALL = "all"
VERDICTS = {ALL: None, "right": True, "wrong": False}


@dataclass(frozen=True)
class Asked:
    """What decides which samples are read, and by what.

    Attributes:
        models: Name of the choice that reads.
        source: Title of the corpus.
        count: How many samples.
        seed: Of the draw; None where the field is empty.
    """

    models: str
    source: str
    count: int
    seed: int | None


@dataclass(frozen=True, eq=False)
class Batch:
    """What a visitor looks at.

    Attributes:
        asked: What it is the answer to; None before anything was.
        remark: Of the corpus.
        cards: The samples in the order of the draw.
        problem: Why there are none, or None.
    """

    asked: Asked | None = None
    remark: str = ""
    cards: Sequence[Card] = ()
    problem: str | None = None


def build_gallery(choices: Choices, chosen: gr.Dropdown, tab: gr.Tab, corpus: Corpus | None) -> None:
    """Lay out the tab; call it inside `tab`.

    Args:
        choices: What can read.
        chosen: Holds the name of the choice.
        tab: The samples are first read when it is opened.
        corpus: That can be drawn from beside the examples, or None.
    """
    corpora = {own.title: own for own in (SHIPPED, corpus) if own is not None}
    source, count, seed, go = _draw_fields(list(corpora))
    summary = gr.HTML(render("gallery_empty"), elem_id="gallery-summary")
    verdict, emotion = _filter_fields()
    shown = gr.HTML("", elem_id="gallery-cards")
    batch = gr.State(Batch())

    def draw(
        name: str,
        title: str,
        number: int,
        start: int | None,
        before: Batch,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio is asked for one
    ) -> Batch:
        asked = Asked(name, title, int(number), start)
        if asked == before.asked and before.problem is None:
            return before
        return read_batch(choices[name], corpora[title], asked, lambda *done: progress(done, unit="samples"))

    def redraw(name: str, before: Batch, progress: gr.Progress = gr.Progress()) -> Batch:  # noqa: B008
        if before.asked is None:
            return before
        own = before.asked
        return draw(name, own.source, own.count, own.seed, before, progress)

    together: dict[str, Any] = {
        "show_progress_on": summary,
        "trigger_mode": "always_last",
        # One after the other, so that the last one asked for is the last one shown.
        "concurrency_id": "gallery",
        "api_visibility": "private",
    }
    gr.on([go.click, seed.submit, tab.select], draw, [chosen, source, count, seed, batch], batch, **together)
    chosen.input(redraw, [chosen, batch], batch, **together)
    batch.change(
        lambda own, *wanted: (show_batch(own), show_cards(own, *wanted)),
        [batch, verdict, emotion],
        [summary, shown],
        show_progress="hidden",
        api_visibility="private",
    )
    gr.on(
        [verdict.input, emotion.input],
        show_cards,
        [batch, verdict, emotion],
        shown,
        trigger_mode="always_last",  # of two quick clicks the second would be lost
        show_progress="minimal",
        api_visibility="private",
    )


def read_batch(choice: Choice, corpus: Corpus, asked: Asked, report: Callable[[int, int], None]) -> Batch:
    """Draw samples and let the models read them.

    Args:
        choice: The models.
        corpus: Where to draw from.
        asked: How many, and the seed.
        report: As for `read_cards`.

    Returns:
        The batch, which says what to do where nothing can be read.
    """
    if asked.seed is None:
        return Batch(asked, problem="Give a whole number as the seed.")
    try:
        samples = draw_samples(corpus.iter_samples(), asked.count, asked.seed)
        predictor = choice.predictor
        if shows_crops(corpus.name):
            predictor = Predictor(choice.models, crop=True)
        return Batch(asked, corpus.remark, read_cards(corpus.name, samples, predictor.predict, report))
    except EmofuseError as error:
        return Batch(asked, problem=error.message)


def show_batch(batch: Batch) -> str:
    """The figures of a batch as HTML."""
    if batch.asked is None:
        return render("gallery_empty")
    accuracies = {what: measure_accuracy(batch.cards, what) for what in ("emotion", "sentiment")}
    return render("gallery_summary", batch=batch, accuracies=accuracies)


def show_cards(batch: Batch, verdict: str, emotion: str) -> str:
    """The samples of a batch as HTML.

    Args:
        batch: What was read.
        verdict: One of `VERDICTS`.
        emotion: A label, or `all`.

    Returns:
        The cards that both ask for.
    """
    cards = choose_cards(batch.cards, VERDICTS[verdict], None if emotion == ALL else emotion)
    return render("gallery_cards", batch=batch, cards=cards)


def _draw_fields(titles: Sequence[str]) -> tuple[gr.Dropdown, gr.Slider, gr.Number, gr.Button]:
    with gr.Row(equal_height=True):
        source = gr.Dropdown(
            list(titles), value=titles[0], label="Samples of", filterable=False, elem_id="gallery-source"
        )
        count = gr.Slider(
            FEWEST, MOST, FIRST_COUNT, step=4, label="How many", min_width=220, elem_id="gallery-count"
        )
        seed = gr.Number(FIRST_SEED, label="Seed", precision=0, min_width=100, elem_id="gallery-seed")
        go = gr.Button("Draw samples", variant="primary", scale=0, min_width=160, elem_id="gallery-go")
    return source, count, seed, go


def _filter_fields() -> tuple[gr.Radio, gr.Dropdown]:
    with gr.Row(equal_height=True):
        verdict = gr.Radio(
            list(VERDICTS),
            value=ALL,
            label="Show",
            min_width=280,
            elem_id="gallery-verdict",
        )
        emotion = gr.Dropdown(
            [ALL, *load_taxonomy("ekman7").labels],
            value=ALL,
            label="Emotion, predicted or true",
            filterable=False,
            min_width=280,
            elem_id="gallery-emotion",
        )
    return verdict, emotion
