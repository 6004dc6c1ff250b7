import json

import pytest

from emofuse.cli import _run
from emofuse.serve.store import Correction, Store


@pytest.fixture
def database(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'service.sqlite'}"
    monkeypatch.setenv("EMOFUSE_DATABASE_URL", url)
    store = Store.open(url)
    store.add_correction(Correction(subject="bob", text="hm", emotion="joy"))
    store.add_correction(Correction(subject="bob", text="hm", emotion="fear"))
    store.add_correction(Correction(image=b"x", emotion="fear"))
    store.close()


def test_export_writes_the_table_and_says_what_it_left_out(database, tmp_path, capsys):
    out = tmp_path / "new" / "corpus"
    assert _run(["feedback", "export", "-o", str(out)], debug=False) == 0
    [row] = [json.loads(line) for line in (out / "train.jsonl").read_text().splitlines()]
    assert (row["text"], row["emotion"]) == ("hm", "fear")
    captured = capsys.readouterr()
    assert captured.out == f"{out}: 1 samples to learn from, 0 to choose by\n"
    first, second = captured.err.splitlines()
    assert first.startswith("1 corrections were left out, since the same subject")
    assert second.startswith("1 corrections of a picture alone")


@pytest.mark.parametrize(
    ("since", "rows"), [("2000-01-01", 1), ("2999-01-01T00:00:00", 0), ("2999-01-01T00:00:00+0200", 0)]
)
def test_since(database, tmp_path, since, rows):
    assert _run(["feedback", "export", "-o", str(tmp_path), "--since", since], debug=False) == 0
    assert len((tmp_path / "train.jsonl").read_text().splitlines()) == rows


@pytest.mark.parametrize(
    "arguments",
    [[], ["-o", "out", "--since", "yesterday"], ["-o", "/dev/null/a"]],
)
def test_bad_usage(database, arguments, capsys):
    assert _run(["feedback", "export", *arguments], debug=False) == 2
    assert capsys.readouterr().err
