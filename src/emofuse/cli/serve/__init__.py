"""`emofuse serve`: the service, and who may use it."""

from __future__ import annotations

import click

from emofuse.cli.lazy_group import LazyGroup

__all__ = ["serve"]

_COMMANDS = {"keys": "Make, list and revoke API keys."}


@click.group(cls=LazyGroup, package=__name__, summaries=_COMMANDS, invoke_without_command=True)
@click.pass_context
def serve(context: click.Context) -> None:
    """Answer over HTTP."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
