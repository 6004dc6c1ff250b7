"""A page of figures and pictures in one HTML file, which needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment

__all__ = ["Amount", "Picture", "Section", "render_page"]


class Amount(str):
    """A number as it is to be read, such as `12,345` or `4.1 %`."""

    __slots__ = ()


class Picture(str):
    """The address of a picture that holds it, `data:image/...`."""

    __slots__ = ()


@dataclass(frozen=True)
class Section:
    """A heading with what belongs under it.

    Attributes:
        title: The heading.
        lead: A sentence or two in plain text.
        picture: SVG, of `emofuse.evaluate.plots`; inserted as it is.
        header: Column names of a table.
        rows: Its cells: texts, numbers, `Amount`s or `Picture`s.
    """

    title: str
    lead: str = ""
    picture: str = ""
    header: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()


def render_page(title: str, facts: Mapping[str, str], sections: Sequence[Section]) -> str:
    """Write a page.

    Args:
        title: Of the page.
        facts: What was measured, on what, when: name -> value in plain text.
        sections: In order.

    Returns:
        HTML without scripts that loads nothing; everything but `Section.picture` is escaped.
    """
    template = (files("emofuse") / "evaluate" / "page.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True)
    environment.tests["amount"] = lambda cell: isinstance(cell, Amount)
    environment.tests["picture"] = lambda cell: isinstance(cell, Picture)
    page = environment.from_string(template).render(title=title, facts=facts, sections=sections)
    # A text may hold half of a surrogate pair, which no file can.
    return page.encode("utf-8", errors="replace").decode() + "\n"
