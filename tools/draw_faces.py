"""Draw the example faces: python tools/draw_faces.py FOLDER."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

SIDE_PX = 320
CANVAS_PX = 4 * SIDE_PX  # drawn large, then shrunk, for smooth edges
HAIR, SKIN, SHADE, LINE, LIP = (60, 40, 30), (225, 180, 155), (205, 160, 138), (185, 138, 118), (160, 70, 70)

Point = tuple[float, float]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Expression:
    """Shares of the picture's side: how far the brows sink within and without, and half the eye's opening."""

    inner_brow: float
    outer_brow: float
    eye: float


EXPRESSIONS = {
    "neutral": Expression(0.0, 0.0, 0.026),
    "happy": Expression(-0.01, -0.01, 0.018),
    "sad": Expression(-0.045, 0.02, 0.020),
    "angry": Expression(0.045, -0.015, 0.020),
    "surprised": Expression(-0.05, -0.05, 0.042),
}


class Drawing:
    """A canvas on which places and sizes are shares of its side."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", (CANVAS_PX, CANVAS_PX), (150, 165, 180))
        self.pen = ImageDraw.Draw(self.image)

    def ellipse(self, centre: Point, radii: Point, colour: Colour) -> None:
        """A filled ellipse."""
        (x, y), (rx, ry) = centre, radii
        self.pen.ellipse(_scale((x - rx, y - ry, x + rx, y + ry)), fill=colour)

    def curve(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """A quadratic Bezier curve through the first and last of three points, with round ends."""
        (x0, y0), (x1, y1), (x2, y2) = points
        line = []
        for step in range(41):
            t = step / 40
            a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
            line.append(((a * x0 + b * x1 + c * x2) * CANVAS_PX, (a * y0 + b * y1 + c * y2) * CANVAS_PX))
        self.pen.line(line, fill=colour, width=int(width * CANVAS_PX), joint="curve")
        radius = width * CANVAS_PX / 2
        for x, y in (line[0], line[-1]):
            self.pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)

    def blur(self, radius: float) -> None:
        """Soften everything so far."""
        self.image.paste(self.image.filter(ImageFilter.GaussianBlur(radius * CANVAS_PX)))


def draw_face(name: str) -> Image.Image:
    """Draw one face.

    Args:
        name: A key of `EXPRESSIONS`.

    Returns:
        320 x 320 RGB.
    """
    drawing, expression = Drawing(), EXPRESSIONS[name]
    _draw_head(drawing)
    for side in (-1, 1):
        _draw_eye(drawing, side, expression)
    drawing.curve([(0.485, 0.48), (0.462, 0.58), (0.47, 0.605)], 0.008, LINE)
    drawing.curve([(0.47, 0.61), (0.5, 0.632), (0.53, 0.61)], 0.010, (175, 120, 100))
    _draw_wrinkles(drawing, name)
    _draw_mouth(drawing, name)
    drawing.blur(0.004)
    return drawing.image.resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)


def _draw_head(drawing: Drawing) -> None:
    drawing.ellipse((0.5, 1.12), (0.42, 0.26), (70, 80, 110))
    drawing.pen.rectangle(_scale((0.41, 0.75, 0.59, 0.95)), fill=SHADE)
    drawing.ellipse((0.5, 0.42), (0.30, 0.36), HAIR)
    drawing.ellipse((0.5, 0.50), (0.25, 0.33), SKIN)
    for x in (0.25, 0.75):
        drawing.ellipse((x, 0.52), (0.03, 0.06), (215, 170, 145))
    drawing.pen.pieslice(_scale((0.24, 0.10, 0.76, 0.56)), 190, 350, fill=HAIR)
    drawing.blur(0.012)


def _draw_eye(drawing: Drawing, side: int, expression: Expression) -> None:
    x, open_by = 0.5 + side * 0.105, expression.eye
    drawing.ellipse((x, 0.475), (0.06, 0.04), SHADE)
    drawing.ellipse((x, 0.48), (0.048, open_by), (248, 248, 246))
    drawing.ellipse((x, 0.48), (0.024, min(0.024, open_by) + 0.002), (70, 50, 40))
    drawing.ellipse((x, 0.48), (0.012, min(0.012, open_by)), (10, 10, 10))
    drawing.ellipse((x + 0.007, 0.474), (0.004, 0.004), (255, 255, 255))
    drawing.curve([(x - 0.05, 0.48), (x, 0.48 - 1.9 * open_by), (x + 0.05, 0.48)], 0.007, (60, 35, 28))
    inner, outer = (0.5 + side * 0.045, 0.42), (0.5 + side * 0.165, 0.425)
    middle = ((inner[0] + outer[0]) / 2, 0.395 + (expression.inner_brow + expression.outer_brow) / 2)
    brow = [
        (inner[0], inner[1] + expression.inner_brow),
        middle,
        (outer[0], outer[1] + expression.outer_brow),
    ]
    drawing.curve(brow, 0.02, (55, 35, 28))


def _draw_wrinkles(drawing: Drawing, name: str) -> None:
    for side in (-1, 1):
        if name == "happy":
            x = 0.5 + side * 0.105
            drawing.curve([(x - 0.045, 0.505), (x, 0.525), (x + 0.045, 0.505)], 0.006, LINE)
            cheek = [(0.5 + side * 0.07, 0.615), (0.5 + side * 0.14, 0.65), (0.5 + side * 0.145, 0.71)]
            drawing.curve(cheek, 0.008, LINE)
            drawing.ellipse((0.5 + side * 0.15, 0.61), (0.035, 0.025), (232, 170, 150))
        elif name == "sad":
            fold = [(0.5 + side * 0.06, 0.62), (0.5 + side * 0.10, 0.66), (0.5 + side * 0.11, 0.74)]
            drawing.curve(fold, 0.007, LINE)
        elif name == "angry":
            frown = [(0.5 + side * 0.014, 0.40), (0.5 + side * 0.018, 0.43), (0.5 + side * 0.012, 0.455)]
            drawing.curve(frown, 0.007, (165, 110, 95))
            fold = [(0.5 + side * 0.045, 0.60), (0.5 + side * 0.10, 0.63), (0.5 + side * 0.115, 0.70)]
            drawing.curve(fold, 0.009, (175, 120, 100))


def _draw_mouth(drawing: Drawing, name: str) -> None:
    y = 0.705
    if name == "neutral":
        drawing.curve([(0.43, y), (0.5, y + 0.004), (0.57, y)], 0.018, LIP)
    elif name == "happy":
        drawing.pen.chord(_scale((0.385, y - 0.085, 0.615, y + 0.065)), 12, 168, fill=(120, 30, 35))
        drawing.pen.chord(_scale((0.40, y - 0.06, 0.60, y + 0.035)), 18, 162, fill=(252, 252, 250))
        drawing.curve([(0.385, y - 0.012), (0.5, y + 0.13), (0.615, y - 0.012)], 0.014, LIP)
        drawing.curve([(0.385, y - 0.012), (0.5, y + 0.02), (0.615, y - 0.012)], 0.010, LIP)
    elif name == "sad":
        drawing.curve([(0.425, y + 0.03), (0.5, y - 0.03), (0.575, y + 0.03)], 0.018, LIP)
        drawing.curve([(0.46, y + 0.05), (0.5, y + 0.042), (0.54, y + 0.05)], 0.006, LINE)
    elif name == "angry":
        box = _scale((0.425, y - 0.022, 0.575, y + 0.028))
        drawing.pen.rounded_rectangle(
            box, radius=0.02 * CANVAS_PX, fill=(250, 250, 248), outline=LIP, width=15
        )
        for tooth in range(1, 6):
            x = 0.425 + 0.025 * tooth
            drawing.pen.line(_scale((x, y - 0.016, x, y + 0.022)), fill=(170, 165, 165), width=4)
    else:
        drawing.ellipse((0.5, y + 0.035), (0.055, 0.075), LIP)
        drawing.ellipse((0.5, y + 0.035), (0.042, 0.06), (70, 15, 20))


def _scale(places: Sequence[float]) -> tuple[float, ...]:
    return tuple(place * CANVAS_PX for place in places)


if __name__ == "__main__":
    for expression_name in EXPRESSIONS:
        draw_face(expression_name).save(Path(sys.argv[1]) / f"drawn_{expression_name}.png", optimize=True)
