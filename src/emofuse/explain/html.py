"""A report as one page of HTML: nothing to load, no script, light or dark as the reader's system."""

from __future__ import annotations

import base64
import io
from html import escape

from emofuse.explain.explanation import FUSED, Explanation
from emofuse.explain.overlay import AGAINST, FOR, draw_panel, strongest
from emofuse.explain.report import Report
from emofuse.types import ImageArray, Prediction

__all__ = ["render_explanation", "render_html"]

SHOWN = 0.1  # of the strongest word; weaker ones get a colour but no figure

_STYLE = f"""
:root {{ color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --soft: #5a5a5a; --line: #d5d5d5;
  --for: {", ".join(map(str, FOR))}; --against: {", ".join(map(str, AGAINST))}; --most: .6; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #f0f0f0; --paper: #141414; --soft: #b0b0b0; --line: #3a3a3a; --most: .55; }} }}
body {{ font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 44rem; margin: 0 auto; padding: 1rem; }}
h1 {{ font-size: 1.4rem; margin: 0; }} h2 {{ font-size: 1.1rem; margin: 2rem 0 .3rem; }}
p {{ margin: .4rem 0; }} .soft {{ color: var(--soft); font-size: .9rem; }}
.text {{ white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.9; font-size: 1.1rem;
  margin: 1rem 0; }}
.text span {{ display: inline-block; max-width: 100%; border-radius: .2em; padding: 0 .15em; }}
.for {{ background: rgba(var(--for), calc(var(--a) * var(--most))); }}
.against {{ background: rgba(var(--against), calc(var(--a) * var(--most))); }}
rt {{ font-size: .65rem; color: var(--soft); direction: ltr; unicode-bidi: isolate; }}
.key span {{ display: inline-block; padding: 0 .4em; border-radius: .2em; --a: 1; margin-right: .8em; }}
table {{ border-collapse: collapse; width: 100%; font-size: .95rem; }}
td, th {{ text-align: left; padding: .2rem .4rem .2rem 0; border-bottom: 1px solid var(--line); }}
meter {{ width: 100%; }} img {{ max-width: 100%; height: auto; border-radius: .3rem; }}
"""

_ABOUT = {
    "attention": "How much the last attention layer looks at each word, whatever the label; words and "
    "special tokens together get 1.",
    "grad_cam": "Where the features lie that raise the label's score; nothing speaks against it.",
    "integrated_gradients": "Gradients of the probability, summed on the way from an empty text to this one.",
    "lime": "A linear model of the probability when random words are left out.",
    "occlusion": "How much the probability falls when this part alone is taken away.",
    "shap": "Shapley values by the shap package.",
    "shapley": "What each word adds to the probability, averaged over many orders of adding words.",
}


def render_html(report: Report) -> str:
    """Write a report as a page.

    Args:
        report: What is shown.

    Returns:
        A complete HTML document.
    """
    parts = [_answer(report.prediction)]
    for own in report.explanations:
        parts.append(f"<h2>{escape(own.modality.capitalize())}</h2>")
        parts.append(render_explanation(own, report.text, report.image))
    parts += [f'<p class="soft">{escape(warning.message)}</p>' for warning in report.prediction.warnings]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>emofuse: why</title><style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def render_explanation(own: Explanation, text: str | None, image: ImageArray | None) -> str:
    """Write one explanation as a piece of a page, which brings the heading and the style.

    Args:
        own: What is shown.
        text: The sample's, or None.
        image: (H, W, 3) uint8 RGB, upright, or None.

    Returns:
        HTML whose classes are `soft`, `key`, `text`, `for` and `against`; `--a` of the last two is how strong
        the colour is, 0-1.
    """
    parts = [_what(own)]
    if own.words and text is not None:
        parts.append(_text(text, own))
    if own.maps and image is not None:
        parts.append(_picture(image, own))
    parts += [f'<p class="soft">{escape(notice.message)}</p>' for notice in own.notices]
    return "".join(parts)


def _answer(prediction: Prediction) -> str:
    answers = [own for own in (prediction.category, prediction.emotion, prediction.sentiment) if own]
    lines = ", ".join(f"{escape(own.label)} {own.confidence:.2f}" for own in answers)
    rows = "".join(
        f"<tr><th>{escape(own.modality)}</th>"
        f"<td>{escape(own.emotion.label)} {own.emotion.confidence:.2f}</td>"
        f'<td><meter value="{own.weight:.3f}"></meter></td><td>{own.weight:.2f}</td></tr>'
        for own in prediction.modalities
    )
    head = "<tr><th>read</th><th>says alone</th><th>share in the answer</th><th></th></tr>"
    table = f"<table>{head}{rows}</table>" if len(prediction.modalities) > 1 else ""
    return f"<h1>{lines}</h1>{table}"


def _what(own: Explanation) -> str:
    whose = "the fused answer" if own.answer == FUSED else f"the answer of {own.answer}"
    added = (
        "" if own.base_value is None else f" The figures add up from {own.base_value:.2f}, without the text."
    )
    label = escape(own.label)
    return (
        f"<p><b>{label} {own.probability:.2f}</b> in {escape(whose)}, explained by {escape(own.method)}.</p>"
        f'<p class="soft">{escape(_ABOUT.get(own.method, ""))}{added}</p>'
        f'<p class="key">{_key(own)}<span class="soft">full colour: {strongest(own):.2g}</span></p>'
    )


def _key(own: Explanation) -> str:
    if own.method == "attention":
        return '<span class="for">looked at</span>'
    label = escape(own.label)
    against = f'<span class="against">against {label}</span>' if min(own.attributions, default=0) < 0 else ""
    return f'<span class="for">for {label}</span>{against}'


def _text(text: str, own: Explanation) -> str:
    top = strongest(own) or 1.0
    parts, before = [], 0
    for word in own.words:
        size = abs(word.attribution) / top
        side = "for" if word.attribution > 0 else "against"
        figure = f"{word.attribution:+.2f}" if size >= SHOWN else ""
        parts.append(escape(text[before : word.start]))
        parts.append(
            f'<span class="{side}" style="--a:{size:.2f}" title="{word.attribution:+.4f}">'
            f"<ruby>{escape(word.text)}<rt>{figure}</rt></ruby></span>"
        )
        before = word.end
    return f'<div class="text" dir="auto">{"".join(parts)}{escape(text[before:])}</div>'


def _picture(image: ImageArray, own: Explanation) -> str:
    file = io.BytesIO()
    draw_panel(image, own).save(file, "JPEG", quality=88)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    said = escape(f"Map of the {own.modality} for {own.label}")
    return f'<img alt="{said}" src="data:image/jpeg;base64,{data}">'
