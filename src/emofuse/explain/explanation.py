"""What an explanation says: how much each word or each part of a picture speaks for an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from emofuse.types import FloatArray, Modality, Notice, Sample

__all__ = ["FUSED", "Explainer", "Explanation", "HeatMap", "Word"]

FUSED = "fused"


@dataclass(frozen=True)
class Word:
    """A word of the text, or several in a row where the text is long.

    Attributes:
        text: As it stands in the text.
        start: First character.
        end: One past the last character.
        attribution: Above 0 when it speaks for the label, below 0 when against it.
    """

    text: str
    start: int
    end: int
    attribution: float


@dataclass(frozen=True, eq=False)
class HeatMap:
    """How much each part of a rectangle of a picture speaks for the label.

    Attributes:
        x: Left edge, px of the upright picture; may lie outside it.
        y: Top edge, px.
        width: px, > 0.
        height: px, > 0.
        values: (rows, columns) float32; the cells share the rectangle evenly. Above 0 for the label, below 0
            against it.
    """

    x: float
    y: float
    width: float
    height: float
    values: FloatArray


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why one modality of a sample makes a label more or less probable.

    Attributes:
        method: Name of the explainer.
        modality: Whose parts are weighed.
        label: What is explained.
        taxonomy: Its label set.
        probability: Of the label in the answer that is explained, 0-1.
        answer: `fused`, or the name of the model whose own answer is explained.
        base_value: What the words add up from: their attributions sum to `probability - base_value`; None
            where a method promises no sum.
        words: Of a text, in order; none for a picture.
        maps: Of a picture: one per face, largest first, or one for the whole; none for a text.
        notices: What the reader should know.
    """

    method: str
    modality: Modality
    label: str
    taxonomy: str
    probability: float
    answer: str = FUSED
    base_value: float | None = None
    words: tuple[Word, ...] = ()
    maps: tuple[HeatMap, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def attributions(self) -> list[float]:
        """The figures of the words, or of the maps' cells row by row."""
        return [word.attribution for word in self.words] + [
            value for own in self.maps for value in own.values.ravel().tolist()
        ]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form: plain dicts, lists, strings, floats rounded to six decimals, and None."""
        plain: dict[str, Any] = _plain(self)
        return plain


class Explainer(Protocol):
    """Weighs the parts of one modality of a sample."""

    def explain(self, sample: Sample, label: str | None = None) -> Explanation:
        """Explain one answer.

        Args:
            sample: Has the modality; what else it has is read too.
            label: What to explain: a label of the answer's emotions or sentiments, `TAXONOMY:LABEL` where two
                sets have it; None takes the most probable one.

        Returns:
            The explanation.

        Raises:
            InputError: The sample cannot be read, or lacks the modality.
            UnknownLabelError: The answer has no such label; the message lists them.
            ConfigError: The method cannot look into the chosen model.
            StoppedError: The caller called it off.
        """
        ...


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
