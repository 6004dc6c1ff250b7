"""`emofuse explain`: which words and which parts of a picture an answer comes from."""

from __future__ import annotations

import json
from pathlib import Path

import click

from emofuse.errors import ConfigError
from emofuse.explain import METHODS, Report, SampleExplainer
from emofuse.types import Sample

FORMS = (".html", ".json", ".png")


@click.command()
@click.option("--text", metavar="T", help="A text.")
@click.option("--image", metavar="PATH", type=click.Path(path_type=Path), help="A picture.")
@click.option("--crop", is_flag=True, help="Take the whole image as one face.")
@click.option("--models", metavar="A,B", help="Bundles that replace the defaults of their kind.")
@click.option("--method", metavar="NAME", help=f"One of: {', '.join(METHODS)}. Default: by what is read.")
@click.option("--label", metavar="L", help="What to explain. Default: the most probable label.")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="FILE.html, FILE.png (pictures) or FILE.json.",
)
def explain(  # noqa: PLR0913 - one parameter per option of the command
    *,
    text: str | None,
    image: Path | None,
    crop: bool,
    models: str | None,
    method: str | None,
    label: str | None,
    output: Path,
) -> None:
    """Explain the answer for a text, a picture, or both together.

    With both, the fused answer is explained: words and parts of the picture are taken away, and what is left
    is read again.
    """
    if text is None and image is None:
        raise click.UsageError("Give --text, --image or both.")
    if output.suffix.lower() not in FORMS:
        raise ConfigError(f"{output} must end in {', '.join(FORMS)}.", item=str(output))
    if image is not None and output.exists() and image.exists() and output.samefile(image):
        raise ConfigError(f"{output} is the input itself, which is never overwritten.", item=str(output))
    names = [name for name in (models or "").split(",") if name]
    explainer = SampleExplainer.load(names or None, crop=crop)
    report = explainer.explain(Sample(id="0", text=text, image=image), method=method, label=label)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        _write(report, output)
    except OSError as error:
        raise ConfigError(f"{output} cannot be written: {error}.", item=str(output)) from error
    for own in report.explanations:
        click.echo(f"{own.modality}: {own.label} {own.probability:.2f} ({own.answer}), by {own.method}")
    for warning in report.prediction.warnings:
        click.echo(f"note: {warning.message}", err=True)


def _write(report: Report, output: Path) -> None:
    form = output.suffix.lower()
    if form == ".json":
        lines = json.dumps(report.to_dict(), ensure_ascii=False, indent=1) + "\n"
        # Half a surrogate, as in a file name, becomes a JSON escape.
        output.write_bytes(lines.encode("utf-8", errors="backslashreplace"))
    elif form == ".html":
        from emofuse.explain.html import render_html  # noqa: PLC0415 - only what is asked for

        output.write_bytes(render_html(report).encode("utf-8", errors="replace"))
    else:
        from emofuse.explain.overlay import draw_panels  # noqa: PLC0415

        pictured = [own for own in report.explanations if own.maps]
        if report.image is None or not pictured:
            raise ConfigError("There is no map of a picture to draw. Write .html or .json.", item=str(output))
        draw_panels(report.image, pictured).save(output)
