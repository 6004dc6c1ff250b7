"""The answer of one model alone, for explainers that look into it, and the tokens behind each word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emofuse.errors import ConfigError, EmptyTextError, NoModalityError, TextTooLongError
from emofuse.explain.subject import Subject, Target
from emofuse.explain.words import Span
from emofuse.preprocess import WordPieceTokenizer, normalize_text, spell_emoji
from emofuse.runtime.bundle import ModelBundle
from emofuse.runtime.evidence import ModelReading
from emofuse.runtime.model_set import ModelSet
from emofuse.taxonomy import load_mapping
from emofuse.types import FloatArray, Modality

__all__ = ["OwnAnswer", "TokenizedText", "find_own_answer", "tokenize_words"]


@dataclass(frozen=True, eq=False)
class OwnAnswer:
    """What one model says about a label.

    Attributes:
        bundle: The model.
        reading: What it says.
        source: The output that the label is read from.
        shares: (labels of that output,) float32, how far each of them counts as the label, 0-1.
        probability: Of the label, 0-1.
    """

    bundle: ModelBundle
    reading: ModelReading
    source: str
    shares: FloatArray
    probability: float


@dataclass(frozen=True, eq=False)
class TokenizedText:
    """A text as a model reads it.

    Attributes:
        ids: (1, length) int64 with the special tokens.
        owners: (length,) which word each token belongs to; -1 for a special token.
    """

    ids: np.ndarray
    owners: np.ndarray

    def add_up(self, values: FloatArray, words: int) -> FloatArray:
        """Sum the figures of tokens by word.

        Args:
            values: (length,) float.
            words: How many words the text has.

        Returns:
            (words,) float32.
        """
        total = np.zeros(words, np.float32)
        np.add.at(total, self.owners[self.owners >= 0], values[self.owners >= 0])
        return total


def find_own_answer(models: ModelSet, subject: Subject, modality: Modality, target: Target) -> OwnAnswer:
    """Find the one model that reads a modality and what it says about a label.

    Args:
        models: The models.
        subject: The sample.
        modality: Which one.
        target: The label.

    Returns:
        The model's own answer.

    Raises:
        NoModalityError: The sample lacks the modality.
        ConfigError: Several models read it, or the label is not one that its own outputs lead to.
    """
    if modality not in subject.evidence:
        raise NoModalityError(f"There is no {modality} to explain in this sample. Give one that has it.")
    readings = subject.evidence[modality].readings
    if len(readings) > 1:
        names = ", ".join(reading.model for reading in readings)
        raise ConfigError(
            f"Several models read the {modality}: {names}. Choose one with `models`, or explain by "
            "occlusion.",
            item=names,
        )
    [reading], [bundle] = readings, models.members(modality)
    source = reading.source_of(target.taxonomy)
    shares = load_mapping(source, target.taxonomy).matrix[:, target.index]
    probability = float(reading.read_as(target.taxonomy)[target.index])
    return OwnAnswer(bundle, reading, source, shares, probability)


def tokenize_words(text: str, spans: list[Span], bundle: ModelBundle) -> TokenizedText:
    """Cut a text into tokens and find the word of each.

    Args:
        text: The text.
        spans: Its words.
        bundle: Of kind "text".

    Returns:
        The tokens.

    Raises:
        TextTooLongError: The text has more tokens than the model reads at once.
        ConfigError: Cleaning the whole text gives other tokens than cleaning its words.
    """
    tokenizer = WordPieceTokenizer.from_file(bundle.path / "tokenizer.json")
    constants = bundle.preprocessing
    pieces = [
        _encode(text[start:end], tokenizer, spell=constants["emoji"] == "spell") for start, end in spans
    ]
    ids = [number for piece in pieces for number in piece]
    if ids != _encode(text, tokenizer, spell=constants["emoji"] == "spell"):
        raise ConfigError(
            "The tokens of this text cannot be told apart by word. Explain it by occlusion.", item=text[:40]
        )
    prefix, suffix = list(constants["prefix_ids"]), list(constants["suffix_ids"])
    limit = constants["max_tokens"] - len(prefix) - len(suffix)
    if len(ids) > limit:
        raise TextTooLongError(
            f"The text has {len(ids)} tokens; {bundle.name} reads {limit} at once. Give a part of it, or "
            "explain it by occlusion.",
            item=text[:40],
        )
    owners = np.repeat(np.arange(len(spans)), [len(piece) for piece in pieces])
    edges = [np.full(len(special), -1) for special in (prefix, suffix)]
    return TokenizedText(
        np.array([[*prefix, *ids, *suffix]], dtype=np.int64), np.concatenate([edges[0], owners, edges[1]])
    )


def _encode(text: str, tokenizer: WordPieceTokenizer, *, spell: bool) -> list[int]:
    try:
        cleaned, _ = normalize_text(text)
    except EmptyTextError:
        return []
    return tokenizer.encode(spell_emoji(cleaned) if spell else cleaned)
