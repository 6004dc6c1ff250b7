"""`emofuse score` as a process: killed, starved, and given what nobody should."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

COMMAND = [sys.executable, "-m", "emofuse", "score"]
SMALL = ["--models", "text_bilstm"]


def run(*arguments, command=COMMAND, **options):
    called = [*command, *map(str, arguments)]
    return subprocess.run(called, capture_output=True, text=True, check=False, timeout=120, **options)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    words = ["happy", "sad", "late", "bus", "why", "never", "again", "love", "the", "rain", "at", "last"]
    chosen = random.Random(7)
    path = tmp_path_factory.mktemp("score") / "in.csv"
    rows = [f"{n},{' '.join(chosen.choices(words, k=chosen.randint(1, 9)))}" for n in range(12_000)]
    rows[9_000] = "9000,"
    path.write_text("n,text\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def whole(table):
    out = table.with_name("whole.csv")
    done = run(table, "-o", out, *SMALL, "--workers", "1")
    assert done.returncode == 1
    assert "Rows without an answer: 1" in done.stderr
    return out.read_bytes()


def test_killed_again_and_again_it_ends_the_same(table, whole, tmp_path):
    out = tmp_path / "out.csv"
    chosen = random.Random(1)
    kills = 0
    while not out.exists():
        command = [*COMMAND, table, "-o", out, *SMALL, "--workers", "2", "--resume"]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        # Long enough for models to open and some partitions to be done.
        try:
            process.wait(timeout=60 if kills == 2 else chosen.uniform(1.5, 3))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
    assert kills
    assert out.read_bytes() == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.csv.errors.jsonl"]
    again = run(table, "-o", out, *SMALL, "--resume", "--report", tmp_path / "report")
    assert (again.returncode, "nothing to go on with" in again.stderr) == (1, True)
    assert json.loads((tmp_path / "report" / "report.json").read_text())["columns"]["shown"] == ["text"]


def test_workers_of_a_killed_run_end_too(table, tmp_path):
    command = [*COMMAND, table, "-o", tmp_path / "out.csv", "--workers", "2"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        workers = wait_for(lambda: len(children(process.pid)) >= 2 and children(process.pid))
        time.sleep(1)
        process.kill()
        process.wait()
    assert wait_for(lambda: not any(alive(worker) for worker in workers))


def test_ctrl_c_ends_it_at_once_and_keeps_what_is_done(table, tmp_path):
    out = tmp_path / "out.csv"
    with subprocess.Popen([*COMMAND, table, "-o", out], stderr=subprocess.PIPE, text=True) as process:
        wait_for(lambda: out.with_name("out.csv.parts").exists() and children(process.pid))
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.split() == ["Interrupted."]
    assert out.with_name("out.csv.parts").exists()
    assert not out.exists()


def test_a_disk_without_room_stops_it_with_a_message(table, whole, tmp_path):
    # A limit on the size of files fails where a full disk would: in the middle of writing a part.
    out = tmp_path / "out.csv"
    limit = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
    command = [sys.executable, "-c", limit + "os.execv(sys.executable, sys.argv[1:])", *COMMAND]
    done = run(table, "-o", out, *SMALL, "--workers", "2", command=command)
    assert done.returncode == 1
    assert "error[scoring]: " in done.stderr
    assert "go on with --resume" in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()
    assert run(table, "-o", out, *SMALL, "--resume").returncode == 1
    assert out.read_bytes() == whole


def test_a_worker_that_is_killed_is_named(table, tmp_path):
    with subprocess.Popen(
        [*COMMAND, table, "-o", tmp_path / "out.csv", "--workers", "2"], stderr=subprocess.PIPE, text=True
    ) as process:
        workers = wait_for(lambda: len(children(process.pid)) >= 2 and children(process.pid))
        time.sleep(1)
        os.kill(workers[-1], signal.SIGKILL)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "A worker was killed" in errors
    assert "Traceback" not in errors


def test_a_line_of_a_gigabyte_costs_no_memory(tmp_path):
    table = tmp_path / "in.csv"
    with table.open("wb") as file:
        file.write(b"text\nso happy\n")
        file.seek(1 << 30, 1)
        file.write(b"\nso sad\n")
    # What `getrusage` tells may be the memory of the process that this one was forked from.
    watch = (
        "import sys; from pathlib import Path; from emofuse.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    command = [sys.executable, "-c", watch, "score", table, "-o", tmp_path / "out.csv", *SMALL]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert int(done.stdout) < 300 << 10  # KiB
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["text", "so happy", "", "so sad"]
    assert lines[2].endswith("text_too_long")


def test_one_unreadable_picture_among_many_costs_one_row(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    noise = np.random.default_rng(5)
    for number in range(600):
        Image.fromarray(noise.integers(0, 255, (48, 48), np.uint8)).save(folder / f"{number:04}.png")
    bad = folder / "0321.png"
    bad.write_bytes(bad.read_bytes()[:200])
    out = tmp_path / "out.csv"
    done = run(folder, "-o", out, "--crop", "--workers", "2", "--fields", "emotion,error")
    assert done.returncode == 1
    assert f"{out}: 600 rows in " in done.stderr
    assert f"Rows without an answer: 1. {out}.errors.jsonl says why." in done.stderr
    rows = [line.split(",") for line in out.read_text().splitlines()[1:]]
    assert [name for name, _, _ in rows] == [f"{number:04}.png" for number in range(600)]
    assert [row for row in rows if row[2]] == [["0321.png", "", "image_truncated"]]
    assert all(emotion for name, emotion, _ in rows if name != bad.name)
    error = json.loads(out.with_name("out.csv.errors.jsonl").read_text())
    assert (error["row"], error["code"], error["item"]) == (322, "image_truncated", str(bad))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.csv.errors.jsonl", "photos"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["gone.csv", "-o", "out.csv"], 2, "There is no gone.csv"),
        (["in.csv"], 2, "Missing option '-o'"),
        (["in.csv", "-o", "out.csv", "--text-column", "review"], 2, "no column 'review'"),
        (["in.csv", "-o", "out.csv", "--workers", "0"], 2, "--workers"),
        (["in.csv", "-o", "/proc/out.csv"], 2, "Cannot write to /proc/out.csv.parts"),
        (["in.csv", "-o", "out.csv", "--models", "nope"], 2, "Unknown model 'nope'"),
        (["in.csv", "-o", "out.csv", "--taxonomy", "nope"], 2, "Unknown taxonomy 'nope'"),
    ],
)
def test_bad_usage_is_refused_with_2_and_leaves_nothing(tmp_path, arguments, code, words):
    (tmp_path / "in.csv").write_text("text\nfine\n")
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def wait_for(look, seconds=30):
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def children(pid):
    try:
        return [int(own) for own in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_report_stands_beside_the_output(tmp_path):
    rows = ["when,shop,text", "2026-01-01,a,so happy", "2026-01-02,b,so sad", "2026-01-03,b,"]
    (tmp_path / "in.csv").write_text("\n".join(rows) + "\n")
    options = [*SMALL, "--report", "page", "--date-column", "when", "--group-column", "shop"]
    done = run("in.csv", "-o", "out.csv", *options, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "page/report.html sums it up" in done.stderr
    figures = json.loads((tmp_path / "page" / "report.json").read_text())
    assert figures["total"]["rows"] == 3
    assert "so happy" in (tmp_path / "page" / "report.html").read_text()
