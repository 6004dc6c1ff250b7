import sqlite3
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from benchmarks.postgres import PostgresServer

from emofuse.errors import ConfigError, StoreError, StoreUnavailableError
from emofuse.serve.store import Correction, HistoryEntry, Store, StoreOptions, default_database_url
from emofuse.serve.store.database import Database


@pytest.fixture
def file(tmp_path):
    return tmp_path / "new" / "service.sqlite"


def pragma(database, name):
    with database.reading() as session:
        return session.scalar(sa.text(f"PRAGMA {name}"))


def test_every_connection_to_sqlite_is_durable_and_forgets(file):
    database = Database(f"sqlite:///{file}")
    found = {
        name: pragma(database, name)
        for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
    }
    database.close()
    # 2 is FULL: each commit waits for the disk.
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    assert found == wanted | {"busy_timeout": 10_000}


def test_a_tilde_is_the_users_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    Store.open("sqlite:///~/service.sqlite").close()
    assert (tmp_path / "service.sqlite").is_file()


def test_only_the_user_may_read_the_file(file):
    Store.open(f"sqlite:///{file}").close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_erasing_leaves_no_byte_in_any_file_of_sqlite(file):
    store = Store.open(f"sqlite:///{file}", StoreOptions(history_days=1))
    # Long enough for overflow pages; the picture stands for any bytes.
    secret, picture = "unforgettable " * 1000, b"PICTUREBYTES" * 2000
    entry = HistoryEntry(request_id="r", subject="robert", text=secret, prediction={"a": secret})
    store.record_history([entry] * 20)
    store.add_correction(
        Correction(subject="robert", text=secret, image=picture, keep_image=True, emotion="joy")
    )

    def held():
        return b"".join(path.read_bytes() for path in file.parent.iterdir())

    marks = (b"unforgettable", b"robert", b"PICTUREBYTES")
    assert all(mark in held() for mark in marks)
    assert store.subject_erase("robert") == {"history": 20, "corrections": 1}
    assert not any(mark in held() for mark in marks)
    store.close()


def test_erasing_succeeds_while_others_write_and_read(file):
    store = Store.open(f"sqlite:///{file}")

    def work(number):
        store.add_correction(Correction(subject=f"robert{number % 5}", text="a", emotion="joy"))
        list(store.iter_corrections())
        return store.subject_erase("robert0")["corrections"] if number % 10 == 0 else 0

    with ThreadPoolExecutor(6) as pool:
        erased = sum(pool.map(work, range(60)))
    erased += store.subject_erase("robert0")["corrections"]
    assert erased == 12
    assert not any(b"robert0" in path.read_bytes() for path in file.parent.iterdir())
    store.close()


def test_erasing_says_when_a_reader_holds_the_log(file):
    store = Store.open(f"sqlite:///{file}?timeout=0.1")
    store.add_correction(Correction(subject="robert", text="a", emotion="joy"))
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT subject FROM corrections").fetchall() == [("robert",)]
    with pytest.raises(StoreUnavailableError, match="Repeat the call"):
        store.subject_erase("robert")
    reader.execute("ROLLBACK")
    assert store.subject_erase("robert") == {"history": 0, "corrections": 0}
    assert not any(b"robert" in path.read_bytes() for path in file.parent.iterdir())
    reader.close()
    store.close()


def test_a_locked_database_is_unavailable_not_a_traceback(file):
    store = Store.open(f"sqlite:///{file}?timeout=0.1")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError, match="locked"):
        store.add_correction(Correction(id="c", text="secret", emotion="joy"))
    assert list(store.iter_corrections()) == []
    other.execute("ROLLBACK")
    assert store.add_correction(Correction(id="c", text="secret", emotion="joy")) == "c"
    other.close()
    store.close()


def test_those_who_wait_for_their_turn_do_not_wait_one_after_the_other(file):
    store = Store.open(f"sqlite:///{file}", StoreOptions(busy_s=0.2))
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def refuse(number):
        with pytest.raises(StoreUnavailableError, match="does not answer"):
            store.add_correction(Correction(text=f"{number}", emotion="joy"))
        return time.monotonic()

    start = time.monotonic()
    with ThreadPoolExecutor(10) as pool:
        assert max(pool.map(refuse, range(10))) - start < 1.2
    other.close()
    store.close()


def test_postgresql_is_not_waited_for_longer_than_told(postgres):
    url = postgres.create_schema("slow")
    store = Store.open(url, StoreOptions(busy_s=0.2))
    other = Database(url)
    start = time.monotonic()
    with other.writing() as session:
        session.execute(sa.text("LOCK TABLE corrections"))
        with pytest.raises(StoreUnavailableError, match="does not answer"):
            store.add_correction(Correction(text="a", emotion="joy"))
    assert time.monotonic() - start < 2
    impatient = Database(url, 0.2)
    with impatient.writing() as session, pytest.raises(sa.exc.OperationalError, match="timeout"):
        session.execute(sa.text("SELECT pg_sleep(5)"))
    with impatient.writing(patient=True) as session:
        session.execute(sa.text("SELECT pg_sleep(0.4)"))
    for database in (other, impatient, store):
        database.close()


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("Not a database, but something of value. " * 100)
    with pytest.raises(StoreError, match="not a database"):
        Store.open(f"sqlite:///{tmp_path / 'notes.txt'}")
    assert (tmp_path / "notes.txt").read_text().startswith("Not a database")


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailableError, match="Choose another place"):
        Store.open(f"sqlite:///{tmp_path / 'file' / 'service.sqlite'}")
    for file in (tmp_path, tmp_path / "a\x00b", tmp_path / "\ud83d", tmp_path / ("x" * 300)):
        with pytest.raises(StoreUnavailableError, match=r"Choose another place|unable to open"):
            Store.open(f"sqlite:///{file}")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite://host/file",
        "sqlite:///file?timeout=soon",
        "sqlite:///file:x?mode=memory&uri=true",
        "mysql://root:hunter2@host/db",
        "postgresql://root:hunter2@host:port/db",
        "postgresql+asyncpg://root:hunter2@host/db",
    ],
)
def test_other_urls_are_refused_without_showing_a_password(url):
    with pytest.raises(ConfigError) as raised:
        Store.open(url)
    assert "hunter2" not in raised.value.message + str(raised.value.item)


def test_no_server_is_unavailable(tmp_path):
    with pytest.raises(StoreUnavailableError, match="does not answer"):
        Store.open(f"postgresql://emofuse:hunter2@/emofuse?host={tmp_path}")


def test_the_default_is_in_the_users_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_database_url() == f"sqlite:///{tmp_path}/emofuse/service.sqlite"


def test_postgresql_commits_wait_for_the_disk_whatever_its_default(postgres):
    url = postgres.create_database("lax")
    admin = sa.create_engine(url.replace("postgresql", "postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    found = []
    for default in ("off", "remote_apply"):
        with admin.connect() as connection:
            connection.execute(sa.text(f"ALTER DATABASE lax SET synchronous_commit = '{default}'"))
        database = Database(url)
        with database.reading() as session:
            found.append(session.scalar(sa.text("SHOW synchronous_commit")))
        database.close()
    admin.dispose()
    assert found == ["on", "remote_apply"]


def test_a_restart_of_postgresql_costs_no_more_than_the_calls_meanwhile():
    server = PostgresServer(durable=False)
    try:
        server.start()
        store = Store.open(server.url())
        store.add_correction(Correction(id="before", text="a", emotion="joy"))
        server.kill()
        with pytest.raises(StoreUnavailableError):
            store.add_correction(Correction(id="meanwhile", text="b", emotion="joy"))
        server.start()
        assert store.add_correction(Correction(id="after", text="c", emotion="joy")) == "after"
        assert {"before", "after"} <= {correction.id for correction in store.iter_corrections()}
        store.close()
    finally:
        server.stop()


def test_the_store_needs_neither_the_web_framework_nor_the_models():
    code = "import sys, emofuse.serve.store; print({'fastapi', 'onnxruntime', 'torch'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout == "set()\n"
