"""`emofuse audit`: what a model cannot cope with, and whom it treats differently."""

from __future__ import annotations

import click

from emofuse.cli.lazy_group import LazyGroup

__all__ = ["audit"]

_COMMANDS = {
    "checklist": "Put the sentiment tests of CheckList to text models.",
    "neutralize": "Write a copy of text MODEL that reads persons more alike.",
    "robustness": "Score a BUNDLE on texts and pictures that get worse and worse.",
    "table": "Compare groups of people in a FILE of one's own.",
    "text": "Compare groups of people on the Equity Evaluation Corpus.",
}


@click.group(cls=LazyGroup, package=__name__, summaries=_COMMANDS)
def audit() -> None:
    """Look for what a model cannot cope with, and whom it treats differently."""
