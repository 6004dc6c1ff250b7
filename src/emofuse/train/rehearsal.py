"""Texts to keep the old answers to where there is no corpus: random words of the model's own vocabulary."""

from __future__ import annotations

import numpy as np

from emofuse.preprocess import WordPieceTokenizer
from emofuse.types import Sample

__all__ = ["draw_texts"]

SHORTEST, LONGEST = 3, 24  # words
ZIPF_SHIFT = 2.7  # Mandelbrot's


def draw_texts(tokenizer: WordPieceTokenizer, count: int, seed: int) -> list[Sample]:
    """Draw texts of words that mean nothing together.

    What a model answers to them still tells how it reads each word, and words beside each other.

    Args:
        tokenizer: Its whole words are drawn, the first of its vocabulary most often.
        count: Number of texts.
        seed: Of the draw.

    Returns:
        Samples without labels.

    Source: Krishna et al. 2020, "Thieves on Sesame Street! Model Extraction of BERT-based APIs", where a
    model is learned from its answers to random words.
    """
    words = [piece for piece in tokenizer.pieces if piece.isalpha() and (len(piece) > 1 or piece in "ai")]
    # Vocabularies list frequent words first; Zipf's law then says how frequent they are.
    shares = 1 / (np.arange(len(words)) + ZIPF_SHIFT)
    shares /= shares.sum()
    random = np.random.default_rng(seed)
    lengths = random.integers(SHORTEST, LONGEST + 1, count)
    return [
        Sample(id=f"rehearsal:{i}", text=" ".join(random.choice(words, length, p=shares)))
        for i, length in enumerate(lengths)
    ]
