"""The option that names the service's database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from emofuse.cli.extras import needs_extra

if TYPE_CHECKING:
    from emofuse.serve.store import Store

__all__ = ["database_option", "opened_store"]

_KEPT = "emofuse.database"


def _inherit(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    # `meta` is shared with the commands below a group: what was given there nearest counts.
    assert parameter.name is not None
    if context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE:
        context.meta[_KEPT] = value
    return context.meta.get(_KEPT, value)


database_option = click.option(
    "--database",
    metavar="URL",
    envvar="EMOFUSE_DATABASE_URL",
    callback=_inherit,
    help="sqlite:///FILE or postgresql://USER@HOST/NAME; a password is safer in the environment variable "
    "EMOFUSE_DATABASE_URL. Default: emofuse/service.sqlite in the user's data folder, on Linux "
    "$XDG_DATA_HOME or ~/.local/share.",
)


@contextmanager
def opened_store(url: str | None) -> Iterator[Store]:
    """The service's store for the length of a command.

    Args:
        url: Of the database; None for the default.

    Yields:
        The store.
    """
    with needs_extra("serve"):
        from emofuse.serve.store import Store, default_database_url  # noqa: PLC0415 - an extra

        store = Store.open(url or default_database_url())
    try:
        yield store
    finally:
        store.close()
