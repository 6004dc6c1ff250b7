"""Labelled samples beside what the models say about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.stats import binomtest

from emofuse.datasets import VALENCE, load_adapter
from emofuse.demo.photo import Picture, show_picture
from emofuse.errors import InputError
from emofuse.preprocess import load_image
from emofuse.taxonomy import OWN, POLARITIES, load_mapping, load_taxonomy
from emofuse.types import Emotion, Prediction, Sample

__all__ = ["Accuracy", "Answer", "Card", "choose_cards", "measure_accuracy", "read_cards"]

SHOWN_PX = 320
AT_ONCE = 8  # pictures that are held decoded
UNKNOWN = (OWN, VALENCE)  # what the models do not answer

PredictFn = Callable[[Sequence[Sample]], Sequence[Prediction]]


@dataclass(frozen=True)
class Answer:
    """What the models say about a sample, and what the corpus says.

    Attributes:
        said: By the models, in their labels.
        given: The same in the labels of the corpus, by the rules of `emofuse evaluate`; of a corpus that may
            give several labels to a sample, the label that the models say.
        gold: The labels of that set that are right; empty where the corpus has none.
        near: What `gold` comes to in the labels of the models.
        votes: Label of the corpus -> weight, as it stands there.
    """

    said: Emotion
    given: str
    gold: Sequence[str] = ()
    near: Sequence[str] = ()
    votes: Mapping[str, float] = field(default_factory=dict)

    @property
    def right(self) -> bool | None:
        """Whether what is said is right; None where the corpus does not say."""
        return self.given in self.gold if self.gold else None


@dataclass(frozen=True)
class Card:
    """A sample as the gallery shows it.

    Attributes:
        name: Id of the sample.
        text: Its text, or None.
        picture: Its picture, or None.
        answers: Those about `emotion` and `sentiment`; empty where the sample could not be read.
        others: What the corpus says in labels that the models do not answer.
        unsure: The models would rather not answer.
        problem: Why the sample could not be read, or None.
    """

    name: str
    text: str | None
    picture: Picture | None = None
    answers: Mapping[str, Answer] = field(default_factory=dict)
    others: Mapping[str, float] = field(default_factory=dict)
    unsure: bool = False
    problem: str | None = None

    @property
    def right(self) -> bool | None:
        """Whether every answer that the corpus has a label for is right; None where it has none."""
        known = [answer.right for answer in self.answers.values() if answer.right is not None]
        return all(known) if known else None


@dataclass(frozen=True)
class Accuracy:
    """How many answers are right.

    Attributes:
        right: Number of right ones.
        n: Number of those that the corpus has a label for; at least one.
        low: Lower end of the 95 % Wilson interval, 0-1.
        high: Upper end.
    """

    right: int
    n: int
    low: float
    high: float


def read_cards(
    corpus: str, samples: Sequence[Sample], predict: PredictFn, report: Callable[[int, int], None]
) -> list[Card]:
    """Let the models read samples, a few at a time.

    Args:
        corpus: Name of the dataset adapter that the samples come from.
        samples: With labels.
        predict: Samples -> their predictions, in order.
        report: Called with the number of samples read so far, and of all.

    Returns:
        One card per sample, in order; pictures are small copies.
    """
    cards: list[Card] = []
    for start in range(0, len(samples), AT_ONCE):
        batch = samples[start : start + AT_ONCE]
        opened = [_open(sample) for sample in batch]
        predictions = iter(predict([own for own in opened if isinstance(own, Sample)]))
        cards += [
            _make_card(corpus, own, next(predictions))
            if isinstance(own, Sample)
            else Card(str(sample.id), sample.text, problem=own)
            for sample, own in zip(batch, opened, strict=True)
        ]
        report(len(cards), len(samples))
    return cards


def measure_accuracy(cards: Sequence[Card], what: str) -> Accuracy | None:
    """Count the right answers.

    Args:
        cards: Of a batch.
        what: `emotion` or `sentiment`.

    Returns:
        The accuracy over the samples that could be read and have a label; None where there is none.
    """
    known = [card.answers[what].right for card in cards if what in card.answers]
    verdicts = [right for right in known if right is not None]
    if not verdicts:
        return None
    right, n = sum(verdicts), len(verdicts)
    interval = binomtest(right, n).proportion_ci(method="wilson")
    return Accuracy(right, n, float(interval.low), float(interval.high))


def choose_cards(cards: Sequence[Card], right: bool | None, emotion: str | None) -> list[Card]:
    """Keep the cards that a visitor wants to see.

    Args:
        cards: Of a batch.
        right: Those whose answers are all right, or those with a wrong one; None for all cards.
        emotion: Those of which this is said, or true; None for all cards.

    Returns:
        The cards, in order.
    """
    return [
        card
        for card in cards
        if (right is None or card.right is right) and (emotion is None or emotion in _emotions(card))
    ]


def _emotions(card: Card) -> set[str]:
    answer = card.answers.get("emotion")
    return {answer.said.label, *answer.near} if answer else set()


def _open(sample: Sample) -> Sample | str:
    if sample.image is None:
        return sample
    try:
        return replace(sample, image=load_image(sample.image)[0])
    except InputError as error:
        # The predictor would read the text alone, and half a pair would be scored as if it were the whole.
        return error.message


def _make_card(corpus: str, sample: Sample, prediction: Prediction) -> Card:
    picture = (
        show_picture(sample.image, longest_px=SHOWN_PX) if isinstance(sample.image, np.ndarray) else None
    )
    card = Card(str(sample.id), sample.text, picture)
    if prediction.emotion is None or prediction.sentiment is None:
        return replace(card, problem=prediction.error.message if prediction.error else "There is no answer.")
    adapter = load_adapter(corpus)
    feelings = [name for name in adapter.taxonomies if name in POLARITIES]
    emotions = [name for name in adapter.taxonomies if name not in (*POLARITIES, *UNKNOWN)]
    several = adapter.multi_label
    return replace(
        card,
        answers={
            "emotion": _compare(prediction.emotion, sample, emotions, several=several),
            "sentiment": _compare(prediction.sentiment, sample, feelings, several=several),
        },
        others={label: weight for name in UNKNOWN for label, weight in sample.labels.get(name, {}).items()},
        unsure=prediction.abstained,
    )


def _compare(said: Emotion, sample: Sample, taxonomies: Sequence[str], *, several: bool) -> Answer:
    for name in taxonomies:
        if votes := sample.labels.get(name):
            back = load_mapping(name, said.taxonomy)
            if several:
                near = tuple(back.map_labels(votes))
                return Answer(said, said.label, near, near, votes)
            top = max(votes, key=votes.__getitem__)
            probabilities = np.array(list(said.probabilities.values()), dtype=np.float32)
            there = load_mapping(said.taxonomy, name).map_probabilities(probabilities)
            given = load_taxonomy(name).labels[int(there.argmax())]
            return Answer(said, given, (top,), tuple(back.map_labels({top: 1.0})), votes)
    return Answer(said, said.label)
