import shutil

import pytest

from emofuse.cli import _run
from emofuse.runtime.bundle import load_bundle
from emofuse.serve.store import Store


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Two promoted models, the second in service."""
    url = f"sqlite:///{tmp_path / 'service.sqlite'}"
    monkeypatch.setenv("EMOFUSE_DATABASE_URL", url)
    store = Store.open(url)
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        shutil.copytree(load_bundle("text_bilstm_open").path, folder)
        store.promote("text", str(folder), load_bundle(folder).sha256)
    store.close()
    return folders


def roll_back(capsys):
    code = _run(["models", "roll-back", "text"], debug=False)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_roll_back_names_what_is_in_service_again(folders, capsys):
    assert roll_back(capsys)[:2] == (0, f"The text model is {folders[0]} again.\n")
    assert roll_back(capsys)[:2] == (0, "The text model is the one of the settings again.\n")


@pytest.mark.parametrize("other", [None, "text_bilstm"])
def test_roll_back_says_when_the_one_before_cannot_be_used(folders, capsys, other):
    shutil.rmtree(folders[0])
    if other:
        shutil.copytree(load_bundle(other).path, folders[0])
    code, out, err = roll_back(capsys)
    assert (code, out) == (1, "")
    assert str(folders[0]) in err
    assert "cannot be used" in err
    assert roll_back(capsys)[:2] == (0, "The text model is the one of the settings again.\n")
