"""A prediction as people read it in a terminal."""

from __future__ import annotations

import os

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from emofuse.types import Emotion, ModalityPrediction, Prediction, Sample

__all__ = ["render_prediction"]

BAR = 24
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
_CONSOLE = Console(highlight=False)


def render_prediction(sample: Sample, prediction: Prediction) -> None:
    """Print one prediction as a panel of bars, or its error.

    Args:
        sample: What was read.
        prediction: The answer.
    """
    title = Text(_title(sample), overflow="ellipsis", no_wrap=True)
    if prediction.error is not None:
        body: RenderableType = Text(
            f"error[{prediction.error.code}]: {prediction.error.message}", style="red"
        )
        _CONSOLE.print(Panel(body, title=title, title_align="left", border_style="red"))
        return
    _CONSOLE.print(Panel(Group(*_parts(prediction)), title=title, title_align="left"))


def _title(sample: Sample) -> str:
    image = sample.image if isinstance(sample.image, str | os.PathLike) else None
    shown = [part for part in (sample.text, os.fspath(image) if image else None) if part]
    cleaned = "".join(c if c.isprintable() else " " for part in shown for c in f"{part[:60]}  ")
    return cleaned.strip()


def _parts(prediction: Prediction) -> list[RenderableType]:
    parts: list[RenderableType] = []
    answers = {
        "category": prediction.category,
        "emotion": prediction.emotion,
        "sentiment": prediction.sentiment,
    }
    for name, distribution in answers.items():
        if distribution is not None:
            parts += [_headline(name, distribution), _bars(distribution)]
    if prediction.sentiment and prediction.sentiment.mixed:
        parts.append(Text("mixed: positive and negative are both strong"))
    if prediction.fine_emotions:
        fine = ", ".join(f"{label} {p:.2f}" for label, p in prediction.fine_emotions.items())
        parts.append(Text(f"fine emotions: {fine}"))
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


def _headline(name: str, distribution: Emotion) -> Text:
    return Text.assemble(
        f"{name}: ", (distribution.label, "bold"), f"  (confidence {distribution.confidence:.2f})"
    )


def _bars(distribution: Emotion) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(min_width=12)
    table.add_column(min_width=BAR)
    table.add_column(justify="right")
    block = "#" if _CONSOLE.options.ascii_only else "█"
    for label, probability in distribution.probabilities.items():
        bar = Text(block * round(probability * BAR), style=COLOURS.get(label, "white"))
        table.add_row(f"  {label}", bar, f"{probability:.2f}")
    return table
