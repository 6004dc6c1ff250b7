"""Scoring from and to a real S3 server, and what else fsspec knows, beside the same on a disk."""

import csv
import http.server
import json
import os
import secrets
import subprocess
import sys
import threading
import time
import tracemalloc
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emofuse.cli import main
from emofuse.errors import ConfigError, ScoringError
from emofuse.scale.files import replacing
from emofuse.scale.job import Job, score
from emofuse.scale.local import score_here
from emofuse.scale.pictures import AT_ONCE, find_picture, read_ahead
from emofuse.scale.places import read_place
from emofuse.scale.worker import PartitionScorer

pytest.importorskip("upath")

SMALL = ("text_bilstm",)
COMMAND = [sys.executable, "-m", "emofuse", "score"]
here = partial(score_here, workers=1)


class Stopping:
    """Scores some partitions, and then does what it is told."""

    def __init__(self, count, then):
        self.count, self.then = count, then

    def __call__(self, task, partitions):
        scorer = PartitionScorer(task)
        for number, partition in enumerate(partitions):
            if number == self.count:
                self.then()
            yield scorer.score(partition)


def interrupt():
    raise KeyboardInterrupt


def run(place, out, engine=here, *, resume=False, **options):
    job = Job(read_place(str(place)), read_place(str(out)), **{"models": SMALL, **options})
    return score(job, engine, resume=resume)


@pytest.fixture
def photos(tmp_path):
    """Pictures in folders, some of which are none, and a table of them."""
    folder = tmp_path / "photos"
    noise = np.random.default_rng(1)
    for name in (
        "b/z.JPG",
        "b/c d/1.png",
        "b/c d/2.png",
        "a[1]*.png",
        "é.webp",
        "zz.png",
        ".x.png",
        ".h/y.png",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise.integers(0, 255, (48, 48), np.uint8)).save(folder / name)
    (folder / "b" / "cut.png").write_bytes((folder / "zz.png").read_bytes()[:100])
    (folder / "b" / "empty.png").touch()
    (folder / "notes.txt").write_text("none")
    cells = ["zz.png", "b/c d/1.png", "gone.png", "b/cut.png", "", "a[1]*.png", "b/../zz.png", "../up.png"]
    cells += ["x" * 1500 + ".png", "../../../../../../../../../../up.png"]
    rows = [[cell, "so happy" if n % 2 else ""] for n, cell in enumerate(cells)]
    with (tmp_path / "pairs.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["image", "text"], *([f"photos/{a}" if a else "", b] for a, b in rows)])
    return folder


@pytest.mark.parametrize("text", ["in.csv", "a b/in.csv", "/x/s3:/y", "c:/x.csv", "::s3"])
def test_paths_stay_paths(text):
    assert read_place(text) == Path(text)
    assert type(read_place(text)) is type(Path())


def test_a_file_address_is_a_path():
    assert read_place("file:///x/in.csv") == Path("/x/in.csv")
    assert read_place("FILE:///x/in.csv") == Path("/x/in.csv")


def test_paths_need_nothing_of_fsspec(table):
    code = "import sys; from emofuse.cli import cli\ncli.main(sys.argv[1:], standalone_mode=False)\n"
    code += "sys.exit('fsspec' in sys.modules or 'upath' in sys.modules)"
    options = [table, "-o", table.with_name("out.csv"), "--models", *SMALL, "--workers", "1"]
    done = subprocess.run([sys.executable, "-c", code, "score", *map(str, options)], check=False, timeout=60)
    assert done.returncode == 0
    assert table.with_name("out.csv").exists()


@pytest.mark.usefixtures("small_partitions")
@pytest.mark.parametrize(("source", "out"), [("csv", "csv"), ("jsonl", "tsv"), ("parquet", "parquet")])
def test_tables_become_the_same_as_on_a_disk(lake, table, texts, source, out):
    if source == "jsonl":
        table = table.with_suffix(".jsonl")
        lines = [json.dumps({"text": text, f"k{n}": n}) for n, text in enumerate(texts)]
        table.write_text("\n".join([*lines, "broken", ""]))
    elif source == "parquet":
        reader, parquet = pytest.importorskip("pyarrow.csv"), pytest.importorskip("pyarrow.parquet")
        parquet.write_table(reader.read_csv(table), table.with_suffix(".parquet"), row_group_size=3)
        table = table.with_suffix(".parquet")
    address = lake.put(table, f"in/t.{source}")
    local = table.with_name(f"out.{out}")
    summary = run(table, local)
    with pytest.raises(KeyboardInterrupt):
        run(address, lake.address(f"out/o.{out}"), Stopping(1, interrupt))
    assert f"out/o.{out}.parts/job.json" in lake.list()
    with pytest.raises(ConfigError, match="--resume"):
        run(address, lake.address(f"out/o.{out}"))
    again = run(address, lake.address(f"out/o.{out}"), resume=True)
    assert (again.rows, again.bad) == (summary.rows, summary.bad)
    assert 0 < again.scored < again.rows
    assert lake.list() == [f"in/t.{source}", f"out/o.{out}", f"out/o.{out}.errors.jsonl"]
    assert lake.read(f"out/o.{out}") == local.read_bytes()
    assert lake.read(f"out/o.{out}.errors.jsonl") == summary.errors.read_bytes()


@pytest.mark.parametrize("place", ["photos", "pairs.csv"])
def test_pictures_become_the_same_as_on_a_disk(lake, photos, tmp_path, place):
    options = {"models": (), "crop": True, "fields": ("emotion", "emotion_confidence", "warnings", "error")}
    summary = run(tmp_path / place, tmp_path / "out.csv", **options)
    lake.put(photos, "d/photos")
    lake.put(tmp_path / "pairs.csv", "d/pairs.csv")
    address = lake.address(f"d/{place}")
    assert run(address, tmp_path / "far.csv", **options).bad == summary.bad > 1
    assert (tmp_path / "far.csv").read_bytes() == (tmp_path / "out.csv").read_bytes()
    assert run(address, lake.address("out.csv"), **options).rows == summary.rows
    assert lake.read("out.csv") == (tmp_path / "out.csv").read_bytes()
    said, expected = (
        path.read_text().splitlines() for path in (tmp_path / "far.csv.errors.jsonl", summary.errors)
    )
    replaced = [line.replace(f"{lake.address('d')}/", f"{tmp_path}/") for line in said]
    if place == "photos":
        assert replaced == expected
    assert [json.loads(line)["code"] for line in replaced] == [json.loads(line)["code"] for line in expected]


def test_pictures_are_held_some_at_a_time():
    place = read_place("memory://many")
    size, count = 1 << 20, 4 * AT_ONCE
    content = [os.urandom(size)] * count
    for number, own in enumerate(content):
        (place / f"{number}.png").write_bytes(own)
    pictures = [find_picture(place, f"{number}.png", place) for number in range(count)]
    read_ahead(pictures)
    tracemalloc.start()
    try:
        assert [len(picture.open("rb").read()) for picture in pictures] == [size] * count
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        place.fs.rm(place.path, recursive=True)
    assert AT_ONCE * size < most < 2 * AT_ONCE * size


@pytest.mark.usefixtures("small_partitions")
def test_it_goes_on_when_the_storage_is_back(lake, table):
    run(table, table.with_name("out.csv"))
    address = lake.put(table, "in.csv")
    words = r"Could not connect.* What was scored is kept in s3://.*/out.csv.parts; go on with --resume"
    with pytest.raises(ScoringError, match=words):
        run(address, lake.address("out.csv"), Stopping(2, lake.stop))
    with pytest.raises(ConfigError, match=r"out.csv cannot be used: .*Could not connect"):
        run(address, lake.address("out.csv"), resume=True)
    lake.start()
    assert run(address, lake.address("out.csv"), resume=True).scored == 3
    assert lake.read("out.csv") == table.with_name("out.csv").read_bytes()


@pytest.mark.usefixtures("small_partitions")
def test_a_storage_that_refuses_stops_the_run(lake, table):
    address = lake.put(table, "in.csv")
    try:
        with pytest.raises(ScoringError, match=r"PermissionError: .* go on with --resume"):
            run(address, lake.address("out.csv"), Stopping(2, lambda: lake.refuse(0)))
        with pytest.raises(ConfigError, match=r"other.csv cannot be used: PermissionError"):
            run(address, lake.address("other.csv"))
    finally:
        lake.refuse("inf")
    assert run(address, lake.address("out.csv"), resume=True).scored == 3


def test_pictures_are_not_called_missing_when_the_storage_is(lake, photos, tmp_path):
    address = lake.put(photos, "photos")

    def vanish():
        for key in lake.list():
            lake.delete(key)

    with pytest.raises(ScoringError, match=r"photos gives no pictures: .* go on with --resume"):
        run(address, tmp_path / "out.csv", Stopping(0, vanish), models=(), crop=True)
    lake.put(photos, "photos")
    assert run(address, tmp_path / "out.csv", models=(), crop=True, resume=True).bad == 2


@pytest.mark.usefixtures("small_partitions")
def test_who_comes_first_leaves_the_rest_to_who_came_last(lake, table):
    address, out = lake.put(table, "in.csv"), lake.address("out.csv")

    def come_too():
        with pytest.raises(KeyboardInterrupt):
            run(address, out, Stopping(1, interrupt), resume=True)

    with pytest.raises(ScoringError, match="Another run has taken over"):
        run(address, out, Stopping(1, come_too))
    run(address, out, resume=True)
    run(table, table.with_name("out.csv"))
    assert lake.read("out.csv") == table.with_name("out.csv").read_bytes()
    assert not [key for key in lake.list() if "parts" in key]


@pytest.mark.usefixtures("small_partitions")
def test_parts_without_a_run_are_not_gone_on_with(lake, table):
    address, out = lake.put(table, "in.csv"), lake.address("out.csv")
    with pytest.raises(KeyboardInterrupt):
        run(address, out, Stopping(2, interrupt))
    lake.delete("out.csv.parts/job.json")
    assert run(address, out).scored == 7


@pytest.mark.usefixtures("small_partitions")
def test_a_table_that_was_replaced_is_noticed(lake, table):
    address, out = lake.put(table, "in.csv"), lake.address("out.csv")
    with pytest.raises(KeyboardInterrupt):
        run(address, out, Stopping(1, interrupt))
    table.write_text(table.read_text().replace("late", "fate"))
    lake.put(table, "in.csv")
    with pytest.raises(ConfigError, match="other files"):
        run(address, out, resume=True)


def test_a_killed_command_goes_on(lake, tmp_path, capsys):
    table = tmp_path / "in.csv"
    table.write_text("text\n" + "".join(f"so happy {n}\n" for n in range(9000)))
    address = lake.put(table, "in.csv")
    out = lake.address("out.csv")
    options = [address, "-o", out, "--models", *SMALL]
    with subprocess.Popen([*COMMAND, *options, "--workers", "2"], stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + 60
        while not any(key.endswith("0.done") for key in lake.list()):
            assert time.monotonic() < end
            time.sleep(0.05)
        process.kill()
    assert "out.csv" not in lake.list()
    for words in ("were there already", "is complete; there is nothing"):
        with pytest.raises(SystemExit) as ended:
            main(["score", *options, "--workers", "1", "--resume"])
        assert (ended.value.code, words in capsys.readouterr().err) == (0, True)
    run(table, tmp_path / "out.csv")
    assert lake.read("out.csv") == (tmp_path / "out.csv").read_bytes()


def test_a_report_reads_the_output_where_it_is(lake, table, tmp_path):
    pytest.importorskip("matplotlib")
    address = lake.put(table, "in.csv")
    for suffix in ("csv", "parquet"):
        page = tmp_path / suffix
        with pytest.raises(SystemExit) as ended:
            main(
                [
                    "score",
                    address,
                    "-o",
                    lake.address(f"o.{suffix}"),
                    "--models",
                    *SMALL,
                    "--report",
                    str(page),
                ]
            )
        assert ended.value.code == 1
        assert json.loads((page / "report.json").read_text())["total"]["rows"] == 7


def test_a_report_is_written_here(table, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["score", str(table), "-o", str(table.with_name("out.csv")), "--report", "memory://page"])
    assert (ended.value.code, "a folder of this machine" in capsys.readouterr().err) == (2, True)
    assert [path.name for path in table.parent.iterdir()] == ["in.csv"]


def test_a_table_is_read_over_http(lake, table):
    lake.put(table, "in.csv", ACL="public-read")
    run(table, table.with_name("out.csv"))
    assert run(lake.web("in.csv"), table.with_name("far.csv")).rows == 7
    assert table.with_name("far.csv").read_bytes() == table.with_name("out.csv").read_bytes()
    with pytest.raises(ConfigError, match="can only be read"):
        run(table, lake.web("out.csv"))


def test_a_server_that_gives_no_parts_of_files_is_named(table, tmp_path):
    class Plain(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = partial(Plain, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with pytest.raises(ConfigError, match="does not give parts of files"):
                run(f"http://127.0.0.1:{server.server_port}/in.csv", tmp_path / "out.csv")
        finally:
            server.shutdown()
            thread.join()


def test_files_appear_as_a_whole_where_writing_takes_time(tmp_path):
    # To fsspec this disk is a storage like any other, whose files grow while they are written.
    from upath import UPath

    place = UPath(f"local://{tmp_path}/out.csv")
    for content in (b"first", b"second"):
        with replacing(place) as part:
            part.write_bytes(content)
            assert content not in [path.read_bytes() for path in tmp_path.iterdir()]
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"out.csv": content}
    with pytest.raises(FileNotFoundError), replacing(place) as part:
        part.with_name("other").write_bytes(b"half")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"out.csv": b"second"}


@pytest.mark.usefixtures("small_partitions")
@pytest.mark.parametrize("scheme", ["local", "hdfs"])
def test_storage_with_real_folders_is_left_tidy(photos, table, tmp_path, monkeypatch, scheme):
    # Hadoop's file system as fsspec sees it, by way of pyarrow, over this disk.
    arrow = pytest.importorskip("pyarrow.fs")
    monkeypatch.setattr(arrow, "HadoopFileSystem", lambda **_: arrow.LocalFileSystem())
    far = f"{scheme}://{'' if scheme == 'local' else secrets.token_hex(4)}{tmp_path}"
    run(table, tmp_path / "out.csv")
    with pytest.raises(KeyboardInterrupt):
        run(f"{far}/in.csv", f"{far}/far.csv", Stopping(2, interrupt))
    assert (tmp_path / "far.csv.parts/part-0000001.done").exists()
    assert run(f"{far}/in.csv", f"{far}/far.csv", resume=True).scored == 3
    assert (tmp_path / "far.csv").read_bytes() == (tmp_path / "out.csv").read_bytes()
    (tmp_path / "photos/b/dir.png").mkdir()
    (tmp_path / "pairs.csv").write_text("image\nphotos/zz.png\nphotos/b/dir.png\n")
    assert run(f"{far}/pairs.csv", f"{far}/two.csv", models=(), crop=True).bad == 1
    assert run(f"{far}/photos", f"{far}/all.csv", models=(), crop=True).bad == 2
    assert not [path.name for path in tmp_path.iterdir() if "part" in path.name or path.name[0] == "."]


@pytest.mark.parametrize(
    "names",
    [
        ("s3://{}/gone.csv", "out.csv", "There is no s3://{}/gone.csv"),
        ("s3://nowhere/in.csv", "out.csv", "There is no s3://nowhere/in.csv"),
        ("in.csv", "s3://nowhere/out.csv", "bucket does not exist"),
        ("in.csv", "s3://{}/a[b].csv", "must hold none of"),
        ("in.csv", "s3://{}/", "is a folder"),
        ("in.csv", "s3://{}/out.xlsx", "must end in one of .csv"),
        ("s3://a_B!/in.csv", "out.csv", "Invalid bucket name"),
        ("klingon://x/in.csv", "out.csv", "Unsupported filesystem"),
        ("gs://x/in.csv", "out.csv", "cannot be used: Please install gcsfs"),
    ],
)
def test_places_that_cannot_be_used_are_refused_at_once(lake, table, monkeypatch, capsys, names):
    place, out, words = (name.format(lake.name) for name in names)
    monkeypatch.chdir(table.parent)
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(SystemExit) as ended:
        main(["score", place, "-o", out, "--models", *SMALL])
    said = capsys.readouterr().err
    assert (ended.value.code, words in said) == (2, True), said
    assert not lake.list()
    assert [path.name for path in table.parent.iterdir()] == ["in.csv"]


def test_an_address_needs_the_extra(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "upath", None)
    with pytest.raises(SystemExit) as ended:
        main(["score", "s3://x/in.csv", "-o", "out.csv"])
    assert (ended.value.code, "pip install 'emofuse[scale]'" in capsys.readouterr().err) == (2, True)
