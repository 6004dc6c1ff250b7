"""Attention weights: where the last attention layer of a text model looks."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx

from emofuse.errors import ConfigError
from emofuse.explain.explanation import Explanation
from emofuse.explain.own_answer import find_own_answer, tokenize_words
from emofuse.explain.subject import SubjectReader
from emofuse.explain.text import text_of
from emofuse.explain.words import attribute, split_words
from emofuse.runtime.session import Session, open_session
from emofuse.types import Modality, Sample

__all__ = ["AttentionExplainer"]

WEIGHTS = "attention_weights"


class AttentionExplainer:
    """The mean weight that each word's tokens get in the last attention layer, over heads and queries.

    The weights are read from the model itself. They are never below 0, know nothing of labels, and say where
    the model looks rather than what it makes of it.

    Args:
        reader: Reads the samples.

    Source: Jain and Wallace 2019, "Attention is not Explanation", for what they do not tell.
    """

    name = "attention"

    def __init__(self, reader: SubjectReader) -> None:
        self._reader = reader
        self._open = cache(_open_with_weights)

    def explain(self, sample: Sample, label: str | None = None) -> Explanation:
        """Explain one answer; see `Explainer.explain`."""
        subject = self._reader.read(sample)
        text = text_of(subject)
        target, spans = subject.choose(label), split_words(text)
        own = find_own_answer(self._reader.models, subject, Modality.TEXT, target)
        tokens = tokenize_words(text, spans, own.bundle)
        [weights] = self._open(own.bundle.path).run([WEIGHTS], {"input_ids": tokens.ids})
        received = weights[0].mean(axis=(0, 1))
        return Explanation(
            method=self.name,
            modality=Modality.TEXT,
            label=target.label,
            taxonomy=target.taxonomy,
            probability=own.probability,
            answer=own.bundle.name,
            words=attribute(text, spans, tokens.add_up(received, len(spans))),
        )


def _open_with_weights(folder: Path) -> Session:
    model = onnx.load(folder / "model.onnx")
    layers = [node.output[0] for node in model.graph.node if node.op_type == "Softmax"]
    if not layers:
        raise ConfigError(
            f"{folder.name} has no attention layer. Explain it by another method.", item=folder.name
        )
    model.graph.node.append(onnx.helper.make_node("Identity", [layers[-1]], [WEIGHTS]))
    shape = ["batch", "heads", "queries", "tokens"]
    model.graph.output.append(onnx.helper.make_tensor_value_info(WEIGHTS, onnx.TensorProto.FLOAT, shape))
    with TemporaryDirectory() as scratch:
        onnx.save(model, Path(scratch) / "model.onnx")
        return open_session(Path(scratch) / "model.onnx", threads=1, names=(WEIGHTS,))
