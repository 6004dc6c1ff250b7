import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.unit.datasets.test_corpora import make_emotion

from emofuse.cli import cli, main
from emofuse.errors import CorpusFormatError

RECIPE = Path(__file__).parents[3] / "recipes" / "text_bilstm.yaml"


def invoke(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)


def test_data_list_names_corpora_and_licences():
    done = invoke("data", "list")
    assert "goemotions_ekman" in done.output
    assert "Apache-2.0" in done.output


def test_data_check_counts(tmp_path):
    make_emotion(tmp_path)
    assert (
        "emotion train: 2 samples; joy 1, sadness 1"
        in invoke("data", "check", "emotion", "--root", tmp_path).output
    )
    only = invoke("data", "check", "emotion", "--root", tmp_path, "--split", "test").output
    assert only.count("samples") == 1


def test_data_check_of_an_empty_split_fails(tmp_path):
    make_emotion(tmp_path)
    (tmp_path / "test.txt").write_text("")
    with pytest.raises(CorpusFormatError, match="emotion test holds no sample"):
        invoke("data", "check", "emotion", "--root", tmp_path, "--split", "test")


def test_errors_are_one_line_with_code_and_exit_status(tmp_path, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["data", "check", "emotion", "--root", str(tmp_path)])
    assert exit_.value.code == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error[corpus_not_found]: ")
    assert captured.err.count("\n") == 1


def test_unknown_command_is_bad_usage(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["dance"])
    assert exit_.value.code == 2
    assert "No such command" in capsys.readouterr().err


def test_models_list_for_people():
    output = invoke("models", "list").output
    assert "face_detector" in output
    assert "MB" in output


def test_version():
    assert "0.1.0" in invoke("--version").output


def test_table_shows_several_faces_errors_and_notes(tmp_path):
    done = invoke("predict", "fine", "", "--image", tmp_path / "none.jpg")
    assert done.output.count("╭") == 3
    assert "error[empty_text]" in done.output
    assert "error[image_not_found]" in done.output
    noted = invoke("predict", "Я очень рад")
    assert "note: " in noted.output


def test_a_missing_extra_names_the_command_that_installs_it(tmp_path):
    # None in sys.modules makes Python report the module as not found.
    code = (
        "import sys; sys.modules['lightning'] = None; from emofuse.cli import main; "
        f"main(['train', {str(RECIPE)!r}, '--data-root', {str(tmp_path)!r}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert "pip install 'emofuse[train]'" in done.stderr
    assert "Traceback" not in done.stderr
