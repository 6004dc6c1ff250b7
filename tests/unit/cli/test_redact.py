import json
import os
import shutil

import pytest
from click.testing import CliRunner
from PIL import Image
from tests.conftest import PHOTOS

from emofuse.cli import _run
from emofuse.cli.redact import redact
from emofuse.errors import ConfigError


def run(*arguments, stdin=None):
    done = CliRunner().invoke(redact, [str(part) for part in arguments], input=stdin, standalone_mode=False)
    if done.exception:
        raise done.exception
    return done


def test_texts_are_printed_with_counts():
    assert run("--text", "hi @jane", "--text", "fine").stdout == "hi @user\nfine\n"
    [line] = run("--json", "--text", "é @jane @bob, a@b.org").stdout.splitlines()
    assert json.loads(line) == {"text": "é @user @user, [email]", "masked": {"email": 1, "handle": 2}}


def test_lines_go_through_byte_for_byte():
    done = run("-", stdin=b"hi @jane\r\n\ncaf\xe9\n no end")
    assert done.stdout_bytes == b"hi @user\r\n\ncaf\xe9\n no end\n"


def test_a_table_is_written_beside_and_counted(tmp_path):
    table = tmp_path / "in.csv"
    table.write_bytes(b"id,text\n@1a,hi @jane\n")
    done = run(table, "-o", tmp_path / "new" / "out.csv", "--columns", "text", "--json")
    assert (tmp_path / "new" / "out.csv").read_bytes() == b"id,text\n@1a,hi @user\n"
    assert table.read_bytes() == b"id,text\n@1a,hi @jane\n"
    assert json.loads(done.stdout)["masked"] == {"handle": 1}


def test_a_tsv_splits_at_tabs_whatever_its_header_holds(tmp_path):
    (tmp_path / "in.tsv").write_bytes(b"id, old, new\ttext\n@1a, x\thi, @jane\n")
    run(tmp_path / "in.tsv", "-o", tmp_path / "out.tsv", "--columns", "text")
    assert (tmp_path / "out.tsv").read_bytes() == b"id, old, new\ttext\n@1a, x\thi, @user\n"


def test_a_folder_keeps_its_tree_and_a_broken_picture_disturbs_no_other(tmp_path):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    shutil.copy(PHOTOS / "drawn_happy.png", tmp_path / "in" / "sub" / "a.PNG")
    Image.new("RGB", (20, 20), "red").save(tmp_path / "in" / "b.jpg")
    (tmp_path / "in" / "c.png").write_bytes(b"no picture")
    (tmp_path / "in" / "notes.txt").write_text("@jane")
    done = run(tmp_path / "in", "-o", tmp_path / "out", "--json")
    assert done.return_value == 1
    masked = {json.loads(line)["output"]: json.loads(line)["masked"] for line in done.stdout.splitlines()}
    out = tmp_path / "out"
    assert masked == {str(out / "b.jpg"): {}, str(out / "sub" / "a.PNG"): {"face": 1}}
    assert sorted(path.name for path in out.rglob("*")) == ["a.PNG", "b.jpg", "sub"]
    assert "c.png is not a picture" in done.stderr
    assert "1 other file" in done.stderr


def test_a_picture_too_wide_for_its_format_disturbs_no_other(tmp_path):
    (tmp_path / "in").mkdir()
    # The suffix says how to write, not how to read.
    for name, width in (("a.jpg", 66_000), ("b.webp", 20_000), ("c.jpg", 30)):
        Image.new("RGB", (width, 20), "red").save(tmp_path / "in" / name, "PNG")
    done = run(tmp_path / "in", "-o", tmp_path / "out")
    assert done.return_value == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["c.jpg"]
    first, second = done.stderr.splitlines()
    assert "a.jpg, 66000 x 20 px, cannot be written: " in first
    assert "b.webp, 20000 x 20 px, cannot be written: " in second


@pytest.mark.parametrize("way", ["same", "folder", "symlink", "hardlink"])
def test_the_input_is_never_overwritten(way, tmp_path):
    table = tmp_path / "in.csv"
    table.write_bytes(b"text\n@jane\n")
    out = {"same": table, "folder": tmp_path}.get(way, tmp_path / "out.csv")
    if way == "symlink":
        out.symlink_to(table)
    elif way == "hardlink":
        os.link(table, out)
    with pytest.raises(ConfigError, match="the input itself"):
        run(table, "-o", out)
    assert table.read_bytes() == b"text\n@jane\n"


def test_a_folder_inside_the_other_is_refused(tmp_path):
    shutil.copy(PHOTOS / "drawn_happy.png", tmp_path)
    for out in (tmp_path, tmp_path / "out", tmp_path.parent):
        with pytest.raises(ConfigError, match="in each other"):
            run(tmp_path, "-o", out)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["x.csv"], 2),
        (["x.csv", "-o", "y.csv"], 2),
        (["x.csv", "--text", "a"], 2),
        (["-", "-o", "y"], 2),
        (["{photo}", "-o", "{tmp}/x.txt"], 2),
        (["{photo}", "-o", "{tmp}/x.png", "--columns", "a"], 2),
        (["{tmp}/odd.xyz", "-o", "{tmp}/y.xyz"], 2),
        (["{tmp}", "-o", "{tmp}/../out"], 2),
        (["{tmp}/wide.csv", "-o", "{tmp}/y.csv"], 1),
        (["{tmp}/odd.png", "-o", "{tmp}/y.png"], 1),
    ],
)
def test_bad_usage_and_bad_data(arguments, code, tmp_path, capsys):
    (tmp_path / "odd.xyz").write_text("@jane")
    (tmp_path / "wide.csv").write_bytes("text\n@jane".encode("utf-16"))
    if "odd.png" in "".join(arguments):
        (tmp_path / "odd.png").write_text("@jane")
    photo = PHOTOS / "drawn_happy.png"
    assert (
        _run(["redact", *(part.format(photo=photo, tmp=tmp_path) for part in arguments)], debug=False) == code
    )
    assert capsys.readouterr().err
    assert not list(tmp_path.glob("y.*"))
    assert not list(tmp_path.glob(".*"))
