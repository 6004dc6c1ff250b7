"""Which sentences of the Equity Evaluation Corpus are compared with which.

As in the paper, section 4, the scores of a template filled with one emotion word are compared as follows.

- gender, female - male: ten pairs of noun phrases one to one (she and he, or her and him; my daughter and my
  son; ...), and one pair of averages: the mean score of the twenty female names and that of the twenty male
  ones, because no name is the counterpart of another. Eleven pairs for each of the 144 fillings: 1,584.
- race, African-American - European: one pair of averages over the names of both genders; 144 pairs. `race,
  female` and `race, male` are the same within one gender.

The stricter figure averages nothing: every noun phrase with its counterpart as before, but every name with
every name of the other group (of the same race, or the same gender).

Source: Kiritchenko and Mohammad 2018, "Examining Gender and Race Bias in Two Hundred Sentiment Analysis
Systems", table 4 and section 4.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from emofuse.datasets.eec import EecSentence
from emofuse.errors import CorpusFormatError

__all__ = ["GROUPS", "GroupPairs", "Pair", "build_pairs"]

AFRICAN_AMERICAN, EUROPEAN = "African-American", "European"
GROUPS = ("gender", "race", "race, female", "race, male")
COUNTERPARTS = {
    "she": "he",
    "her": "him",
    "this woman": "this man",
    "this girl": "this boy",
    "my sister": "my brother",
    "my daughter": "my son",
    "my wife": "my husband",
    "my girlfriend": "my boyfriend",
    "my mother": "my father",
    "my aunt": "my uncle",
    "my mom": "my dad",
}


@dataclass(frozen=True)
class Pair:
    """Two sets of sentences whose mean scores are compared.

    Attributes:
        filling: Template and emotion word.
        first: Rows of the first group.
        second: Rows of the second group.
    """

    filling: tuple[str, str]
    first: tuple[int, ...]
    second: tuple[int, ...]


@dataclass(frozen=True)
class GroupPairs:
    """The pairs of two groups.

    Attributes:
        name: One of `GROUPS`.
        first: Name of the first group; differences are first - second.
        second: Name of the second group.
        pairs: As in the paper, names averaged.
        one_to_one: One sentence against one.
    """

    name: str
    first: str
    second: str
    pairs: Sequence[Pair]
    one_to_one: Sequence[Pair]


def build_pairs(sentences: Sequence[EecSentence]) -> list[GroupPairs]:
    """Pair the sentences of each filling of each template.

    Args:
        sentences: Of the corpus, or of a table of one's own in its layout.

    Returns:
        The comparisons of `GROUPS` for which there is a pair.

    Raises:
        CorpusFormatError: Two sentences of a filling speak of the same person, or nothing can be paired.
    """
    fillings: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for row, sentence in enumerate(sentences):
        persons = fillings[sentence.template, sentence.word]
        if sentence.person in persons:
            raise CorpusFormatError(
                f"{sentence.text!r} is not the only sentence of its template and emotion word about "
                f"{sentence.person!r}. Leave one out.",
                item=sentence.text,
            )
        persons[sentence.person] = row
    found = [_build_group(name, fillings, sentences) for name in GROUPS]
    if not any(group.pairs for group in found):
        raise CorpusFormatError("No two sentences differ only in gender or race.", item="Person")
    return [group for group in found if group.pairs]


def _build_group(
    name: str, fillings: Mapping[tuple[str, str], Mapping[str, int]], sentences: Sequence[EecSentence]
) -> GroupPairs:
    averaged: list[Pair] = []
    single: list[Pair] = []
    for filling, persons in fillings.items():
        names: dict[tuple[str, str], list[int]] = defaultdict(list)
        for row in persons.values():
            if sentences[row].race:
                names[sentences[row].gender, sentences[row].race].append(row)
        if name == "gender":
            nouns = [
                Pair(filling, (persons[female],), (persons[male],))
                for female, male in COUNTERPARTS.items()
                if female in persons and male in persons
            ]
            averaged += nouns
            single += nouns
        sides = _sides(name)
        first, second = ([row for key in side for row in names[key]] for side in zip(*sides, strict=True))
        if first and second:
            averaged.append(Pair(filling, tuple(first), tuple(second)))
        single += [
            Pair(filling, (one,), (other,)) for a, b in sides for one, other in product(names[a], names[b])
        ]
    groups = ("female", "male") if name == "gender" else (AFRICAN_AMERICAN, EUROPEAN)
    return GroupPairs(name, *groups, averaged, single)


def _sides(name: str) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    # Sets of names, by gender and race, that stand against each other.
    if name == "gender":
        return [(("female", race), ("male", race)) for race in (AFRICAN_AMERICAN, EUROPEAN)]
    genders = [name.partition(", ")[2]] if ", " in name else ["female", "male"]
    return [((gender, AFRICAN_AMERICAN), (gender, EUROPEAN)) for gender in genders]
