"""Predictions as HTML."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined

__all__ = ["render"]


def _agreement(conflict: float) -> str:
    """What a Jensen-Shannon divergence of 0-1 means in words."""
    if conflict < 0.15:
        return "agree"
    return "partly disagree" if conflict < 0.4 else "contradict each other"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _part(length: float, whole: float = 1.0) -> str:
    """A length as CSS wants it, relative to a whole."""
    return f"{100 * length / whole:.2f}%"


def _clock(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _environment() -> Environment:
    folder = files("emofuse") / "demo" / "templates"
    sources = {own.name: own.read_text(encoding="utf-8") for own in folder.iterdir()}
    environment = Environment(
        loader=DictLoader(sources),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"agreement": _agreement, "clock": _clock, "part": _part, "percent": _percent}
    return environment


_TEMPLATES = _environment()


def render(template: str, **values: Any) -> str:
    """Fill in a template of `demo/templates`.

    Args:
        template: Its name without `.html.j2`.
        **values: What it shows; everything is escaped.

    Returns:
        A piece of HTML.
    """
    page = _TEMPLATES.get_template(f"{template}.html.j2").render(**values)
    # Half a surrogate, which a JSON file may hold, could not be sent.
    return page.encode(errors="replace").decode()
