"""What was acknowledged is there after a kill; the long version is benchmarks/durability.py."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from emofuse.serve.store import Correction, Store
from emofuse.serve.store.database import Database

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def durability(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import durability

    return durability


@pytest.mark.slow
def test_three_kills_of_the_service_and_one_of_postgresql_lose_nothing(tmp_path):
    out = tmp_path / "durability.json"
    command = [
        sys.executable,
        BENCHMARKS / "durability.py",
        "--kills",
        "3",
        "--json",
        out,
        "--folder",
        tmp_path,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads(out.read_text())
    for name in ("sqlite", "postgresql"):
        found = record[name]
        assert found["kills_of_the_service"] == 3
        assert found["acknowledged"] > 8
        assert [found[what] for what in ("lost", "twice", "altered", "damaged")] == [0, 0, 0, 0]
    assert record["postgresql"]["kills_of_the_database"] == 1
    assert record["postgresql_fsync"] == "on"


@pytest.mark.parametrize(
    ("harm", "counted"),
    [
        ("DELETE FROM corrections WHERE id = 'c1'", {"lost": 1}),
        ("UPDATE corrections SET emotion = 'fear' WHERE id = 'c1'", {"altered": 1}),
        ("UPDATE corrections SET text = 'text 0 ' WHERE id <> 'c2'", {"twice": 2, "altered": 3}),
        ("UPDATE corrections SET id = 'c9' WHERE id = 'c1'", {"lost": 1, "altered": 1}),
    ],
)
def test_the_measurement_sees_what_it_looks_for(durability, tmp_path, harm, counted):
    url = f"sqlite:///{tmp_path / 'service.sqlite'}"
    store = Store.open(url)
    for number in range(4):
        store.add_correction(Correction(**durability.correction(number)))
    store.close()
    clients = SimpleNamespace(acknowledged={0, 1, 2}, tried={0, 1, 2, 3, 4})
    before, after = durability.Findings(), durability.Findings()
    assert durability.examine(url, clients, before) == 4
    assert not before.failed
    assert before.stored_before_acknowledged == 1
    database = Database(url)
    with database.writer.begin() as connection:
        connection.execute(sa.text(harm))
    database.close()
    durability.examine(url, clients, after)
    found = {name: getattr(after, name) for name in ("lost", "twice", "altered", "damaged")}
    assert found == {"lost": 0, "twice": 0, "altered": 0, "damaged": 0} | counted
    assert after.failed
