"""Explainers that take words out of a text and read what is left; they need no look into the model."""

from __future__ import annotations

import numpy as np

from emofuse.errors import EmptyTextError
from emofuse.explain.explanation import Explanation
from emofuse.explain.shapley import Game, shapley_values
from emofuse.explain.subject import Subject, SubjectReader, Target
from emofuse.explain.words import Span, attribute, keep_words, split_words
from emofuse.types import FloatArray, Modality, Sample

__all__ = ["TextOcclusion", "TextShapley", "WordExplainer"]

ORDERS, SEED = 16, 7


class WordExplainer:
    """Explains the fused answer by the words of the text; beside a picture, which stays as it is.

    Args:
        reader: Reads the samples.
    """

    name: str
    additive = False

    def __init__(self, reader: SubjectReader) -> None:
        self._reader = reader

    def explain(self, sample: Sample, label: str | None = None) -> Explanation:
        """Explain one answer; see `Explainer.explain`."""
        subject = self._reader.read(sample)
        text = text_of(subject)
        target, spans = subject.choose(label), split_words(text)
        values = self.weigh(self._game(subject, target, spans), len(spans))
        nothing = self._reader.probability(subject, target, {Modality.TEXT: None})
        return Explanation(
            method=self.name,
            modality=Modality.TEXT,
            label=target.label,
            taxonomy=target.taxonomy,
            probability=self._reader.probability(subject, target, {}),
            base_value=nothing if self.additive else None,
            words=attribute(text, spans, values),
        )

    def weigh(self, game: Game, words: int) -> FloatArray:
        """Weigh the words.

        Args:
            game: Probability of the label when only some words are there.
            words: How many; at least one.

        Returns:
            (words,) float32.
        """
        raise NotImplementedError

    def _game(self, subject: Subject, target: Target, spans: list[Span]) -> Game:
        text = text_of(subject)

        def play(masks: np.ndarray) -> FloatArray:
            texts = [keep_words(text, spans, kept) for kept in masks]
            return self._reader.score_texts(subject, target, texts)

        return play


class TextOcclusion(WordExplainer):
    """How much the probability falls when one word is left out."""

    name = "occlusion"

    def weigh(self, game: Game, words: int) -> FloatArray:
        """See `WordExplainer.weigh`."""
        worth = game(np.vstack([np.ones((1, words), bool), ~np.eye(words, dtype=bool)]))
        drops: FloatArray = worth[0] - worth[1:]
        return drops


class TextShapley(WordExplainer):
    """Shapley values of the words: what a word adds, averaged over the orders in which words may come."""

    name = "shapley"
    additive = True

    def weigh(self, game: Game, words: int) -> FloatArray:
        """See `WordExplainer.weigh`."""
        return shapley_values(game, words, orders=ORDERS, seed=SEED)


def text_of(subject: Subject) -> str:
    """The text of a subject.

    Args:
        subject: Any.

    Returns:
        Its text.

    Raises:
        EmptyTextError: It has none.
    """
    if subject.text is None:
        raise EmptyTextError("There is no text to explain. Give one.", item=None)
    return subject.text
