"""A cluster of real Ray nodes on this machine: a head without slots, and two nodes of one slot each."""

import csv
import os
import pickle
import secrets
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from emofuse.cli import cli, main
from emofuse.errors import ConfigError, ScoringError
from emofuse.scale import job, ray_engine
from emofuse.scale.job import Job, score
from emofuse.scale.local import score_here
from emofuse.scale.places import read_place
from emofuse.scale.ray_engine import TRIES, RayEngine, _Slot
from emofuse.scale.text_source import CsvSource
from emofuse.scale.worker import Task

pytest.importorskip("ray.data")

SMALL = ["text_bilstm"]
WORDS = ["happy", "sad", "late", "bus", "why", "never", "again", "love", "the", "rain", "at", "last"]
STORE_BYTES = 100 << 20
here = partial(score_here, workers=1)


class SlowSource(CsvSource):
    """Small partitions that take long enough for something to happen meanwhile."""

    rows_each = 25

    def rows(self, partition):
        time.sleep(0.1)
        return super().rows(partition)


@pytest.fixture(scope="module")
def cluster(s3_server):
    import ray
    from ray.cluster_utils import Cluster

    assert "AWS_ENDPOINT_URL" in os.environ  # which all nodes inherit
    patched = pytest.MonkeyPatch()
    patched.setenv("RAY_USAGE_STATS_ENABLED", "0")
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    # A dead node is noticed after seconds, not half a minute.
    checks = {"health_check_period_ms": 1000, "health_check_failure_threshold": 3}
    head = {"num_cpus": 0, "include_dashboard": False, "_system_config": checks}
    cluster = Cluster(initialize_head=True, head_node_args={**head, "object_store_memory": STORE_BYTES})
    for _ in range(2):
        cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)
    engine = RayEngine(cluster.address)
    engine._connect()
    yield cluster
    ray.shutdown()
    cluster.shutdown()
    ray.cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    patched.undo()


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("ray") / "in.csv"
    with path.open("w", newline="") as file:
        rows = ([n, " ".join(WORDS[n * k % len(WORDS)] for k in range(n % 7))] for n in range(1500))
        csv.writer(file).writerows([["n", "text"], *rows])
    return path


def test_it_writes_what_the_local_engine_writes(cluster, table, tmp_path, monkeypatch):
    monkeypatch.setattr(CsvSource, "rows_each", 400)
    monkeypatch.setattr(ray_engine, "WINDOW", 1)
    ahead = []

    def watched(task, partitions):
        taken = 0

        def count():
            nonlocal taken
            for partition in partitions:
                taken += 1
                yield partition

        for done, answer in enumerate(RayEngine(cluster.address)(task, count()), 1):
            ahead.append(taken - done)
            yield answer

    summaries = []
    for name, engine in (("local.csv", here), ("ray.csv", watched)):
        summaries.append(score(Job(table, tmp_path / name, models=SMALL), engine))
    assert (tmp_path / "ray.csv").read_bytes() == (tmp_path / "local.csv").read_bytes()
    left = [(tmp_path / f"{name}.csv.errors.jsonl").read_bytes() for name in ("local", "ray")]
    assert left[0] == left[1]
    assert [(own.rows, own.bad, own.scored) for own in summaries] == [(1500, 215, 1500)] * 2
    # Four partitions, two slots, and no more planned than the two can be at.
    assert ahead == [1, 0, 1, 0]


def test_parquet_goes_in_and_out_the_same(cluster, table, tmp_path):
    from pyarrow import csv as reader
    from pyarrow import parquet

    parquet.write_table(reader.read_csv(table), tmp_path / "in.parquet", row_group_size=700)
    for name, engine in (("local", here), ("ray", RayEngine(cluster.address, 2))):
        score(Job(tmp_path / "in.parquet", tmp_path / f"{name}.parquet", models=SMALL), engine)
    assert (tmp_path / "ray.parquet").read_bytes() == (tmp_path / "local.parquet").read_bytes()


def test_nodes_read_and_write_a_storage(cluster, lake, table, tmp_path, monkeypatch):
    monkeypatch.setattr(CsvSource, "rows_each", 400)
    place, out = read_place(lake.put(table, "in.csv")), read_place(lake.address("out.csv"))
    summary = score(Job(place, out, models=SMALL), RayEngine(cluster.address, 2))
    score(Job(table, tmp_path / "local.csv", models=SMALL), here)
    assert lake.read("out.csv") == (tmp_path / "local.csv").read_bytes()
    assert summary.scored == 1500
    assert lake.list() == ["in.csv", "out.csv", "out.csv.errors.jsonl"]


def test_rows_come_once_whatever_dies(cluster, table, tmp_path, monkeypatch):
    monkeypatch.setattr(job, "open_source", lambda place, options, _: SlowSource([place], options))
    nodes = cluster.list_all_nodes()[1:]
    raylets = [node.all_processes["raylet"][0].process.pid for node in nodes]
    killed = []

    def kill(*_):
        actors = [find_actor(raylet) for raylet in raylets]
        if not killed and all(actors):
            os.kill(actors[1], signal.SIGKILL)
            killed.append("actor")
        elif killed == ["actor"] and actors[1]:
            cluster.remove_node(nodes[0], allow_graceful=False)
            killed.append("node")

    wanted = Job(table, tmp_path / "ray.csv", models=SMALL)
    summary = score(wanted, RayEngine(cluster.address, 2), progress=kill)
    cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)
    assert killed == ["actor", "node"]
    assert summary.rows == summary.scored == 1500
    monkeypatch.undo()
    score(Job(table, tmp_path / "local.csv", models=SMALL), here)
    assert (tmp_path / "ray.csv").read_bytes() == (tmp_path / "local.csv").read_bytes()


def test_resume_finishes_what_a_killed_driver_left(cluster, table, tmp_path):
    tables = tmp_path / "tables"
    tables.mkdir()
    head, *lines = table.read_text().splitlines(keepends=True)
    for first in range(0, 1500, 25):
        (tables / f"{first:04}.csv").write_text("".join([head, *lines[first : first + 25]]))
    out = tmp_path / "ray.csv"
    command = ["score", tables, "-o", out, "--models", *SMALL, "--engine", "ray"]
    command = [*map(str, command), "--address", cluster.address]
    with subprocess.Popen([sys.executable, "-m", "emofuse", *command]) as process:
        wait_for(lambda: count_done(out))
        process.kill()
    assert 0 < count_done(out) < 60
    assert cli.main([*command, "--resume"], standalone_mode=False) == 1
    score(Job(tables, tmp_path / "local.csv", models=SMALL), here)
    assert out.read_bytes() == (tmp_path / "local.csv").read_bytes()


def test_ctrl_c_ends_it_and_the_ray_that_it_started(table, tmp_path):
    marker = {"EMOFUSE_TEST_RUN": secrets.token_hex(8)}
    command = [sys.executable, "-m", "emofuse", "score", table, "-o", tmp_path / "out.csv"]
    with subprocess.Popen(
        [*map(str, command), "--engine", "ray", "--workers", "1"],
        env=os.environ | marker,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        # The default model takes seconds for the rows.
        wait_for(lambda: any((tmp_path / "out.csv.parts").glob("*.tries")))
        assert len(find_processes(marker)) > 3
        # As a terminal does.
        os.killpg(process.pid, signal.SIGINT)
        said, errors = process.communicate(timeout=30)
    assert (process.returncode, said, errors.strip()) == (130, "", "Interrupted.")
    assert (tmp_path / "out.csv.parts/job.json").exists()
    assert wait_for(lambda: not find_processes(marker))


def test_a_machine_that_cannot_take_part_is_named(table, tmp_path):
    answers = []

    def engine(task, partitions):
        [partition] = partitions
        row = {"partition": pickle.dumps(partition)}
        begun = task.parts / "job.json"
        tries = task.parts / "part-0000000.tries"

        def ask():
            answers.append(pickle.loads(_Slot(task, str(tmp_path))(row)["answer"]))

        tries.write_bytes(b"." * TRIES)
        ask()
        assert not tries.exists()
        written = begun.read_text()
        begun.write_text(written.replace('"version": "', '"version": "9.'))
        ask()
        begun.rename(tmp_path / "job.json")
        ask()
        (tmp_path / "job.json").rename(begun)
        begun.write_text(written)
        task.source.files[0].rename(tmp_path / "gone.csv")
        ask()
        (tmp_path / "gone.csv").rename(task.source.files[0])
        ask()
        assert not tries.exists()
        yield answers[-1]

    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr(os, "chdir", lambda _: None)
    score(Job(table, tmp_path / "out.csv", models=SMALL), engine)
    monkeypatch.undo()
    died, version, unseen, gone, done = answers
    assert isinstance(died, ScoringError)
    assert "Workers died 10 times at the rows from 1" in died.message
    assert "Install the same on all machines" in version.message
    assert f"does not see {tmp_path}" in unseen.message
    assert isinstance(gone, FileNotFoundError)
    assert done.rows == 1500


def test_a_machine_without_the_package_of_the_storage_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    out = pytest.importorskip("upath").UPath("gs://x/out.csv")
    slot = _Slot(Task(None, out, out.with_name("out.csv.parts"), (), ()), str(Path.cwd()))
    answer = pickle.loads(slot({"partition": b""})["answer"])
    assert isinstance(answer, OSError)
    assert answer.strerror == "Please install gcsfs to access Google Storage"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1:1", "No Ray cluster answers at 127.0.0.1:1: "),
        ("ray://127.0.0.1:10001", "on a machine of the cluster"),
        ("head", "neither auto nor HOST:PORT"),
    ],
)
def test_a_wrong_address_is_refused_at_once(address, words):
    with pytest.raises(ConfigError, match=words):
        RayEngine(address)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--engine", "ray"], "pip install 'emofuse[scale]'"),
        (["--address", "auto"], "add --engine ray"),
    ],
)
def test_what_is_missing_is_named(table, tmp_path, monkeypatch, capsys, options, words):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SystemExit) as ended:
        main(["score", str(table), "-o", str(tmp_path / "out.csv"), *options])
    assert (ended.value.code, words in capsys.readouterr().err) == (2, True)
    assert not list(tmp_path.iterdir())


def count_done(out):
    return len(list(out.with_name(f"{out.name}.parts").glob("*.done")))


def find_actor(raylet):
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == raylet and b"MapWorker" in (place / "cmdline").read_bytes():
                return int(place.name)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return None


def find_processes(variables):
    [wanted] = (f"{name}={value}".encode() for name, value in variables.items())
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (place / "environ").read_bytes():
                found.append(int(place.name))
        except OSError:
            continue
    return found


def wait_for(look, seconds=60):
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found
