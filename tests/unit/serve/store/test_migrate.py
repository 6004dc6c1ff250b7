import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from emofuse.errors import StoreError, StoreSchemaError
from emofuse.serve.store import Correction, Store
from emofuse.serve.store.database import Database
from emofuse.serve.store.migrate import VERSION_TABLE
from emofuse.serve.store.tables import Base


@pytest.fixture
def database(database_url):
    database = Database(database_url)
    yield database
    database.close()


def test_an_empty_database_gets_the_tables_that_the_code_reads(database, database_url):
    Store.open(database_url).close()
    with database.writer.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() == "0001"


def test_a_database_that_is_up_to_date_keeps_its_rows(database_url):
    first = Store.open(database_url)
    first.add_correction(Correction(text="a", emotion="joy"))
    first.close()
    second = Store.open(database_url)
    assert [correction.text for correction in second.iter_corrections()] == ["a"]
    second.close()


def test_a_newer_database_is_refused_and_left_alone(database, database_url):
    Store.open(database_url).close()
    with database.writer.begin() as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(StoreSchemaError, match=r"newer emofuse \(version 9999\)\. Upgrade emofuse"):
        Store.open(database_url)
    with database.writer.begin() as connection:
        assert connection.scalar(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")) == "9999"


def test_tables_of_another_application_are_refused_and_left_alone(database, database_url):
    with database.writer.begin() as connection:
        connection.execute(sa.text("CREATE TABLE history (url TEXT)"))
    with pytest.raises(StoreSchemaError, match="another application: history"):
        Store.open(database_url)
    with database.writer.connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["history"]


def test_a_migration_that_fails_leaves_nothing_behind(database, database_url):
    # A view is no table, so that it is only met half way through.
    with database.writer.begin() as connection:
        connection.execute(sa.text("CREATE VIEW promotions AS SELECT 1 AS one"))
    with pytest.raises(StoreError, match="promotions"):
        Store.open(database_url)
    with database.writer.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []


def test_threads_that_start_at_once_all_start(database_url):
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(Store.open, [database_url] * 4))
    stores[0].add_correction(Correction(text="a", emotion="joy"))
    assert [[one.text for one in store.iter_corrections()] for store in stores] == [["a"]] * 4
    for store in stores:
        store.close()


def test_processes_that_start_at_once_all_start(database_url):
    code = f"from emofuse.serve.store import Store; Store.open({database_url!r}).check()"
    started = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(3)]
    assert [(process.communicate(timeout=120)[1], process.returncode) for process in started] == [
        (b"", 0)
    ] * 3
