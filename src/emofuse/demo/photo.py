"""Pictures on their way into the page and out of it."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
from gradio.utils import get_upload_folder
from PIL import Image

from emofuse.errors import InputError
from emofuse.preprocess import load_image
from emofuse.types import ImageArray, Prediction

__all__ = ["Picture", "load_photo", "name_upload", "path_of_upload", "photo_input", "show_picture"]

SHOWN_PX = 640


def photo_input(label: str, **options: Any) -> gr.Image:
    """A field for a picture that hands on the path of the file as it was uploaded, whatever it may be.

    Gradio's own would open it first, and answer a broken file in words that help nobody.

    Args:
        label: Shown above it.
        **options: Those of `gr.Image`.

    Returns:
        The field; its value is a path, or None where there is no picture.
    """
    field = gr.Image(label=label, type="filepath", image_mode=None, buttons=[], **options)
    # Beside the module of a subclass Gradio would write a file.
    field.preprocess = path_of_upload  # type: ignore[method-assign]
    return field


class Picture(NamedTuple):
    """A picture as the page shows it.

    Attributes:
        source: `data:` address of a JPEG.
        width: Of the picture itself, px.
        height: px.
    """

    source: str
    width: int
    height: int


def load_photo(path: str | None) -> ImageArray | str | None:
    """Decode an uploaded file once for everything that looks at it.

    Args:
        path: As `photo_input` gives it.

    Returns:
        (H, W, 3) uint8 RGB, upright; the path where it cannot be read, so that the predictor says why.
    """
    if path is None:
        return None
    try:
        return load_image(path)[0]
    except InputError:
        return path


def name_upload(prediction: Prediction, path: str | None) -> Prediction:
    """Speak of an uploaded file by its name, not by where the server keeps it.

    Args:
        prediction: May say what is wrong with the file.
        path: Of the file, or None.

    Returns:
        The prediction with the file's name in its place.
    """
    if path is None:
        return prediction

    def shorten(words: str) -> str:
        return words.replace(path, Path(path).name)

    error = prediction.error
    return replace(
        prediction,
        error=error
        and replace(error, message=shorten(error.message), item=shorten(error.item or "") or None),
        warnings=tuple(replace(own, message=shorten(own.message)) for own in prediction.warnings),
    )


def show_picture(image: ImageArray, *, longest_px: int = SHOWN_PX) -> Picture:
    """Encode a picture for the page.

    Args:
        image: (H, W, 3) uint8 RGB, upright.
        longest_px: Of the side of what is shown; smaller pictures stay as they are.

    Returns:
        The picture, without anything its file said beside the pixels.
    """
    height, width = image.shape[:2]
    small = Image.fromarray(image)
    small.thumbnail((longest_px, longest_px), reducing_gap=2.0)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=85)
    return Picture("data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode(), width, height)


def path_of_upload(payload: Any) -> str | None:
    """Find the file that a field of the page holds, as it was uploaded, whatever it may be.

    Args:
        payload: What Gradio knows of it, or None.

    Returns:
        Its path; None where there is no file.

    Raises:
        gr.Error: Nobody uploaded it.
    """
    if payload is None or payload.path is None:
        return None
    # Whoever talks to the server without the page may name any file of this machine.
    if not Path(payload.path).resolve().is_relative_to(Path(get_upload_folder()).resolve()):
        raise gr.Error("That file was not uploaded.")
    return str(payload.path)
