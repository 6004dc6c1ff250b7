"""Labels of a sample as the vectors that the heads of a recipe learn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np

from emofuse.taxonomy import OWN, load_mapping, load_taxonomy
from emofuse.train.recipe import HeadConfig
from emofuse.types import FloatArray, Sample

__all__ = ["head_sizes", "target_vectors", "weigh_labels"]


def head_sizes(heads: Iterable[str]) -> dict[str, int]:
    """Number of labels per head, in order."""
    return {head: len(load_taxonomy(head)) for head in heads}


def weigh_labels(targets: FloatArray, how: Literal["root", "balanced"]) -> FloatArray:
    """Weights that make up for rare labels; the mean weight of a sample is 1.

    Args:
        targets: (n, labels) float, label shares of the training samples.
        how: `balanced` takes the inverse of a label's frequency, `root` the inverse square root.

    Returns:
        (labels,) float32; a label that never occurs weighs nothing.
    """
    shares = targets.sum(axis=0, dtype=np.float64)
    frequency = shares / shares.sum()
    power = 1.0 if how == "balanced" else 0.5
    inverse = np.where(frequency > 0, np.maximum(frequency, 1e-9) ** -power, 0.0)
    weights: FloatArray = (inverse / (inverse @ frequency)).astype(np.float32)
    return weights


def target_vectors(
    heads: Mapping[str, HeadConfig], corpus_heads: Mapping[str, str], sample: Sample
) -> dict[str, FloatArray]:
    """Label vectors of one sample.

    Args:
        heads: Decide between a distribution (softmax) and independent labels (sigmoid).
        corpus_heads: Head -> taxonomy of the sample's labels to take or map from.
        sample: A labelled sample.

    Returns:
        Head -> (labels,) float32: shares that sum to 1 for a softmax head, 0 or 1 for a sigmoid head.
        Heads without a label on this sample are left out.
    """
    vectors = {}
    for head, source in corpus_heads.items():
        labels = sample.labels.get(source)
        if not labels:
            continue
        mapped = labels if source == OWN else load_mapping(source, head).map_labels(labels)
        taxonomy = load_taxonomy(head)
        vector = np.zeros(len(taxonomy.labels), dtype=np.float32)
        for label, weight in mapped.items():
            vector[taxonomy.index(label)] = weight
        multi_label = heads[head].multi_label
        vectors[head] = (vector > 0.5).astype(np.float32) if multi_label else vector / vector.sum()
    return vectors
