"""Bring the tables to what this emofuse needs."""

from __future__ import annotations

import threading

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from emofuse.errors import StoreSchemaError
from emofuse.serve.store.database import Database, translate_errors
from emofuse.serve.store.tables import Base

__all__ = ["VERSION_TABLE", "migrate"]

# Alembic's own name may be taken by another application in the same database.
VERSION_TABLE = "emofuse_version"
# The advisory lock in PostgreSQL of those that migrate; any number that nobody else uses.
LOCK = 0x656D6F66757365
# Alembic keeps what it works on in a global variable.
_ONE_AT_A_TIME = threading.Lock()


def migrate(database: Database) -> None:
    """Create or change the tables; safe when several processes start at once.

    Args:
        database: Empty, or one that this or an older emofuse made.

    Raises:
        StoreSchemaError: A newer emofuse made it, or it holds other tables of the same names.
        StoreUnavailableError: It does not answer, or another process migrates for too long.
    """
    config = Config()
    config.set_main_option("script_location", "emofuse.serve.store:migrations")
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head()
    with translate_errors():
        with database.reading() as session:
            if _revision(session.connection()) == head:
                return
        with _ONE_AT_A_TIME, database.writer.begin() as connection:
            if not database.is_sqlite:
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            _check(connection, {script.revision for script in scripts.walk_revisions()})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()


def _check(connection: Connection, known: set[str]) -> None:
    revision = _revision(connection)
    if revision is None:
        foreign = set(inspect(connection).get_table_names()) & set(Base.metadata.tables)
        if foreign:
            raise StoreSchemaError(
                f"The database holds tables of another application: {', '.join(sorted(foreign))}. "
                "Give emofuse a database of its own.",
                item=min(foreign),
            )
    elif revision not in known:
        raise StoreSchemaError(
            f"The database was made by a newer emofuse (version {revision}). Upgrade emofuse.", item=revision
        )
