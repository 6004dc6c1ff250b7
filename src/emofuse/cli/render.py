"""A prediction as people read it in a terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.segment import Segment, Segments
from rich.text import Text

from emofuse.types import Emotion, ErrorEntry, ModalityPrediction, Prediction, Sample

__all__ = [
    "BAR",
    "CONSOLE",
    "MIXED",
    "Line",
    "draw_bars",
    "draw_error",
    "draw_fine_emotions",
    "draw_headline",
    "fit_line",
    "line_length",
    "render_prediction",
    "show_lines",
    "show_text",
]

Line: TypeAlias = list[str | tuple[str, str]]
"""Parts of a line, those with a style as (text, style)."""

BAR, NAME = 24, 10  # columns
MIXED = "mixed: positive and negative are both strong"
COLOURS = {
    "anger": "red",
    "disgust": "green",
    "fear": "magenta",
    "joy": "yellow",
    "sadness": "blue",
    "surprise": "cyan",
    "negative": "red",
    "positive": "green",
}
CONSOLE = Console(highlight=False)


def render_prediction(sample: Sample, prediction: Prediction) -> None:
    """Print one prediction as a panel of bars, or its error.

    Args:
        sample: What was read.
        prediction: The answer.
    """
    title = Text(_title(sample), overflow="ellipsis", no_wrap=True)
    if prediction.error is not None:
        body = Text.assemble(*draw_error(prediction.error))
        CONSOLE.print(Panel(body, title=title, title_align="left", border_style="red"))
        return
    CONSOLE.print(Panel(Group(*_parts(prediction)), title=title, title_align="left"))


def show_text(text: str, most: int = 60) -> str:
    """The beginning of a text without anything that a terminal would obey.

    Args:
        text: Anything.
        most: Characters that are kept.

    Returns:
        Printable characters alone, with a space for each other.
    """
    return "".join(c if c.isprintable() else " " for c in text[:most])


def draw_error(error: ErrorEntry) -> Line:
    """Why there is no answer."""
    return [(f"error[{error.code}]: {error.message}", "red")]


def draw_headline(name: str, distribution: Emotion) -> Line:
    """What a distribution says, and how surely.

    Args:
        name: Of the distribution.
        distribution: The answer.

    Returns:
        The line.
    """
    return [f"{name}: ", (distribution.label, "bold"), f"  (confidence {distribution.confidence:.2f})"]


def draw_bars(probabilities: Mapping[str, float], width: int = BAR) -> list[Line]:
    """One line per label: its name, a bar, the probability.

    Args:
        probabilities: Label -> 0-1.
        width: Of the bar of probability 1, in columns.

    Returns:
        Lines of the same width, in the order given.
    """
    block = "#" if CONSOLE.options.ascii_only else "█"
    name = max(NAME, *map(len, probabilities))
    return [
        [
            f"  {label:<{name}} ",
            (f"{block * round(probability * width):<{width}}", COLOURS.get(label, "white")),
            f" {probability:.2f}",
        ]
        for label, probability in probabilities.items()
    ]


def draw_fine_emotions(fine_emotions: Mapping[str, float]) -> Line:
    """The fine emotions and their probabilities."""
    return ["fine emotions: ", ", ".join(f"{label} {p:.2f}" for label, p in fine_emotions.items())]


def line_length(line: Line) -> int:
    """Characters of a line."""
    return sum(len(part if isinstance(part, str) else part[0]) for part in line)


def fit_line(start: str, text: str, width: int) -> Line:
    """One line of what a user gave, cut to the terminal.

    Args:
        start: Stands before the text.
        text: Anything.
        width: Of the terminal, in columns.

    Returns:
        A line that no terminal obeys.
    """
    shown = Text(start + show_text(text, width))
    shown.truncate(width, overflow="crop" if CONSOLE.options.ascii_only else "ellipsis")
    return [shown.plain]


def show_lines(lines: Sequence[Line]) -> None:
    """Print lines and an empty one behind them, in one piece.

    Args:
        lines: Those that are wider than the terminal are wrapped.
    """
    segments = [segment for line in (*lines, []) for segment in _segments(line)]
    CONSOLE.print(Segments(segments), crop=False, end="")


def _segments(line: Line) -> Iterator[Segment]:
    if line_length(line) > CONSOLE.width:
        for piece in Text.assemble(*line).wrap(CONSOLE, CONSOLE.width):
            yield from piece.render(CONSOLE, end="\n")
        return
    # Without a `Text` where nothing is wrapped: it would take longer than anything but the model.
    for part in line:
        yield Segment(part) if isinstance(part, str) else Segment(part[0], CONSOLE.get_style(part[1]))
    yield Segment.line()


def _title(sample: Sample) -> str:
    image = sample.image if isinstance(sample.image, str | os.PathLike) else None
    shown = [part for part in (sample.text, os.fspath(image) if image else None) if part]
    return "  ".join(map(show_text, shown)).strip()


def _parts(prediction: Prediction) -> list[RenderableType]:
    parts: list[RenderableType] = []
    answers = {
        "category": prediction.category,
        "emotion": prediction.emotion,
        "sentiment": prediction.sentiment,
    }
    for name, distribution in answers.items():
        if distribution is not None:
            lines = [draw_headline(name, distribution), *draw_bars(distribution.probabilities)]
            parts += [Text.assemble(*line) for line in lines]
    if prediction.sentiment and prediction.sentiment.mixed:
        parts.append(Text(MIXED))
    if prediction.fine_emotions:
        parts.append(Text.assemble(*draw_fine_emotions(prediction.fine_emotions)))
    if len(prediction.modalities) > 1:
        parts += [_modality_line(m) for m in prediction.modalities]
        parts.append(Text(f"conflict between them: {prediction.conflict:.2f} of 1"))
    for number, face in enumerate(prediction.faces, 1):
        box = f"{face.box.width:.0f} x {face.box.height:.0f} px at ({face.box.x:.0f}, {face.box.y:.0f})"
        parts.append(Text(f"face {number}: {face.emotion.label} {face.emotion.confidence:.2f}, {box}"))
    if prediction.abstained:
        parts.append(Text(f"unsure: {prediction.reason}", style="yellow"))
    parts += [Text(f"note: {warning.message}", style="yellow") for warning in prediction.warnings]
    return parts


def _modality_line(part: ModalityPrediction) -> Text:
    answer = f"{part.emotion.label} {part.emotion.confidence:.2f}"
    return Text(f"{part.modality}: {answer}, share {part.weight:.2f} ({part.model})")
