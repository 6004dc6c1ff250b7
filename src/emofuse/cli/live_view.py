"""What `emofuse live` shows for a line, as wide as the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

from emofuse.cli.render import BAR, MIXED, Line, draw_bars, draw_fine_emotions, draw_headline, line_length
from emofuse.tracking import Mood
from emofuse.types import Emotion, Prediction

__all__ = ["draw_answer", "draw_mood"]

ROWS, LEAST = 3, 0.05  # most bars of a distribution, and the probability that is worth one
STEADY = 0.1  # slope of the valence per line, below which a mood neither brightens nor darkens
WIDE = 80  # columns, from which emotion and sentiment stand side by side
NOTES = {
    "invalid_characters": "some characters were left out",
    "text_sampled": "very long, read in part",
    "text_windowed": "long, read in pieces",
    "unsupported_script": "not Latin letters, may be misread",
}
EVENTS = {
    "shift": "shift",
    "escalating_anger": "anger is rising",
    "sustained_sadness": "sadness goes on",
}


def draw_answer(prediction: Prediction, width: int) -> Iterator[Line]:
    """Emotion and sentiment of a line, and what to know about them in a few words.

    Args:
        prediction: One without an error.
        width: Of the terminal, in columns.

    Yields:
        Lines; from 80 columns, sentiment stands beside emotion.
    """
    if prediction.category is not None:
        yield from _draw("category", prediction.category, width)
    answers = {"emotion": prediction.emotion, "sentiment": prediction.sentiment}
    yield from _beside([_draw(name, own, width) for name, own in answers.items() if own], width)
    if prediction.sentiment and prediction.sentiment.mixed:
        yield [MIXED]
    if prediction.fine_emotions:
        yield draw_fine_emotions(prediction.fine_emotions)
    if prediction.abstained:
        yield [("unsure: too uncertain to act on", "yellow")]
    for warning in prediction.warnings:
        yield [(f"note: {NOTES.get(warning.code, warning.message)}", "yellow")]


def draw_mood(mood: Mood, width: int) -> Iterator[Line]:
    """The stable emotion, where it is going, and what has just happened.

    Args:
        mood: After the line.
        width: Of the terminal, in columns.

    Yields:
        Lines; the second bar is of an emotion that is stronger, but has not led for long enough.
    """
    if mood.label is None or mood.emotion is None:
        return
    headline: Line = ["mood: ", (mood.label, "bold")]
    if mood.trend is not None:
        headline.append(f", {_name_trend(mood.trend)}")
    for event in mood.events:
        headline += ["  ", (f"[{EVENTS[event]}]", "bold reverse")]
    yield headline
    leader = max(mood.emotion, key=mood.emotion.__getitem__)
    yield from _bars({label: mood.emotion[label] for label in (mood.label, leader)}, width)


def _name_trend(trend: float) -> str:
    if abs(trend) < STEADY:
        return "steady"
    return "brightening" if trend > 0 else "darkening"


def _draw(name: str, distribution: Emotion, width: int) -> list[Line]:
    probabilities = distribution.probabilities
    best, *others = sorted(probabilities, key=lambda label: -probabilities[label])[:ROWS]
    shown = [best, *(label for label in others if probabilities[label] >= LEAST)]
    bars = _bars({label: probabilities[label] for label in shown}, width)
    return [draw_headline(name, distribution), *bars]


def _bars(probabilities: Mapping[str, float], width: int) -> list[Line]:
    room = _half(width) if width >= WIDE else width
    return draw_bars(probabilities, max(1, min(BAR, room - 20)))


def _beside(blocks: Sequence[list[Line]], width: int) -> Iterator[Line]:
    if width < WIDE:
        for block in blocks:
            yield from block
        return
    none: Line = []
    for one, other in zip_longest(*blocks, fillvalue=none):
        yield [*one, " " * (_half(width) - line_length(one)), *other]


def _half(width: int) -> int:
    return min(width // 2, BAR + 20)
