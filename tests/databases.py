"""Empty databases for tests: SQLite, and a real PostgreSQL server."""

import itertools
from contextlib import contextmanager

import pytest
from benchmarks.postgres import PostgresServer

_NUMBERS = itertools.count()


@contextmanager
def running_postgres(*, durable):
    server = PostgresServer(durable=durable)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def postgres():
    with running_postgres(durable=False) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'service.sqlite'}"
    server = request.getfixturevalue("postgres")
    return server.create_schema(f"test{next(_NUMBERS)}")
