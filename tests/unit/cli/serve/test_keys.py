import sqlite3
import subprocess
import sys

import pytest

from emofuse.cli import _run
from emofuse.serve.store import Store


@pytest.fixture
def database(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'service.sqlite'}"
    monkeypatch.setenv("EMOFUSE_DATABASE_URL", url)
    return url


def run(capsys, *arguments):
    code = _run([*map(str, arguments)], debug=False)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_key_is_made_listed_and_revoked(capsys, database):
    code, key, note = run(capsys, "serve", "keys", "add", "app", "--scope", "predict", "--scope", "metrics")
    assert code == 0
    assert "cannot be shown again" in note
    store = Store.open(database)
    found = store.authenticate(key.rstrip("\n"))
    assert found.scopes == ("predict", "metrics")
    [row] = run(capsys, "serve", "keys", "list")[1].splitlines()
    assert row.split("\t")[:3] == [found.id, "app", "predict,metrics"]
    assert row.endswith("\t-")
    assert run(capsys, "serve", "keys", "revoke", "app")[0] == 0
    assert not run(capsys, "serve", "keys", "list")[1].endswith("\t-\n")
    store.close()


def test_no_file_holds_the_key(capsys, database, tmp_path):
    key = run(capsys, "serve", "keys", "add", "app", "--scope", "predict")[1].strip()
    secret = key.split("_", 2)[2].encode()
    assert not any(secret in path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["add", "app"], 2, "--scope"),
        (["add", "app", "--scope", "root"], 2, "error[unknown_scope]"),
        (["add", "app", "--scope", "admin"], 2, "error[unknown_scope]"),
        (["add", "", "--scope", "predict"], 1, "error[bad_record]"),
        (["revoke", "nobody"], 1, "error[key_not_found]"),
        (["list", "--database", "mysql://host/db"], 2, "error[config]"),
        (["list", "--database", "sqlite:////dev/null/x.sqlite"], 1, "error[store_unavailable]"),
    ],
)
def test_bad_usage(capsys, database, arguments, code, said):
    done, out, err = run(capsys, "serve", "keys", *arguments)
    assert done == code
    assert said in err
    assert out == ""


def test_the_database_is_in_the_users_data_folder_unless_told_otherwise(capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("EMOFUSE_DATABASE_URL", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert run(capsys, "serve", "keys", "add", "app", "--scope", "predict")[0] == 0
    with sqlite3.connect(tmp_path / "data" / "emofuse" / "service.sqlite") as connection:
        assert connection.execute("SELECT name FROM api_keys").fetchall() == [("app",)]
    connection.close()


def test_the_database_may_stand_before_the_command(capsys, database, tmp_path):
    other = f"sqlite:///{tmp_path / 'other.sqlite'}"
    above = ("serve", "--database", other, "keys")
    assert run(capsys, *above, "add", "app", "--scope", "predict")[0] == 0
    assert "app" in run(capsys, *above, "list")[1]
    assert "app" in run(capsys, "serve", "keys", "list", "--database", other)[1]
    # What stands nearest counts, and without either the environment.
    assert run(capsys, *above, "list", "--database", database)[1] == ""
    assert run(capsys, "serve", "keys", "list")[1] == ""


@pytest.mark.parametrize("option", [("--host", "::"), ("--port", "80"), ("--models", "text_bilstm")])
def test_what_is_for_the_service_is_refused_with_a_command(capsys, database, option):
    code, out, err = run(capsys, "serve", *option, "keys", "list")
    assert (code, out) == (2, "")
    assert option[0] in err


def test_help_needs_no_extra():
    code = (
        "import sys; sys.modules['sqlalchemy'] = None; from emofuse.cli import main; "
        "main(['serve', 'keys', sys.argv[1]])"
    )
    for argument, status, said in (("--help", 0, "Make, list"), ("list", 2, "emofuse[serve]")):
        done = subprocess.run(
            [sys.executable, "-c", code, argument], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == status
        assert said in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
