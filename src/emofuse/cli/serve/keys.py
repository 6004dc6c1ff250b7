"""`emofuse serve keys`: who may use the service."""

from __future__ import annotations

from datetime import datetime

import click

from emofuse.cli.database import database_option, opened_store


@click.group()
def keys() -> None:
    """Make, list and revoke API keys."""


@keys.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    metavar="S",
    help="What the key may do: predict, explain, feedback, subjects or metrics. May be repeated.",
)
@database_option
def add(name: str, scopes: tuple[str, ...], database: str | None) -> None:
    """Make a key for NAME and print it, once and for the last time."""
    with opened_store(database) as store:
        key = store.add_key(name, scopes)
    click.echo(key)
    click.echo("Keep it: only its digest is stored, and it cannot be shown again.", err=True)


@keys.command("list")
@database_option
def list_(database: str | None) -> None:
    """List all keys, revoked ones too.

    Tab-separated: id, name, scopes, when made, when revoked; never the secret.
    """
    with opened_store(database) as store:
        for key in store.list_keys():
            click.echo(
                f"{key.id}\t{key.name}\t{','.join(key.scopes)}\t{_moment(key.created)}\t{_moment(key.revoked)}"
            )


@keys.command()
@click.argument("key", metavar="ID_OR_NAME")
@database_option
def revoke(key: str, database: str | None) -> None:
    """Make a key invalid.

    A running service refuses it within three seconds.
    """
    with opened_store(database) as store:
        revoked = store.revoke_key(key)
    click.echo(f"Revoked {revoked.id} ({revoked.name}).", err=True)


def _moment(moment: datetime | None) -> str:
    return "-" if moment is None else moment.isoformat(timespec="seconds")
