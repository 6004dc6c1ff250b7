"""`emofuse monitor`: is what comes in still what the models know?"""

from __future__ import annotations

import click

from emofuse.cli.lazy_group import LazyGroup

__all__ = ["monitor"]

_COMMANDS = {
    "reference": "Write into a BUNDLE what it reads and answers when all is well.",
    "report": "Compare predictions of late with what the models are used to.",
}


@click.group(cls=LazyGroup, package=__name__, summaries=_COMMANDS)
def monitor() -> None:
    """See whether what comes in is still what the models know."""
