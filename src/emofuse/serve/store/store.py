"""The store as a whole."""

from __future__ import annotations

from typing import Self

from emofuse.serve.store.corrections import CorrectionStore
from emofuse.serve.store.database import Database
from emofuse.serve.store.keys import KeyStore
from emofuse.serve.store.migrate import migrate
from emofuse.serve.store.part import StoreOptions
from emofuse.serve.store.subjects import SubjectStore
from emofuse.serve.store.versions import VersionStore

__all__ = ["Store"]


class Store(KeyStore, CorrectionStore, SubjectStore, VersionStore):
    """Keys, corrections, histories and versions in one database; all methods may be called by any thread.

    Every method raises `StoreUnavailableError` when the database does not answer, and no error of another
    library. Nothing but keys and corrections is kept unless the options say so.
    """

    @classmethod
    def open(cls, url: str, options: StoreOptions | None = None) -> Self:
        """Connect, and create or change the tables where needed.

        Args:
            url: `sqlite:///relative.sqlite`, `sqlite:////absolute.sqlite` or `postgresql://user@host/name`.
            options: How long what is kept, and how long a call may wait; None for the defaults.

        Returns:
            The store.

        Raises:
            ConfigError: The URL is neither.
            StoreUnavailableError: The database cannot be reached or written.
            StoreSchemaError: A newer emofuse made it, or it belongs to another application.
        """
        options = options or StoreOptions()
        # Not as impatient as the calls may be: others may be changing the tables.
        database = Database(url)
        try:
            migrate(database)
        finally:
            database.close()
        return cls(Database(url, options.busy_s), options)

    def check(self) -> None:
        """Ask the database something; for the service's readiness.

        Raises:
            StoreUnavailableError: It does not answer.
        """
        self.active_version("text")

    def close(self) -> None:
        """Close all connections."""
        self._database.close()
