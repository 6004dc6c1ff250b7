"""`emofuse predict`: texts and images in, a readable answer or JSON lines out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import click

from emofuse.errors import ConfigError
from emofuse.runtime.predictor import Predictor
from emofuse.types import Prediction, Sample

CHUNK = 64


@click.command()
@click.argument("texts", metavar="[TEXT]...", nargs=-1)
@click.option("--text", "more_texts", metavar="T", multiple=True, help="A text; may be repeated.")
@click.option("--image", "images", metavar="PATH", multiple=True, help="A picture; may be repeated.")
@click.option("--pair", is_flag=True, help="Read the texts and the images pairwise, in order.")
@click.option("--crop", is_flag=True, help="Take each whole image as one face.")
@click.option("--taxonomy", default="ekman7", show_default=True, metavar="NAME", help="Labels of the answer.")
@click.option("--models", metavar="A,B", help="Bundles that replace the defaults of their kind.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def predict(  # noqa: PLR0913 - one parameter per option of the command
    texts: tuple[str, ...],
    more_texts: tuple[str, ...],
    images: tuple[str, ...],
    *,
    pair: bool,
    crop: bool,
    taxonomy: str,
    models: str | None,
    as_json: bool,
) -> int:
    """Read emotion and sentiment from texts and images.

    A single text with a single image is one sample; otherwise each text and each image is a sample of its
    own, unless --pair is given. The TEXT `-` reads standard input, one sample per line.
    """
    names = [name for name in (models or "").split(",") if name]
    predictor = Predictor.load(names or None, taxonomy=taxonomy, crop=crop)
    samples = _samples([*texts, *more_texts], list(images), pair=pair)
    write: Callable[[Sample, Prediction], None] = _write_json
    if not as_json:
        from emofuse.cli.render import render_prediction  # noqa: PLC0415 - rich is slow to import

        write = render_prediction
    failed = False
    # Whoever writes to a pipe may wait for the answer to one line before the next.
    size = 1 if "-" in (*texts, *more_texts) else CHUNK
    while chunk := list(islice(samples, size)):
        for sample, prediction in zip(chunk, predictor.predict(chunk), strict=True):
            failed |= prediction.error is not None
            write(sample, prediction)
    return int(failed)


def _samples(texts: list[str], images: list[str], *, pair: bool) -> Iterator[Sample]:
    if not texts and not images:
        raise click.UsageError("Give a TEXT, --text or --image, or `-` to read standard input.")
    if pair and len(texts) != len(images):
        raise ConfigError(
            f"--pair needs as many texts as images, not {len(texts)} and {len(images)}.", item="--pair"
        )
    if "-" in texts and (pair or len(texts) + len(images) > 1):
        raise ConfigError("`-` reads standard input and stands alone.", item="-")
    if texts == ["-"]:
        return _numbered(Sample(text=line) for line in _lines())
    if pair or len(texts) == len(images) == 1:
        return _numbered(Sample(text=t, image=Path(i)) for t, i in zip(texts, images, strict=True))
    own = [Sample(text=text) for text in texts]
    return _numbered([*own, *(Sample(image=Path(image)) for image in images)])


def _numbered(samples: Iterable[Sample]) -> Iterator[Sample]:
    for number, sample in enumerate(samples):
        yield Sample(id=str(number), text=sample.text, image=sample.image)


def _lines() -> Iterator[str]:
    for line in sys.stdin.buffer:
        yield line.decode("utf-8", errors="surrogateescape").rstrip("\r\n")


def _write_json(_: Sample, prediction: Prediction) -> None:
    # Bytes are UTF-8 whatever the terminal is.
    click.echo(prediction.to_json())
