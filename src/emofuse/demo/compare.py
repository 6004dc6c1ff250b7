"""The tab that puts what each modality says alone beside the fused answer, and other models beside these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import gradio as gr

from emofuse.demo.fields import fill_fields, photo_field, read_fields, text_field
from emofuse.demo.models import Choices
from emofuse.demo.photo import name_upload
from emofuse.demo.present import render
from emofuse.runtime.model_set import ModelSet
from emofuse.runtime.predictor import Predictor
from emofuse.types import Modality, Prediction, Sample

__all__ = ["Comparison", "build_compare", "compare", "compare_modalities"]


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a set of models says, together and modality by modality.

    Attributes:
        fused: The answer to everything.
        alone: The answer when the others are not read, or why there is none, in words.
    """

    fused: Prediction
    alone: Mapping[Modality, Prediction | str]

    @property
    def shares(self) -> Mapping[Modality, float]:
        """Share in the fused answer of each modality that was read, 0-1, largest first."""
        ordered = sorted(self.fused.modalities, key=lambda own: -own.weight)
        return {own.modality: own.weight for own in ordered}


def build_compare(choices: Choices, chosen: gr.Dropdown) -> None:
    """Lay out the tab; call it inside a `gr.Tab`.

    Args:
        choices: What can read.
        chosen: Holds the name of the choice.
    """
    empty = render("empty", button="Compare")
    with gr.Row():
        with gr.Column(scale=3):
            text = text_field("compare")
            beside = gr.Dropdown(
                [("none", ""), *((name, name) for name in choices)],
                value="",
                label="Other models beside them",
                filterable=False,
                elem_id="compare-beside",
            )
        with gr.Column(scale=2):
            photo = photo_field("compare")
    with gr.Row():
        clear = gr.Button("Clear", elem_id="compare-clear")
        go = gr.Button("Compare", variant="primary", elem_id="compare-go")
    result = gr.HTML(empty, elem_id="compare-result")
    filled = fill_fields(text, photo, clear)
    fields = [chosen, beside, text, photo]

    def answer(name: str, other: str, words: str | None, path: str | None) -> str:
        return compare(choices, [name, other or name], words, path)

    gr.on(
        [go.click, text.submit, photo.input, chosen.input, beside.input, filled.change],
        answer,
        fields,
        result,
        show_progress="minimal",
        trigger_mode="always_last",
        api_visibility="private",
    )


def compare(choices: Choices, names: Sequence[str], text: str | None, path: str | None) -> str:
    """Read what was typed and uploaded by every modality alone and by all together.

    Args:
        choices: What can read.
        names: Which of them do.
        text: May be empty, or None.
        path: Of an uploaded file, or None.

    Returns:
        The answers as HTML, or what to do where there is nothing to read.
    """
    sample = read_fields(text, path)
    if sample is None:
        return render("empty", button="Compare")
    sets = {name: compare_modalities(choices[name].models, sample, path) for name in dict.fromkeys(names)}
    return render("compare", sets=sets)


def compare_modalities(models: ModelSet, sample: Sample, path: str | None = None) -> Comparison:
    """Read a sample as a whole, and again with nothing but one modality.

    What a modality says within the fused answer need not be what the models answer to it alone: a fusion may
    have learned otherwise, or read the sentiment from the emotion.

    Args:
        models: Read it.
        sample: With a text, a photo or both.
        path: Of an uploaded file, or None; see `name_upload`.

    Returns:
        The answers.
    """
    [fused] = Predictor(models).predict([sample])
    alone = {modality: _read_alone(models, modality, sample, path) for modality in Modality}
    return Comparison(name_upload(fused, path), alone)


def _read_alone(models: ModelSet, modality: Modality, sample: Sample, path: str | None) -> Prediction | str:
    if not models.members(modality):
        return f"These models read no {modality}."
    text, image = (sample.text, None) if modality is Modality.TEXT else (None, sample.image)
    if text is None and image is None:
        return "There is no text." if modality is Modality.TEXT else "There is no photo."
    [found] = Predictor(models.only(modality)).predict([replace(sample, text=text, image=image)])
    named = name_upload(found, path)
    return named.error.message if named.error else named
