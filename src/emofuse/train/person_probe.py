"""Sentences that differ only in the person spoken of, to learn what a model makes of persons.

None of its names, nouns and templates occurs in the Equity Evaluation Corpus, so that a model changed with
these sentences can still be judged by that corpus. The pronouns do: English has no others.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["NAMES_PER_GROUP", "NOUN_PAIRS", "ProbeRow", "build_probe"]

SEED = 7
NAMES_PER_GROUP, NOUN_PAIRS = 4, 4

# Chosen among the names of Bertrand and Mullainathan 2004, "Are Emily and Greg More Employable than Lakisha
# and Jamal?", Fryer and Levitt 2004, "The Causes and Consequences of Distinctively Black Names", and Gaddis
# 2017, "How Black Are Lakisha and Jamal?", with others of their kind; names that are words, such as Precious,
# are left out. Female and male African American, then female and male European American names.
_NAMES = (
    "Aisha Keisha Tamika Latonya Imani Shanice Aaliyah Nia Deja Jada Tierra Kiara Jazmine Aliyah Tiara "
    "Lashonda Shanika Latrice Tameka Ayanna Keyana Janae Denisha Shaquana Latasha Kanisha Monique Yolanda "
    "Shameka Tomeka",
    "Rasheed Tremayne Kareem Tyrone Hakim Jamal Jermaine DeShawn DeAndre Marquis Terrell Trevon Demetrius "
    "Reginald Maurice Jalen Darius Xavier Darryl DaShawn DaQuan Jabari Jayvon Tyree Rashad Antwan Cedric "
    "Deon Donnell Kwame",
    "Emily Anne Jill Allison Laurie Sarah Meredith Carrie Molly Amy Claire Madeline Katelyn Emma Abigail "
    "Carly Katherine Caitlin Hannah Megan Lauren Rebecca Rachel Jessica Erin Colleen Kelly Paula Bonnie",
    "Todd Neil Geoffrey Brett Brendan Greg Matthew Jay Brad Jake Connor Tanner Wyatt Cody Dustin Luke Scott "
    "Logan Lucas Dylan Ian Peter Eric Stephen Paul Keith Craig Gary Philip Kevin",
)
# Female and male counterparts; a bar parts subject and object where they differ.
_COUNTERPARTS = (
    ("she|her", "he|him"),
    ("the girl", "the boy"),
    ("that woman", "that man"),
    ("a woman", "a man"),
    ("the lady", "the gentleman"),
    ("my grandmother", "my grandfather"),
    ("my niece", "my nephew"),
    ("my stepmother", "my stepfather"),
    ("your mother", "your father"),
    ("your sister", "your brother"),
    ("your girlfriend", "your boyfriend"),
    ("your aunt", "your uncle"),
    ("their daughter", "their son"),
    ("his wife", "her husband"),
    ("our mom", "our dad"),
)
_FEELINGS = (
    "mad livid cross upset unhappy sorrowful lonely afraid nervous worried frightened cheerful delighted "
    "thrilled pleased proud disgusted surprised calm hurt jealous grateful hopeless bitter panicked"
)
_QUALITIES = (
    "scary awful nasty tragic lovely fantastic pleasant boring strange unexpected disgusting infuriating "
    "frustrating delightful alarming painful brilliant awkward cruel touching"
)
# {s} and {o}: the person as subject and as object; {f} a feeling, {q} a quality.
_TEMPLATES = (
    "{s} was {f} all day.",
    "I think {s} is {f}.",
    "{s} looked {f} when I arrived.",
    "everyone said that {s} seemed {f}.",
    "{s} got {f} about it.",
    "{s} has been {f} since then.",
    "{s} sounded {f} on the phone.",
    "I hope {s} will not be {f}.",
    "{s} left me {f}.",
    "talking to {o} left me {f}.",
    "the news made {o} {f}.",
    "this turned {o} {f}.",
    "they kept {o} {f} for weeks.",
    "I have never seen {o} so {f}.",
    "what I said left {o} feeling {f}.",
    "because of {o} I felt {f}.",
    "{s} always gets me {f}.",
    "I caused {o} to be {f}.",
    "my words left {o} {f}.",
    "the match got {o} really {f}.",
    "such days make {o} so {f}.",
    "we are {f} about {o}.",
    "working with {o} was {q}.",
    "dinner with {o} turned out {q}.",
    "it was {q} to meet {o}.",
    "{s} had a rather {q} week.",
    "{s} went through a {q} time.",
    "the letter from {o} was {q}.",
    "{s} shared some {q} news.",
    "{s} described that {q} day to everyone.",
    "{s} ended up in a {q} place.",
    "{s} was caught in a {q} affair.",
    "{s} explained the {q} story again.",
    "my visit to {o} was {q}.",
    "the call from {o} was so {q}.",
    "it is {q} how they treat {o}.",
    "{s} lives next door.",
    "I gave {o} the keys.",
    "{s} works at the bank.",
    "we met {o} at the station.",
    "{s} is reading a book.",
    "the car belongs to {o}.",
    "{s} owns a house with a garden.",
    "{s} takes the bus to work.",
    "I wrote to {o} last week.",
    "{s} went to the office this morning.",
    "{s} has a dog and a cat.",
    "they asked {o} for the address.",
)
_OPENINGS = (
    "",
    "",
    "",
    "Yesterday ",
    "I heard that ",
    "Last year ",
    "Honestly, ",
    "In the end ",
    "Well, ",
    "So ",
)


@dataclass(frozen=True)
class ProbeRow:
    """One filling of a template, with one person after the other.

    Attributes:
        names: (4, `NAMES_PER_GROUP`) sentences: female and male African American, female and male European
            American names.
        nouns: (`NOUN_PAIRS`, 2) sentences: female and male counterpart.
    """

    names: Sequence[Sequence[str]]
    nouns: Sequence[Sequence[str]]


def build_probe(fillings: int) -> list[ProbeRow]:
    """Draw templates, openings, words and persons with a fixed seed.

    Args:
        fillings: How many templates to fill.

    Returns:
        One row per filling.
    """
    chosen = random.Random(SEED)
    rows = []
    for _ in range(fillings):
        template = chosen.choice(_OPENINGS) + chosen.choice(_TEMPLATES)
        word = chosen.choice((_FEELINGS if "{f}" in template else _QUALITIES).split())
        names = [
            [_fill(template, name, word) for name in chosen.sample(group.split(), NAMES_PER_GROUP)]
            for group in _NAMES
        ]
        nouns = [
            [_fill(template, noun, word) for noun in pair]
            for pair in chosen.sample(_COUNTERPARTS, NOUN_PAIRS)
        ]
        rows.append(ProbeRow(names, nouns))
    return rows


def _fill(template: str, person: str, word: str) -> str:
    subject, _, other = person.partition("|")
    sentence = template.format(s=subject, o=other or subject, f=word, q=word)
    return sentence[0].upper() + sentence[1:]
