"""LIME: a linear model of the answer around one text."""

from __future__ import annotations

import numpy as np
from lime.lime_base import LimeBase

from emofuse.explain.shapley import Game
from emofuse.explain.text import SEED, WordExplainer
from emofuse.types import FloatArray

__all__ = ["LimeExplainer"]

TEXTS = 300
WIDTH = 0.25  # of the kernel, on cosine distances 0-1; lime's own for texts


class LimeExplainer(WordExplainer):
    """Weights of a ridge regression on which words are there, near texts counting more.

    Neighbours are drawn and weighted as the package does for texts, but for words as they are cut here.

    Source: Ribeiro et al. 2016, "Why Should I Trust You?".
    """

    name = "lime"

    def weigh(self, game: Game, words: int) -> FloatArray:
        """See `WordExplainer.weigh`."""
        random = np.random.RandomState(SEED)
        masks = np.ones((TEXTS, words), dtype=bool)
        for mask in masks[1:]:
            mask[random.choice(words, random.randint(1, words + 1), replace=False)] = False
        # Cosine between all words and those that are there.
        distances = 1 - np.sqrt(masks.mean(axis=1))
        model = LimeBase(lambda d: np.sqrt(np.exp(-(d**2) / WIDTH**2)), random_state=SEED)
        worth = game(masks)[:, None].astype(np.float64)
        found = model.explain_instance_with_data(
            masks.astype(np.float64), worth, distances, 0, num_features=words, feature_selection="none"
        )
        values = np.zeros(words, np.float32)
        for word, value in found[1]:
            values[word] = value
        return values
