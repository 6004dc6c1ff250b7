import json
import re

import pytest

from emofuse.errors import ConfigError
from emofuse.scale import text_source
from emofuse.scale.lines import MAX_LINE_BYTES
from emofuse.scale.open_source import open_source
from emofuse.scale.source import ReadOptions


def open_table(path, **options):
    return open_source(path, ReadOptions(**options), path.with_name("pictures.txt"))


def read(source):
    return [row for partition in source.partitions() for row in source.rows(partition)]


@pytest.fixture(params=[1, 3, 4096])
def rows_each(request, monkeypatch):
    for kind in (text_source.CsvSource, text_source.JsonLinesSource, text_source.LinesSource):
        monkeypatch.setattr(kind, "rows_each", request.param)


@pytest.mark.usefixtures("rows_each")
def test_csv_rows_are_the_same_however_they_are_cut(tmp_path):
    table = tmp_path / "a.csv"
    table.write_bytes(
        b'\xef\xbb\xbfid,text\r\n1,"one, ""two""\r\nthree"\r\n\r\n2,short\r\n3\r\n4,a,b\r\n5,"bro"ken\r\n'
        b'6,caf\xe9\r\n7,\r\n8,"never closed\r\n9,x\r\n'
    )
    rows = read(open_table(table))
    assert [row.number for row in rows] == list(range(1, 9))
    assert rows[0].values == {"id": "1", "text": 'one, "two"\r\nthree'}
    assert rows[0].sample.text == 'one, "two"\r\nthree'
    assert [row.error and row.error.message.split(":")[0] for row in rows] == [
        None,
        None,
        "The row has 1 cells, the header 2. Quote cells that hold ','.",
        "The row has 3 cells, the header 2. Quote cells that hold ','.",
        "The row is no CSV row",
        "The row is not utf-8 text. Name the encoding of the file with --encoding, such as cp1252.",
        None,
        "The row is no CSV row",
    ]
    assert rows[2].values == {"id": "3", "text": ""}
    assert rows[6].sample.text == ""


@pytest.mark.usefixtures("rows_each")
def test_json_lines_keep_their_own_keys(tmp_path):
    table = tmp_path / "a.jsonl"
    good = [{"text": "a", "n": 1}, {"text": None}, {"extra": [1], "text": "b"}]
    lines = [*map(json.dumps, good), "", "{", "[1]", '{"text": 5}', "[" * 100_000]
    table.write_text("\n".join(lines))
    source = open_table(table)
    rows = read(source)
    assert source.columns is None
    assert source.all_columns() == ("text", "n", "extra")
    assert [dict(row.values) for row in rows[:3]] == good
    assert [row.number for row in rows if row.error] == [4, 5, 6, 7]
    assert "must be a string" in rows[5].error.message


@pytest.mark.usefixtures("rows_each")
def test_every_line_is_a_row_even_a_blank_one(tmp_path):
    table = tmp_path / "a.txt"
    table.write_bytes(b"one\r\n\ntw\xff\nlast")
    rows = read(open_table(table))
    assert [row.values["text"] for row in rows] == ["one", "", "tw\udcff", "last"]
    assert [row.error is not None for row in rows] == [False, False, True, False]


def test_another_encoding_and_delimiter_can_be_named(tmp_path):
    table = tmp_path / "a.csv"
    table.write_bytes("name;what\nZoë;café\n".encode("cp1252"))
    source = open_table(table, text_column="what", encoding="cp1252", delimiter=";")
    assert read(source)[0].sample.text == "café"


def test_a_line_too_long_is_passed_over(tmp_path):
    table = tmp_path / "a.csv"
    with table.open("wb") as file:
        file.write(b"text\nbefore\n")
        file.seek(3 * MAX_LINE_BYTES, 1)
        file.write(b"end\nafter\n")
    rows = read(open_table(table))
    assert [row.values["text"] for row in rows] == ["before", "", "after"]
    assert "16 MiB" in rows[1].error.message


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (b"", {}, "is empty"),
        (b"a,b\n1,2\n", {}, "has the columns a, b. Say which to read"),
        (b"a;text\n1;2\n", {}, "Is --delimiter ';' missing?"),
        (b"text\nx\n", {"text_column": "review"}, "There is no column 'review'"),
        (b"text\nx\n", {"image_column": "photo"}, "Name one with --image-column"),
        (b"text,text\nx,y\n", {}, "two columns named 'text'"),
        (b"\xff\xfet\x00e\x00", {}, "iconv -f utf-16"),
        (b"t\xe9xt\n", {}, "is not utf-8 text"),
        (b"text\n", {"encoding": "utf-16"}, "Convert the file to UTF-8"),
        (b"text\n", {"encoding": "klingon"}, "no encoding 'klingon'"),
        (b'"text\n', {}, "header"),
    ],
)
def test_tables_that_cannot_be_read_are_refused_at_once(tmp_path, content, options, words):
    table = tmp_path / "a.csv"
    table.write_bytes(content)
    with pytest.raises(ConfigError, match=re.escape(words)):
        open_table(table, **options)


def test_a_folder_of_pictures_is_listed_in_order(tmp_path):
    folder = tmp_path / "photos"
    (folder / "b").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    for name in ("z.JPG", "a.png", "b/c\nd.webp", ".x.png", ".hidden/y.png", "notes.txt"):
        (folder / name).touch()
    source = open_source(folder, ReadOptions(), tmp_path / "pictures.txt")
    rows = read(source)
    assert [row.values["path"] for row in rows] == ["a.png", "z.JPG", "b/c\nd.webp"]
    assert rows[2].sample.image == folder / "b/c\nd.webp"
    (folder / "late.png").touch()
    again = open_source(folder, ReadOptions(), tmp_path / "pictures.txt")
    assert len(read(again)) == 3


def test_a_folder_of_tables_is_one_input(tmp_path):
    folder = tmp_path / "lake"
    folder.mkdir()
    (folder / "1.csv").write_text("text\none\ntwo\n")
    (folder / "2.csv").write_text("text\nthree\n")
    rows = read(open_table(folder))
    assert [(row.number, row.values["text"]) for row in rows] == [(1, "one"), (2, "two"), (3, "three")]
    (folder / "3.csv").write_text("words\nfour\n")
    with pytest.raises(ConfigError, match="other columns"):
        read(open_table(folder))
    (folder / "4.jsonl").touch()
    with pytest.raises(ConfigError, match="several kinds"):
        open_table(folder)


@pytest.mark.parametrize(("name", "words"), [("gone.csv", "There is no"), ("a.xlsx", "none of .csv")])
def test_other_places_are_refused(tmp_path, name, words):
    (tmp_path / "a.xlsx").touch()
    with pytest.raises(ConfigError, match=words):
        open_table(tmp_path / name)


def test_an_empty_folder_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="neither pictures"):
        open_table(tmp_path / "empty")
