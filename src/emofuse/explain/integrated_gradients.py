"""Integrated gradients: the slope of the probability along the way from an empty text to this one."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import torch
from captum.attr import IntegratedGradients
from torch import Tensor

from emofuse.errors import ConfigError
from emofuse.explain.explanation import Explanation
from emofuse.explain.own_answer import OwnAnswer, TokenizedText, find_own_answer, tokenize_words
from emofuse.explain.subject import SubjectReader
from emofuse.explain.text import text_of
from emofuse.explain.torch_graph import TorchGraph
from emofuse.explain.words import attribute, split_words
from emofuse.types import FloatArray, Modality, Notice, Sample

__all__ = ["IntegratedGradientsExplainer"]

STEPS = 32
STEPS_AT_ONCE = 16
NOTABLE, TOLERABLE = 0.02, 0.2  # change of a probability when activations are not rounded as in int8


class IntegratedGradientsExplainer:
    """Integrated gradients of a text model's own probability by the vectors of its tokens.

    The way starts from the same text whose words have a vector of zeros; special tokens stay. The figures of
    the words sum to the change of the probability along the way, but for the error of summing in 32 steps.

    Args:
        reader: Reads the samples.

    Source: Sundararajan et al. 2017, "Axiomatic Attribution for Deep Networks".
    """

    name = "integrated_gradients"

    def __init__(self, reader: SubjectReader) -> None:
        self._reader = reader
        self._open = cache(TorchGraph)

    def explain(self, sample: Sample, label: str | None = None) -> Explanation:
        """Explain one answer; see `Explainer.explain`."""
        subject = self._reader.read(sample)
        text = text_of(subject)
        target, spans = subject.choose(label), split_words(text)
        own = find_own_answer(self._reader.models, subject, Modality.TEXT, target)
        tokens = tokenize_words(text, spans, own.bundle)
        values, nothing, probability = self._integrate(own, tokens)
        return Explanation(
            method=self.name,
            modality=Modality.TEXT,
            label=target.label,
            taxonomy=target.taxonomy,
            probability=probability,
            answer=own.bundle.name,
            base_value=nothing,
            words=attribute(text, spans, tokens.add_up(values, len(spans))),
            notices=_compare(probability, own),
        )

    def _integrate(self, own: OwnAnswer, tokens: TokenizedText) -> tuple[FloatArray, float, float]:
        graph, output = self._open(own.bundle.model_path), own.bundle.outputs[own.source]
        ids, shares = torch.from_numpy(tokens.ids), torch.from_numpy(own.shares.copy())

        def answer(vectors: Tensor) -> Tensor:
            self._reader.check_wanted()
            # Only the length of the ids is used beside the vectors.
            known = {graph.embedding: vectors}
            [logits] = graph.run(ids.expand(len(vectors), -1), [own.source], known)
            return (logits / output.temperature).softmax(dim=-1) @ shares

        [vectors] = graph.run(ids, [graph.embedding], {})
        words = torch.from_numpy(tokens.owners >= 0)[None, :, None]
        empty = torch.where(words, torch.zeros(()), vectors)
        with torch.no_grad():
            probability, nothing = float(answer(vectors)[0]), float(answer(empty)[0])
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", UserWarning
            )  # captum turns on gradients of its inputs and says so
            slopes = IntegratedGradients(answer).attribute(
                vectors, empty, n_steps=STEPS, method="gausslegendre", internal_batch_size=STEPS_AT_ONCE
            )
        values: FloatArray = slopes[0].sum(dim=-1).detach().numpy().astype(np.float32)
        return values, nothing, probability


def _compare(probability: float, own: OwnAnswer) -> tuple[Notice, ...]:
    change = abs(probability - own.probability)
    said = (
        f"Gradients need numbers that are not rounded: {own.bundle.name} then gives {probability:.2f} "
        f"instead of {own.probability:.2f}"
    )
    if not change <= TOLERABLE:
        raise ConfigError(f"{said}. Explain it by occlusion or shapley.", item=own.bundle.name)
    return (Notice("not_rounded", f"{said}."),) if change > NOTABLE else ()
