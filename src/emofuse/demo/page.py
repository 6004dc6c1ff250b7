"""The page as a whole: heading, models and tabs."""

from __future__ import annotations

import gradio as gr

from emofuse.demo.analyse import build_analyse
from emofuse.demo.compare import build_compare
from emofuse.demo.explain import build_explain
from emofuse.demo.gallery import build_gallery
from emofuse.demo.models import Choices
from emofuse.demo.pairs import Corpus
from emofuse.demo.present import render
from emofuse.demo.track import build_track

__all__ = ["build_demo"]

CACHE_S = 3600


def build_demo(choices: Choices, corpus: Corpus | None = None) -> gr.Blocks:
    """Lay out the page.

    Args:
        choices: Models that a visitor can choose from, the first being what the page begins with.
        corpus: What the gallery offers beside the examples.

    Returns:
        The page, for `create_app`.
    """
    demo = gr.Blocks(title="emofuse", analytics_enabled=False, delete_cache=(CACHE_S, CACHE_S))
    with demo:
        gr.HTML(render("heading"), js_on_load=None, elem_id="heading")
        chosen = gr.Dropdown(
            list(choices),
            value=next(iter(choices)),
            label="Models",
            filterable=False,
            elem_id="models",
        )
        with gr.Tab("Analyse", elem_id="tab-analyse"):
            build_analyse(choices, chosen)
        with gr.Tab("Explain", elem_id="tab-explain"):
            build_explain(demo, choices, chosen)
        with gr.Tab("Compare", elem_id="tab-compare"):
            build_compare(choices, chosen)
        with gr.Tab("Gallery", elem_id="tab-gallery") as gallery:
            build_gallery(choices, chosen, gallery, corpus)
        with gr.Tab("Track", elem_id="tab-track"):
            build_track(demo, choices, chosen)
        gr.HTML(render("footing"), js_on_load=None, elem_id="footing")
    return demo
