"""The tables; `migrations/` creates and changes them, and a test compares both."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

__all__ = ["ApiKeyRow", "Base", "CorrectionRow", "HistoryRow", "PromotionRow", "UtcDateTime"]


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite forgets the time zone, so that it is put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """An aware moment as UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """An aware moment in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Parent of all tables."""

    type_annotation_map = {datetime: UtcDateTime, str: Text, dict[str, Any]: JSON, list[str]: JSON}  # noqa: RUF012 - SQLAlchemy's name


class ApiKeyRow(Base):
    """An API key without its secret."""

    __tablename__ = "api_keys"
    __table_args__ = (
        # A revoked key gives its name back.
        Index(
            "api_keys_valid_name",
            "name",
            unique=True,
            sqlite_where=text("revoked IS NULL"),
            postgresql_where=text("revoked IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]]
    created: Mapped[datetime]
    revoked: Mapped[datetime | None]


class CorrectionRow(Base):
    """What a person says about an answer."""

    __tablename__ = "corrections"

    id: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str | None] = mapped_column(index=True)
    text: Mapped[str | None]
    image_sha256: Mapped[str | None] = mapped_column(String(64))
    # Read on its own: a list of corrections must not fill the memory with pictures.
    image: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True, deferred_raiseload=True)
    has_image: Mapped[bool]
    emotion: Mapped[str | None]
    sentiment: Mapped[str | None]
    predicted_emotion: Mapped[str | None]
    predicted_sentiment: Mapped[str | None]
    models: Mapped[dict[str, Any]]
    created: Mapped[datetime] = mapped_column(index=True)
    expires: Mapped[datetime | None] = mapped_column(index=True)


class HistoryRow(Base):
    """An answer that was given."""

    __tablename__ = "history"

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str | None] = mapped_column(index=True)
    text: Mapped[str | None]
    prediction: Mapped[dict[str, Any]]
    created: Mapped[datetime]
    expires: Mapped[datetime] = mapped_column(index=True)


class PromotionRow(Base):
    """A bundle that was put into service."""

    __tablename__ = "promotions"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(index=True)
    path: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    promoted: Mapped[datetime]
    rolled_back: Mapped[datetime | None]
