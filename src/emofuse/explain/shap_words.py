"""Shapley values of words by the shap package."""

from __future__ import annotations

import warnings

import numpy as np

from emofuse.explain.shapley import Game
from emofuse.explain.text import ORDERS, SEED, WordExplainer
from emofuse.types import FloatArray

with warnings.catch_warnings():
    # Its plots, which are not used here, call what a newer matplotlib deprecates.
    warnings.simplefilter("ignore")
    import shap

__all__ = ["ShapExplainer"]


class ShapExplainer(WordExplainer):
    """Shapley values as shap's permutation explainer samples them, with as many orders as `shapley`.

    Source: Lundberg and Lee 2017, "A Unified Approach to Interpreting Model Predictions".
    """

    name = "shap"
    additive = True

    def weigh(self, game: Game, words: int) -> FloatArray:
        """See `WordExplainer.weigh`."""
        masker = shap.maskers.Independent(np.zeros((1, words)))
        explainer = shap.PermutationExplainer(lambda rows: game(rows > 0.5), masker, seed=SEED)
        evaluations = (2 * words + 1) * (ORDERS // 2)
        found = explainer(np.ones((1, words)), max_evals=evaluations, silent=True)
        values: FloatArray = np.asarray(found.values[0], dtype=np.float32)
        return values
