"""The reference of a bundle, counted from what it reads and answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emofuse.errors import BundleSchemaError
from emofuse.runtime.activation import activate
from emofuse.runtime.bundle import ModelBundle
from emofuse.runtime.evidence import BASE, SENTIMENT, ModelReading
from emofuse.runtime.input_features import TextMeter, measure_picture
from emofuse.runtime.reference import Feature
from emofuse.taxonomy import OWN, load_taxonomy, main_output
from emofuse.types import FloatArray

__all__ = ["answer_values", "count_reference", "reference_of_fusion", "reference_of_model"]

DIGITS = 4
SPLIT = "validation"
CUTS: Mapping[str, tuple[float, ...]] = {
    "tokens": (4, 8, 12, 16, 20, 24, 32, 48, 64, 96),
    "unknown": (0.0001, 0.05, 0.1, 0.2, 0.5),
    "continued": (0.0001, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5),
    "brightness": (40, 60, 80, 100, 120, 140, 160, 180, 200),
    "sharpness": (1, 1.5, 2, 2.25, 2.5, 2.75, 3, 3.25, 3.5, 4),
    "emotion_confidence": tuple(round(0.05 * step, 2) for step in range(4, 20)),
    "sentiment_confidence": tuple(round(0.05 * step, 2) for step in range(7, 20)),
}
LABELS: Mapping[str, tuple[str, ...]] = {
    "emotion": load_taxonomy(BASE).labels,
    "sentiment": load_taxonomy(SENTIMENT).labels,
    "abstained": ("no", "yes"),
}


def reference_of_model(
    bundle: ModelBundle, inputs: Sequence[NDArray[Any]], logits: Mapping[str, FloatArray]
) -> dict[str, Any]:
    """Count what a model got and answered on the validation samples.

    Args:
        bundle: Of kind "text", "face" or "scene".
        inputs: What its network took of each sample: (tokens,) int or a picture, uint8; at least one.
        logits: Output -> (n, labels) float, what the graph gave.

    Returns:
        What `bundle.json` says under `reference`; see `emofuse.runtime.reference`.
    """
    measure = TextMeter(bundle).measure_window if bundle.kind == "text" else measure_picture
    found = {head: activate(logits[head], output) for head, output in bundle.outputs.items()}
    answers = answer_values(found, bundle.softmax)
    return count_reference([measure(own) | row for own, row in zip(inputs, answers, strict=True)])


def reference_of_fusion(bundle: ModelBundle, logits: Mapping[str, FloatArray]) -> dict[str, Any]:
    """Count what a fusion answered on the validation samples.

    Args:
        bundle: Of kind "fusion".
        logits: Output -> (n, labels) float, what the graph gave.

    Returns:
        As `reference_of_model`.
    """
    found = {head: activate(logits[head], output) for head, output in bundle.outputs.items()}
    rows = answer_values(found, bundle.softmax)
    main = main_output(found)
    for row, best in zip(rows, found[main].max(axis=1), strict=True):
        # In labels of the user's own, the confidence is that of the category.
        confidence = best if main.startswith(f"{OWN}:") else row["emotion_confidence"]
        row["abstained"] = "yes" if confidence < bundle.thresholds["abstain"] else "no"
    return count_reference(rows)


def answer_values(probabilities: Mapping[str, FloatArray], softmax: Sequence[str]) -> list[dict[str, Any]]:
    """The features of answers, as predictions show them.

    Args:
        probabilities: Output -> (n, labels) float, 0-1.
        softmax: Those outputs that are distributions over one label set.

    Returns:
        Of each row `emotion` and `sentiment` with their confidences, as far as the outputs lead there.
    """
    softmax = [name for name in softmax if not name.startswith(f"{OWN}:")]
    rows: list[dict[str, Any]] = [{} for _ in next(iter(probabilities.values()))]
    reading = ModelReading("", {name: probabilities[name] for name in softmax}, softmax)
    for feature, taxonomy in (("emotion", BASE), ("sentiment", SENTIMENT)):
        try:
            found = reading.read_as(taxonomy)
        except BundleSchemaError:
            continue  # a model of sentiment alone
        labels = load_taxonomy(taxonomy).labels
        for row, best, confidence in zip(rows, found.argmax(axis=1), found.max(axis=1), strict=True):
            row |= {feature: labels[best], f"{feature}_confidence": float(confidence)}
    return rows


def count_reference(samples: Sequence[Mapping[str, Any]], split: str = SPLIT) -> dict[str, Any]:
    """Count features into bins.

    Args:
        samples: Feature -> value, of each sample; at least one.
        split: Where they come from.

    Returns:
        As `reference_of_model`.
    """
    names = [name for name in (*CUTS, *LABELS) if any(name in own for own in samples)]
    features = {name: _count(name, [own[name] for own in samples if name in own]) for name in names}
    return {"split": split, "n": len(samples), "features": features}


def _count(name: str, values: Sequence[float | str]) -> dict[str, Any]:
    cuts, labels = CUTS.get(name, ()), LABELS.get(name, ())
    counter = Counter(Feature(cuts, labels, ()).bin(value) for value in values)
    bins = len(labels) or len(cuts) + 1
    shares = np.array([counter[place] for place in range(bins)]) / len(values)
    kind = {"labels": list(labels)} if labels else {"cuts": list(cuts)}
    return {**kind, "shares": [round(float(share), DIGITS) for share in shares]}
