"""`emofuse audit`: what a model cannot cope with."""

from __future__ import annotations

import click

from emofuse.cli.lazy_group import LazyGroup

__all__ = ["audit"]

_COMMANDS = {
    "checklist": "Put the sentiment tests of CheckList to text models.",
    "robustness": "Score a BUNDLE on texts and pictures that get worse and worse.",
}


@click.group(cls=LazyGroup, package=__name__, summaries=_COMMANDS)
def audit() -> None:
    """Look for what a model cannot cope with."""
