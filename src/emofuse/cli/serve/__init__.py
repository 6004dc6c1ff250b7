"""`emofuse serve`: the service, and who may use it."""

from __future__ import annotations

import click

from emofuse.cli.address import bind_address
from emofuse.cli.database import database_option
from emofuse.cli.extras import needs_extra
from emofuse.cli.lazy_group import LazyGroup

__all__ = ["serve"]

_COMMANDS = {"keys": "Make, list and revoke API keys."}


@click.group(cls=LazyGroup, package=__name__, summaries=_COMMANDS, invoke_without_command=True)
@click.option("--host", metavar="H", help="Address to listen on. Default: 127.0.0.1.")
@click.option("--port", metavar="P", type=click.IntRange(0, 65535), help="Default: 8000; 0 takes a free one.")
@click.option("--models", metavar="A,B", help="Bundles that replace the defaults of their kind.")
@database_option
@click.pass_context
def serve(
    context: click.Context, *, host: str | None, port: int | None, models: str | None, database: str | None
) -> None:
    """Answer over HTTP until interrupted.

    Without any API key the service is open, and only on a loopback address. All other settings are read from
    environment variables; docs/service.md lists them.
    """
    if context.invoked_subcommand is not None:
        for name, given in (("host", host), ("port", port), ("models", models)):
            if given is not None:
                raise click.UsageError(
                    f"--{name} is for the service, not for {context.invoked_subcommand!r}."
                )
        return
    with needs_extra("serve"):
        from emofuse.serve.run import run_service  # noqa: PLC0415 - an extra
        from emofuse.serve.settings import read_settings  # noqa: PLC0415

    settings = read_settings(host=host, port=port, models=models, database_url=database)
    listening = bind_address(settings.host, settings.port)
    run_service(settings, listening, lambda address: click.echo(f"Listening on {address}", err=True))
