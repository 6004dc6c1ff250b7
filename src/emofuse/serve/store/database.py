"""A connection to SQLite or PostgreSQL whose commits last."""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from platformdirs import user_data_path
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from emofuse.errors import ConfigError, StoreError, StoreUnavailableError

__all__ = ["Database", "TakenError", "default_database_url", "translate_errors"]

BUSY_S = 10.0


class TakenError(StoreError):
    """A row with that key exists; those who insert turn this into what it means."""


def default_database_url() -> str:
    """A SQLite file in the user's data folder, on Linux `$XDG_DATA_HOME/emofuse`."""
    return f"sqlite:///{user_data_path('emofuse', appauthor=False) / 'service.sqlite'}"


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn the errors of SQLAlchemy into ours; no message holds what was to be stored.

    Raises:
        StoreUnavailableError: The database does not answer, is locked or full, or cannot be opened.
        TakenError: A row with that key exists.
        StoreError: It answers with something else.
    """
    try:
        yield
    except IntegrityError as error:
        raise TakenError("A row with that key exists.") from error
    except (OperationalError, InterfaceError, PoolTimeoutError) as error:
        raise StoreUnavailableError(
            f"The database does not answer: {_reason(error)}. Check that it runs, is writable and has space.",
            item=_reason(error),
        ) from error
    except SQLAlchemyError as error:
        raise StoreError(f"The database refuses: {_reason(error)}.", item=_reason(error)) from error


class Database:
    """Sessions that read or write.

    SQLite runs in WAL mode with `synchronous=FULL`, and PostgreSQL with `synchronous_commit` on: what was
    committed survives a crash. What is deleted is overwritten in the pages of SQLite.

    Args:
        url: `sqlite:///relative.sqlite`, `sqlite:////absolute.sqlite` or `postgresql://user@host/name`.
            `?timeout=` of SQLite goes before `busy_s`.
        busy_s: Seconds to wait for a connection, for a lock, and for PostgreSQL to answer.

    Raises:
        ConfigError: The URL is neither.
        StoreUnavailableError: The file's folder cannot be written.
    """

    def __init__(self, url: str, busy_s: float = BUSY_S) -> None:
        parsed = _parse(url)
        # SQLite lets one write at a time and the others sleep and try, the unlucky ones for seconds.
        self._turn = threading.Lock()
        if parsed.get_backend_name() == "sqlite":
            self._busy_s = float(str(parsed.query.get("timeout", busy_s)))
            _make_file(Path(parsed.database or ""))
            parsed = parsed.update_query_dict({"timeout": str(self._busy_s)})
            self._engine = create_engine(parsed, hide_parameters=True, pool_timeout=self._busy_s)
            event.listen(self._engine, "connect", _set_up_sqlite(self._busy_s))
            event.listen(self._engine, "begin", _begin_sqlite)
        else:
            self._busy_s = busy_s
            self._engine = create_engine(
                parsed,
                hide_parameters=True,
                # What a crash of the server left in the pool is noticed before it is used.
                pool_pre_ping=True,
                pool_timeout=busy_s,
                connect_args={"connect_timeout": math.ceil(busy_s), "tcp_user_timeout": _ms(busy_s)},
            )
            event.listen(self._engine, "connect", _set_up_postgres(busy_s))
        self._writer = self._engine.execution_options(emofuse_writes=True)

    @property
    def writer(self) -> Engine:
        """The engine whose transactions lock SQLite from their first statement on."""
        return self._writer

    @property
    def is_sqlite(self) -> bool:
        """True for SQLite."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for queries."""
        with translate_errors(), Session(self._engine) as session:
            yield session

    @contextmanager
    def writing(self, *, patient: bool = False) -> Iterator[Session]:
        """A session that commits when its block ends well and rolls back otherwise.

        Args:
            patient: Whether a statement may take PostgreSQL as long as it needs.

        Yields:
            The session.

        Raises:
            StoreUnavailableError: Others write for too long.
        """
        with (
            self._own_turn(),
            translate_errors(),
            Session(self._writer, expire_on_commit=False) as session,
            session.begin(),
        ):
            if patient and not self.is_sqlite:
                session.execute(text("SET LOCAL statement_timeout = 0"))
            yield session

    def forget_deleted(self) -> None:
        """Take what was deleted out of SQLite's log, which else keeps it for a while.

        PostgreSQL's own vacuum, log and backups decide about it there.

        Raises:
            StoreUnavailableError: Others read for too long; the same call may work later.
        """
        if not self.is_sqlite:
            return
        with self._own_turn(), translate_errors():
            connection = self._engine.raw_connection()
            try:
                busy, *_ = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.Error as error:
                raise StoreUnavailableError(f"The database does not answer: {error}.") from error
            finally:
                connection.close()
        if busy:
            raise StoreUnavailableError(
                "The rows are deleted, but the database's log still holds them, since it is being read. "
                "Repeat the call."
            )

    @contextmanager
    def _own_turn(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        # Those before wait for SQLite one after the other; the last one must not wait for all of them.
        if not self._turn.acquire(timeout=self._busy_s):
            raise StoreUnavailableError("The database does not answer: others write. Try again later.")
        try:
            yield
        finally:
            self._turn.release()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        # The URL may hold a password, so that it is not repeated.
        raise ConfigError("The database URL cannot be read. Give one such as sqlite:///FILE.") from error
    kind = parsed.drivername
    if kind in ("postgresql", "postgresql+psycopg", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if kind not in ("sqlite", "sqlite+pysqlite"):
        raise ConfigError(f"Unknown database {kind!r}. Valid: postgresql, sqlite.", item=kind)
    if parsed.host or set(parsed.query) - {"timeout"}:
        raise ConfigError("A SQLite URL is sqlite:///FILE, at most with ?timeout=SECONDS behind.", item=kind)
    if parsed.database in (None, "", ":memory:"):
        raise ConfigError("A database in memory keeps nothing. Give a file: sqlite:///FILE.", item=kind)
    timeout = str(parsed.query.get("timeout", 0))
    if not timeout.replace(".", "", 1).isdecimal():
        raise ConfigError(f"The timeout of SQLite is a number of seconds, not {timeout!r}.", item=kind)
    return parsed.set(database=str(Path(parsed.database).expanduser()))


def _make_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Texts of people: no one else on the machine reads them.
        path.touch(mode=0o600)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a name of a file"
        shown = ascii(str(path))
        raise StoreUnavailableError(
            f"Cannot write {shown}: {reason}. Choose another place.", item=shown
        ) from error


def _set_up_sqlite(busy_s: float) -> Callable[[Any, Any], None]:
    def set_up(connection: Any, _: Any) -> None:
        # SQLAlchemy begins, not the driver, which would do so only before a change and without a lock.
        connection.isolation_level = None
        cursor = connection.cursor()
        _set_wal(cursor, busy_s)
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.close()

    return set_up


def _set_wal(cursor: sqlite3.Cursor, busy_s: float) -> None:
    # SQLite does not wait for the lock that this change needs, when several processes start at once.
    deadline = time.monotonic() + busy_s
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that starts by reading could not write once another has written.
    writes = connection.get_execution_options().get("emofuse_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _set_up_postgres(busy_s: float) -> Callable[[Any, Any], None]:
    def set_up(connection: Any, _: Any) -> None:
        # A server may acknowledge before it has written; stricter settings than "on" stay.
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        )
        # Not in the options of the connection, which the URL may have; limits of the operator stay.
        for name in ("statement_timeout", "lock_timeout"):
            connection.execute(
                "SELECT set_config(%(name)s, %(ms)s, false) WHERE current_setting(%(name)s) = '0'",
                {"name": name, "ms": str(_ms(busy_s))},
            )
        connection.commit()

    return set_up


def _ms(seconds: float) -> int:
    return max(1, math.ceil(seconds * 1000))


def _reason(error: SQLAlchemyError) -> str:
    reason = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    return reason.strip().partition("\n")[0].rstrip(".")
