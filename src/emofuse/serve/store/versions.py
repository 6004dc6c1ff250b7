"""Which model is in service, and which one was before."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Select, select

from emofuse.errors import VersionNotFoundError
from emofuse.serve.store.part import Part
from emofuse.serve.store.records import Version, check_name
from emofuse.serve.store.tables import PromotionRow

__all__ = ["VersionStore"]


class VersionStore(Part):
    """The promoted models of a store."""

    def active_version(self, kind: str) -> Version | None:
        """The latest promotion that was not rolled back.

        Args:
            kind: What the model answers, such as "text".

        Returns:
            The version; None when the one that comes with emofuse is in service.
        """
        with self._database.reading() as session:
            row = session.scalar(_active(kind))
            return None if row is None else _version(row)

    def promote(self, kind: str, path: str, sha256: str) -> Version:
        """Put a bundle into service.

        Args:
            kind: What the model answers, such as "text".
            path: Folder of the bundle, as every process of the service sees it.
            sha256: Digest of the bundle.

        Returns:
            The version, which is active now.

        Raises:
            BadRecordError: The kind has no name.
        """
        row = PromotionRow(
            kind=check_name(kind, "A kind"), path=path, sha256=sha256, promoted=datetime.now(UTC)
        )
        with self._database.writing() as session:
            session.add(row)
        return _version(row)

    def roll_back(self, kind: str) -> Version | None:
        """Take the active version out of service.

        Args:
            kind: What the model answers, such as "text".

        Returns:
            The version that is active now; None for the one that comes with emofuse.

        Raises:
            VersionNotFoundError: Nothing was promoted, or another process rolls back.
        """
        with self._database.writing() as session:
            row = session.scalar(_active(kind).with_for_update())
            if row is None:
                raise VersionNotFoundError(
                    f"No promoted model {kind[:40]!a} is in service, so that none can be taken out.",
                    item=ascii(kind[:40]),
                )
            row.rolled_back = datetime.now(UTC)
        return self.active_version(kind)


def _active(kind: str) -> Select[PromotionRow]:
    query = select(PromotionRow).where(PromotionRow.kind == kind, PromotionRow.rolled_back.is_(None))
    return query.order_by(PromotionRow.id.desc()).limit(1)


def _version(row: PromotionRow) -> Version:
    return Version(
        kind=row.kind, path=row.path, sha256=row.sha256, promoted=row.promoted, rolled_back=row.rolled_back
    )
