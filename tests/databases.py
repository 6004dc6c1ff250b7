"""Empty databases for tests: SQLite, and a real PostgreSQL server."""

import itertools

import pytest
from benchmarks.postgres import running_postgres

_NUMBERS = itertools.count()


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
