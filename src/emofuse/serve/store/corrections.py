"""Corrections: each acknowledged once it is on disk, each stored once however often it is sent."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import Select, or_, select, tuple_

from emofuse.errors import CorrectionConflictError, StoreUnavailableError
from emofuse.serve.store.database import TakenError
from emofuse.serve.store.part import Part
from emofuse.serve.store.records import Correction, StoredCorrection
from emofuse.serve.store.tables import CorrectionRow

__all__ = ["CorrectionStore", "stored_correction"]

PAGE = 100

# What the client says; a repeat may be answered by a newer model, which is no conflict.
_SAID = ("subject", "text", "image_sha256", "emotion", "sentiment")
_FIELDS = (*_SAID, "predicted_emotion", "predicted_sentiment")


class CorrectionStore(Part):
    """The corrections of a store."""

    def add_correction(self, correction: Correction) -> str:
        """Store a correction; when this returns, it survives a crash.

        The same correction under the same id again changes nothing: subject, text, picture and the right
        labels decide whether it is the same.

        Args:
            correction: What a person says.

        Returns:
            Its id.

        Raises:
            CorrectionConflictError: Another correction has this id.
            StoreUnavailableError: It may not have been stored; send it again under the same id.
        """
        identity = str(uuid.uuid4()) if correction.id is None else correction.id
        try:
            with self._database.writing() as session:
                session.add(self._row(identity, correction))
        except TakenError:
            self._check_same(identity, correction)
        return identity

    def iter_corrections(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[StoredCorrection]:
        """Read the corrections that have not expired, oldest first, a page at a time.

        Args:
            since: Those stored at this moment, with a time zone, or later; None for all.
            until: Those stored before this moment, with a time zone; None for all.

        Yields:
            Corrections without their pictures.
        """
        query = select(CorrectionRow).order_by(CorrectionRow.created, CorrectionRow.id).limit(PAGE)
        query = query.where(or_(CorrectionRow.expires.is_(None), CorrectionRow.expires > datetime.now(UTC)))
        if since is not None:
            query = query.where(CorrectionRow.created >= since)
        if until is not None:
            query = query.where(CorrectionRow.created < until)
        page = self._page(query)
        while page:
            yield from page
            last = page[-1]
            place = tuple_(CorrectionRow.created, CorrectionRow.id) > (last.created, last.id)
            page = self._page(query.where(place))

    def read_image(self, correction_id: str) -> bytes | None:
        """The picture of a correction as it was sent; None when it is not stored."""
        with self._database.reading() as session:
            return session.scalar(select(CorrectionRow.image).where(CorrectionRow.id == correction_id))

    def _page(self, query: Select[CorrectionRow]) -> list[StoredCorrection]:
        # Short transactions: a long one would keep SQLite's log, and what was erased in it, from being cut.
        with self._database.reading() as session:
            return [stored_correction(row) for row in session.scalars(query)]

    def _row(self, identity: str, correction: Correction) -> CorrectionRow:
        created = datetime.now(UTC)
        days = self._options.correction_days
        image = correction.image if correction.keep_image else None
        return CorrectionRow(
            id=identity,
            image=image,
            has_image=image is not None,
            models=dict(correction.models),
            created=created,
            expires=None if days is None else created + timedelta(days=days),
            **{name: getattr(correction, name) for name in _FIELDS},
        )

    def _check_same(self, identity: str, correction: Correction) -> None:
        with self._database.reading() as session:
            row = session.get(CorrectionRow, identity)
        if row is None:
            raise StoreUnavailableError("The correction was erased meanwhile. Send it again.", item=identity)
        if any(getattr(row, name) != getattr(correction, name) for name in _SAID):
            raise CorrectionConflictError(
                f"Another correction has the id {identity!r}. Send this one under a new id.", item=identity
            )


def stored_correction(row: CorrectionRow) -> StoredCorrection:
    """A row as it is handed out."""
    return StoredCorrection(
        id=row.id,
        has_image=row.has_image,
        models=row.models,
        created=row.created,
        expires=row.expires,
        **{name: getattr(row, name) for name in _FIELDS},
    )
