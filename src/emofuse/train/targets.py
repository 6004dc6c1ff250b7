"""Labels of a sample as the vectors that the heads of a recipe learn from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from emofuse.taxonomy import load_mapping, load_taxonomy
from emofuse.train.recipe import Recipe
from emofuse.types import FloatArray, Sample

__all__ = ["head_sizes", "target_vectors"]


def head_sizes(recipe: Recipe) -> dict[str, int]:
    """Number of labels per head, in recipe order."""
    return {head: len(load_taxonomy(head).labels) for head in recipe.heads}


def target_vectors(recipe: Recipe, corpus_heads: Mapping[str, str], sample: Sample) -> dict[str, FloatArray]:
    """Label vectors of one sample.

    Args:
        recipe: Decides per head between a distribution (softmax) and independent labels (sigmoid).
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
        mapped = load_mapping(source, head).map_labels(labels)
        taxonomy = load_taxonomy(head)
        vector = np.zeros(len(taxonomy.labels), dtype=np.float32)
        for label, weight in mapped.items():
            vector[taxonomy.index(label)] = weight
        multi_label = recipe.heads[head].multi_label
        vectors[head] = (vector > 0.5).astype(np.float32) if multi_label else vector / vector.sum()
    return vectors
