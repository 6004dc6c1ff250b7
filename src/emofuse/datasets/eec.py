"""The Equity Evaluation Corpus: sentences that differ only in the person spoken of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from emofuse.datasets.adapter import find_file, malformed, read_table

__all__ = ["EecSentence", "read_eec"]

FILE = "Equity-Evaluation-Corpus.csv"
_COLUMNS = ("Sentence", "Template", "Person", "Gender", "Race", "Emotion word")
_GENDERS, _RACES = ("female", "male"), ("African-American", "European", "")


@dataclass(frozen=True)
class EecSentence:
    """One row of the corpus.

    Attributes:
        text: The sentence.
        template: With `<person subject>` or `<person object>` in the person's place.
        word: The emotion word of the sentence; empty where the template has none.
        person: A first name, a noun phrase or a pronoun.
        gender: "female" or "male".
        race: "African-American" or "European" of a name; empty for any other person.
    """

    text: str
    template: str
    word: str
    person: str
    gender: str
    race: str


def read_eec(root: Path) -> list[EecSentence]:
    """Read the corpus in its official layout.

    It has no adapter, since it is for comparing answers with each other, not with a truth.

    Args:
        root: Folder that holds `Equity-Evaluation-Corpus.csv`, or the folder above it, or the file itself.

    Returns:
        The sentences in file order; 8,640 in the official file.

    Raises:
        CorpusNotFoundError: The file is not there.
        CorpusFormatError: A column is missing, or a row has an unknown gender or race; names it.

    Source: Kiritchenko and Mohammad 2018, "Examining Gender and Race Bias in Two Hundred Sentiment Analysis
    Systems", section 3; http://saifmohammad.com/WebPages/Biases-SA.html, not to be passed on.
    """
    path = root if root.is_file() else find_file(root, FILE, folder="eec")
    sentences = []
    for line, row in read_table(path, _COLUMNS):
        if row["Gender"] not in _GENDERS:
            raise malformed(path, line, f"Gender {row['Gender']!r} is none of {', '.join(_GENDERS)}.")
        if row["Race"] not in _RACES:
            raise malformed(
                path, line, f"Race {row['Race']!r} is neither {_RACES[0]}, {_RACES[1]} nor empty."
            )
        sentences.append(
            EecSentence(
                row["Sentence"],
                row["Template"],
                row["Emotion word"],
                row["Person"],
                row["Gender"],
                row["Race"],
            )
        )
    return sentences
