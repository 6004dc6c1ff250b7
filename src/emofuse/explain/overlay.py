"""Maps laid over the picture that they explain."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from emofuse.explain.explanation import Explanation, HeatMap
from emofuse.types import FloatArray, ImageArray

__all__ = ["AGAINST", "FOR", "draw_panel", "draw_panels", "strongest"]

# Orange and blue of Okabe and Ito 2008, which readers with any kind of colour blindness tell apart.
FOR, AGAINST = (230, 159, 0), (0, 114, 178)
PANEL_PX = 480
MARGIN_PX = 8
OPACITY = 0.75
INK, PAPER = (20, 20, 20), (255, 255, 255)


def strongest(explanation: Explanation) -> float:
    """The largest attribution in size, which gets the full colour; 0 where all are 0."""
    return max((abs(value) for value in explanation.attributions), default=0.0)


def draw_panel(image: ImageArray, explanation: Explanation) -> Image.Image:
    """Colour a grey copy of the picture: orange speaks for the label, blue against it.

    Args:
        image: (H, W, 3) uint8 RGB, upright.
        explanation: Of a face or a scene.

    Returns:
        RGB, 480 px on its long side.
    """
    height, width = image.shape[:2]
    scale = PANEL_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    grey = Image.fromarray(image).convert("L").resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    panel = np.repeat(np.asarray(grey, dtype=np.float32)[:, :, None], 3, axis=2)
    top = strongest(explanation) or 1.0
    for heat in explanation.maps:
        _tint(panel, heat, scale, top)
    picture = Image.fromarray(panel.round().astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for heat in explanation.maps:
        left, upper = heat.x * scale, heat.y * scale
        # A map may be thinner than a pixel of the panel.
        right = max(left, left + heat.width * scale - 1)
        lower = max(upper, upper + heat.height * scale - 1)
        pen.rectangle((left, upper, right, lower), outline=PAPER)
    return picture


def draw_panels(image: ImageArray, explanations: list[Explanation]) -> Image.Image:
    """One panel per explanation of a picture, each with what it shows written below.

    Args:
        image: (H, W, 3) uint8 RGB, upright.
        explanations: Of faces and scenes; at least one.

    Returns:
        RGB.
    """
    font = ImageFont.load_default(14)
    line = 20
    panels = [draw_panel(image, own) for own in explanations]
    wide = max(PANEL_PX // 2, panels[0].width)
    size = (len(panels) * (wide + MARGIN_PX) + MARGIN_PX, panels[0].height + 4 * line + 2 * MARGIN_PX)
    sheet = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(sheet)
    for number, (panel, own) in enumerate(zip(panels, explanations, strict=True)):
        left = MARGIN_PX + number * (wide + MARGIN_PX)
        sheet.paste(panel, (left, MARGIN_PX))
        below = 2 * MARGIN_PX + panel.height
        pen.text((left, below), f"{own.modality}: {own.label} {own.probability:.2f}", INK, font)
        pen.text((left, below + line), f"{own.method}, answer: {own.answer}", INK, font)
        for row, (colour, said) in enumerate(((FOR, "for"), (AGAINST, "against")), 2):
            at = below + row * line
            pen.rectangle((left, at + 3, left + 12, at + 15), fill=colour)
            full = f", full colour: {strongest(own):.2g}" if colour is FOR else ""
            pen.text((left + 18, at), f"speaks {said} {own.label}{full}", INK, font)
    return sheet


def _tint(panel: FloatArray, heat: HeatMap, scale: float, top: float) -> None:
    left, upper = round(heat.x * scale), round(heat.y * scale)
    width, height = max(1, round(heat.width * scale)), max(1, round(heat.height * scale))
    values = Image.fromarray((heat.values / top).astype(np.float32)).resize(
        (width, height), Image.Resampling.BILINEAR
    )
    rows = slice(max(0, -upper), max(0, min(height, panel.shape[0] - upper)))
    columns = slice(max(0, -left), max(0, min(width, panel.shape[1] - left)))
    shown = np.asarray(values)[rows, columns]
    part = panel[
        upper + rows.start : upper + rows.start + shown.shape[0],
        left + columns.start : left + columns.start + shown.shape[1],
    ]
    opacity = OPACITY * np.abs(shown)[:, :, None].clip(0, 1)
    colour = np.where(shown[:, :, None] > 0, np.array(FOR, np.float32), np.array(AGAINST, np.float32))
    part += opacity * (colour - part)
