"""Copies of rare texts with words replaced by WordNet synonyms."""

from __future__ import annotations

import io
import re
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from emofuse.errors import CorpusNotFoundError, MissingExtraError
from emofuse.types import Sample

__all__ = ["add_synonyms", "replace_words"]

WORDNET = Path("/usr/share/wordnet")  # of Debian's package wordnet-base
LEXICOGRAPHER_FILES = 45
_WORD = re.compile(r"[a-z]{3,}", re.IGNORECASE)


def add_synonyms(samples: Sequence[Sample], share: float, seed: int) -> list[Sample]:
    """Add a changed copy of every text whose label is rarer than the average label.

    Args:
        samples: Labelled texts; the first label set of each decides.
        share: Share of the words to replace, 0-1.
        seed: Of the choice of words.

    Returns:
        The samples, followed by the copies that differ from their original.

    Raises:
        MissingExtraError: NLTK is not installed.
        CorpusNotFoundError: WordNet is not installed.

    Source: Zhang et al. 2015, "Character-level Convolutional Networks for Text Classification", section 3.2,
    with the words of the most frequent sense.
    """
    labels = [_label(sample) for sample in samples]
    counts = Counter(label for label in labels if label)
    average = sum(counts.values()) / max(1, len(counts))
    random = np.random.default_rng(seed)
    copies = []
    for sample, label in zip(samples, labels, strict=True):
        if label and sample.text and counts[label] < average:
            text = replace_words(sample.text, share, random)
            if text != sample.text:
                copies.append(replace(sample, id=f"{sample.id}+synonyms", text=text))
    return [*samples, *copies]


def replace_words(text: str, share: float, random: np.random.Generator) -> str:
    """Replace words of three letters or more by synonyms, and leave everything else as it is.

    Args:
        text: Any text.
        share: Probability per word, 0-1.
        random: Source of randomness.

    Returns:
        The text with the same spacing and punctuation; a synonym of several words has spaces in it.
    """

    def change(match: re.Match[str]) -> str:
        word = match[0]
        if random.random() >= share or not (found := _synonyms(word.lower())):
            return word
        return found[int(random.integers(len(found)))]

    return _WORD.sub(change, text)


def _label(sample: Sample) -> str | None:
    for labels in sample.labels.values():
        if labels:
            return max(labels, key=lambda label: labels[label])
    return None


@cache
def _synonyms(word: str) -> tuple[str, ...]:
    synsets = _wordnet().synsets(word)
    if not synsets:
        return ()
    names = (lemma.name().replace("_", " ") for lemma in synsets[0].lemmas())
    return tuple(name for name in names if name.lower() != word)


@cache
def _wordnet() -> Any:
    try:
        import nltk.data  # noqa: PLC0415 - an extra
        from nltk.corpus.reader.wordnet import WordNetCorpusReader  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("train", "nltk") from error
    if not (WORDNET / "data.noun").exists():
        raise CorpusNotFoundError(
            f"Found no WordNet in {WORDNET}. Install it with `apt-get install wordnet-base`.",
            item=str(WORDNET),
        )

    class DebianWordNet(WordNetCorpusReader):  # type: ignore[misc]
        """Debian's files lack the list of lexicographer files, whose names nobody here asks for."""

        def open(self, file: str) -> Any:
            if file == "lexnames":
                return io.StringIO("".join(f"{i}\tfile{i}\t0\n" for i in range(LEXICOGRAPHER_FILES)))
            return super().open(file)

        def map_wn(self, version: str = "wordnet") -> None:
            """Do not look for another WordNet to map to."""

    if str(WORDNET) not in nltk.data.path:
        nltk.data.path.append(str(WORDNET))  # NLTK reads from listed folders only
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other languages are not wanted
        return DebianWordNet(str(WORDNET), None)
