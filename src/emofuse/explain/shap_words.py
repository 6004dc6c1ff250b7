"""Shapley values of words by the shap package."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import numpy as np

from emofuse.explain.shapley import Game
from emofuse.explain.text import ORDERS, SEED, WordExplainer
from emofuse.types import FloatArray

with warnings.catch_warnings():
    # Its plots, which are not used here, call what a newer matplotlib deprecates.
    warnings.simplefilter("ignore")
    import shap

__all__ = ["ShapExplainer"]

ASK_S = 0.5

_DRAWING = Lock()


class ShapExplainer(WordExplainer):
    """Kernel SHAP: Shapley values as the weights of a linear regression on which words are there.

    It reads about as many texts as `shapley` does.

    Source: Lundberg and Lee 2017, "A Unified Approach to Interpreting Model Predictions", section 4.1.
    """

    name = "shap"
    additive = True

    def weigh(self, game: Game, words: int) -> FloatArray:
        """See `WordExplainer.weigh`."""
        with self._seeded():
            explainer = shap.KernelExplainer(lambda rows: game(rows > 0.5), np.zeros((1, words)))
            texts = ORDERS * words + 2
            found = explainer.shap_values(np.ones((1, words)), nsamples=texts, silent=True, l1_reg=False)
        values: FloatArray = np.asarray(found[0], dtype=np.float32)
        return values

    @contextmanager
    def _seeded(self) -> Iterator[None]:
        # The package draws from numpy's global generator, where another thread's draws would come in between.
        while not _DRAWING.acquire(timeout=ASK_S):
            self._reader.check_wanted()
        before = np.random.get_state()  # noqa: NPY002
        np.random.seed(SEED)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(before)  # noqa: NPY002
            _DRAWING.release()
