"""What Alembic runs; `emofuse.serve.store.migrate` has opened the transaction."""

from __future__ import annotations

from alembic import context

from emofuse.serve.store.migrate import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
