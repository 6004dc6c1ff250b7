"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from emofuse.serve.store.tables import UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create keys, corrections, history and promotions."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("created", UtcDateTime, nullable=False),
        sa.Column("revoked", UtcDateTime),
    )
    valid = sa.text("revoked IS NULL")
    op.create_index(
        "api_keys_valid_name", "api_keys", ["name"], unique=True, sqlite_where=valid, postgresql_where=valid
    )
    op.create_table(
        "corrections",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, index=True),
        sa.Column("text", sa.Text),
        sa.Column("image_sha256", sa.String(64)),
        sa.Column("image", sa.LargeBinary),
        sa.Column("has_image", sa.Boolean, nullable=False),
        sa.Column("emotion", sa.Text),
        sa.Column("sentiment", sa.Text),
        sa.Column("predicted_emotion", sa.Text),
        sa.Column("predicted_sentiment", sa.Text),
        sa.Column("models", sa.JSON, nullable=False),
        sa.Column("created", UtcDateTime, nullable=False, index=True),
        sa.Column("expires", UtcDateTime, index=True),
    )
    op.create_table(
        "history",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("request_id", sa.Text, nullable=False, index=True),
        sa.Column("subject", sa.Text, index=True),
        sa.Column("text", sa.Text),
        sa.Column("prediction", sa.JSON, nullable=False),
        sa.Column("created", UtcDateTime, nullable=False),
        sa.Column("expires", UtcDateTime, nullable=False, index=True),
    )
    op.create_table(
        "promotions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False, index=True),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("promoted", UtcDateTime, nullable=False),
        sa.Column("rolled_back", UtcDateTime),
    )
