"""Histories, and what the store knows about one person."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Delete, delete, select
from sqlalchemy.orm import Session, undefer

from emofuse.serve.store.part import Part
from emofuse.serve.store.records import HistoryEntry
from emofuse.serve.store.tables import CorrectionRow, HistoryRow

__all__ = ["SubjectStore"]

_TABLES = (HistoryRow, CorrectionRow)


class SubjectStore(Part):
    """The histories of a store, and what leads to one person."""

    def record_history(self, entries: Iterable[HistoryEntry]) -> bool:
        """Keep answers, all of them or none, if the options say so.

        Args:
            entries: The answers of one request.

        Returns:
            True when they were kept, False when `history_days` is 0.
        """
        if not self._options.history_days:
            return False
        created = datetime.now(UTC)
        expires = created + timedelta(days=self._options.history_days)
        with self._database.writing() as session:
            session.add_all(
                HistoryRow(
                    request_id=entry.request_id,
                    subject=entry.subject,
                    text=entry.text,
                    prediction=dict(entry.prediction),
                    created=created,
                    expires=expires,
                )
                for entry in entries
            )
        return True

    def subject_export(self, subject: str) -> dict[str, Any]:
        """All that is stored about a person.

        Args:
            subject: As the client named them.

        Returns:
            `subject`, `history` and `corrections`, each a list of plain dicts, oldest first; times in
            ISO 8601, pictures in base64. Empty lists for one who is unknown.
        """
        with self._database.reading() as session:
            history = session.scalars(
                select(HistoryRow).where(HistoryRow.subject == subject).order_by(HistoryRow.id)
            )
            corrections = session.scalars(
                select(CorrectionRow)
                .where(CorrectionRow.subject == subject)
                .order_by(CorrectionRow.created, CorrectionRow.id)
                .options(undefer(CorrectionRow.image))
            )
            return {
                "subject": subject,
                "history": [_plain(row) for row in history],
                "corrections": [_plain(row) for row in corrections],
            }

    def subject_erase(self, subject: str) -> dict[str, int]:
        """Delete all that is stored about a person, in SQLite also from free pages and the log.

        Args:
            subject: As the client named them.

        Returns:
            Table -> number of rows deleted.

        Raises:
            StoreUnavailableError: Not everything is gone; the call is to be repeated.
        """
        with self._database.writing() as session:
            counts = _delete(session, *(delete(table).where(table.subject == subject) for table in _TABLES))
        self._database.forget_deleted()
        return counts

    def purge_expired(self, now: datetime) -> dict[str, int]:
        """Delete what has expired.

        Args:
            now: Rows that expire at this moment or before go.

        Returns:
            Table -> number of rows deleted.

        Raises:
            StoreUnavailableError: Not everything is gone; the call is to be repeated.
        """
        with self._database.writing(patient=True) as session:
            counts = _delete(session, *(delete(table).where(table.expires <= now) for table in _TABLES))
        self._database.forget_deleted()
        return counts


def _delete(session: Session, *statements: Delete) -> dict[str, int]:
    names = (table.__tablename__ for table in _TABLES)
    results = (session.connection().execute(statement) for statement in statements)
    return {name: result.rowcount for name, result in zip(names, results, strict=True)}


def _plain(row: HistoryRow | CorrectionRow) -> dict[str, Any]:
    columns = {column.key: getattr(row, column.key) for column in row.__table__.columns}
    return {name: _plain_value(value) for name, value in columns.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
