"""API keys: random, shown once, stored as a digest."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select

from emofuse.errors import BadRecordError, KeyExistsError, KeyNotFoundError, UnknownScopeError
from emofuse.serve.store.database import TakenError
from emofuse.serve.store.part import Part
from emofuse.serve.store.records import SCOPES, Key, check_name
from emofuse.serve.store.tables import ApiKeyRow

__all__ = ["KeyStore"]

PREFIX = "emofuse"


class KeyStore(Part):
    """The keys of a store."""

    def add_key(self, name: str, scopes: Sequence[str]) -> str:
        """Make an API key.

        Args:
            name: What it is for; no other valid key may have it.
            scopes: What it may do, out of `SCOPES`; at least one.

        Returns:
            The key, which is stored nowhere and cannot be shown again.

        Raises:
            BadRecordError: The name cannot be stored, or there is no scope.
            UnknownScopeError: A scope does not exist.
            KeyExistsError: The name is taken.
        """
        check_name(name, "The name of a key")
        for scope in scopes:
            if scope not in SCOPES:
                raise UnknownScopeError(scope, SCOPES)
        if not scopes:
            raise BadRecordError(f"Key {name!r} needs a scope. Valid: {', '.join(SCOPES)}.", item=name)
        identity = secrets.token_hex(6)
        key = f"{PREFIX}_{identity}_{secrets.token_urlsafe(32)}"
        row = ApiKeyRow(
            id=identity,
            name=name,
            sha256=_digest(key),
            scopes=[scope for scope in SCOPES if scope in scopes],
            created=datetime.now(UTC),
        )
        try:
            with self._database.writing() as session:
                session.add(row)
        except TakenError as error:
            message = f"There is a key {name!r}. Revoke it or take another name."
            raise KeyExistsError(message, item=name) from error
        return key

    def list_keys(self) -> list[Key]:
        """All keys, revoked ones too, oldest first."""
        with self._database.reading() as session:
            return [_key(row) for row in session.scalars(select(ApiKeyRow).order_by(ApiKeyRow.created))]

    def any_keys(self) -> bool:
        """Whether a key was ever made, revoked ones too."""
        with self._database.reading() as session:
            return session.scalars(select(ApiKeyRow.id).limit(1)).first() is not None

    def revoke_key(self, id_or_name: str) -> Key:
        """Make a key invalid.

        Args:
            id_or_name: Id of a valid key, or its name.

        Returns:
            The key as it is now.

        Raises:
            KeyNotFoundError: No valid key has that id or name.
        """
        matches = (ApiKeyRow.id == id_or_name) | (ApiKeyRow.name == id_or_name)
        with self._database.writing() as session:
            rows = session.scalars(select(ApiKeyRow).where(matches, ApiKeyRow.revoked.is_(None))).all()
            if not rows:
                shown = ascii(id_or_name[:40])
                message = f"No valid key has the name or id {shown}. `emofuse serve keys list` shows them."
                raise KeyNotFoundError(message, item=shown)
            # A name may look like another key's id.
            row = min(rows, key=lambda row: row.id != id_or_name)
            row.revoked = datetime.now(UTC)
        return _key(row)

    def authenticate(self, key: str) -> Key | None:
        """Look a key up.

        Args:
            key: What a client sent, any string.

        Returns:
            The key, or None when it is unknown or revoked.
        """
        prefix, _, rest = key.partition("_")
        identity, _, secret = rest.partition("_")
        if prefix != PREFIX or not identity.isalnum() or not secret or not key.isascii():
            return None
        with self._database.reading() as session:
            row = session.get(ApiKeyRow, identity)
        if row is None or not hmac.compare_digest(row.sha256, _digest(key)) or row.revoked is not None:
            return None
        return _key(row)


def _digest(key: str) -> str:
    # The key has 256 random bits, so that a slow hash would only cost the service time.
    return hashlib.sha256(key.encode()).hexdigest()


def _key(row: ApiKeyRow) -> Key:
    return Key(id=row.id, name=row.name, scopes=tuple(row.scopes), created=row.created, revoked=row.revoked)
