import json
import os
import shutil
import signal
import subprocess
import sys

import pytest
from tests.conftest import PHOTOS, read_json_lines

COMMAND = [sys.executable, "-m", "emofuse"]


def run(*arguments, stdin=b""):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], input=stdin, capture_output=True, timeout=120, check=False
    )


def lines(done):
    return read_json_lines(done.stdout.decode())


def test_a_line_is_answered_before_the_next_is_written():
    with subprocess.Popen(
        [*COMMAND, "predict", "--json", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        for text in ("I am glad", "I am furious"):
            process.stdin.write(f"{text}\n".encode())
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["emotion"]["label"]
        process.stdin.close()
        assert process.wait(timeout=60) == 0


def test_one_text_and_one_image_are_one_sample():
    done = run("predict", "--json", "--text", "I am proud", "--image", PHOTOS / "eileen_collins.jpg")
    [prediction] = lines(done)
    assert done.returncode == 0
    assert [m["modality"] for m in prediction["modalities"]] == ["text", "face", "scene"]


def test_several_are_samples_of_their_own_in_order():
    done = run("predict", "--json", "good", "bad", "--text", "ugly", "--image", PHOTOS / "eileen_collins.jpg")
    assert [[m["modality"] for m in p["modalities"]] for p in lines(done)] == [["text"]] * 3 + [
        ["face", "scene"]
    ]


def test_pairs():
    photo = PHOTOS / "eileen_collins.jpg"
    done = run("predict", "--json", "--pair", "good", "bad", "--image", photo, "--image", photo)
    assert [len(p["modalities"]) for p in lines(done)] == [3, 3]


def test_standard_input_line_by_line_with_broken_bytes():
    done = run(
        "predict", "--json", "-", stdin="I am glad\n\nso \u00e4rgerlich\n".encode() + b"caf\xe9 time\n"
    )
    predictions = lines(done)
    assert [p["id"] for p in predictions] == ["0", "1", "2", "3"]
    assert [p["error"]["code"] if p["error"] else None for p in predictions] == [
        None,
        "empty_text",
        None,
        None,
    ]
    assert [w["code"] for w in predictions[3]["warnings"]] == ["invalid_characters"]
    assert done.returncode == 1


def test_table_shows_bars_and_confidence():
    done = run("predict", "I am so proud of you")
    shown = done.stdout.decode()
    assert "emotion: joy" in shown
    assert "█" in shown
    assert "confidence" in shown


@pytest.mark.parametrize(("encoding", "block"), [("utf-8", "█"), ("ascii", "#"), ("cp1252", "#")])
def test_any_terminal_shows_bars_and_json_is_always_utf_8(encoding, block):
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    image = b"caf\xe9-\xc3\x9f.jpg"  # a file name that is not UTF-8 throughout
    command = [*COMMAND, "predict", "I am so proud of you", "--text", "fine", "--image", image]
    shown = subprocess.run(command, capture_output=True, env=environment, timeout=60, check=False)
    assert block in shown.stdout.decode(encoding)
    assert (shown.returncode, b"Traceback" in shown.stderr) == (1, False)
    done = subprocess.run([*command, "--json"], capture_output=True, env=environment, timeout=60, check=False)
    assert lines(done)[2]["error"]["item"] == "caf\udce9-ß.jpg"


def test_no_input_is_bad_usage():
    done = run("predict")
    assert done.returncode == 2
    assert b"standard input" in done.stderr


def test_closed_pipe_is_quiet():
    command = f"{sys.executable} -m emofuse predict --json - | head -1"
    done = subprocess.run(
        command, shell=True, input=b"hello\n" * 2000, capture_output=True, timeout=120, check=False
    )
    assert len(done.stdout.splitlines()) == 1
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr


def test_interrupt_exits_with_130():
    process = subprocess.Popen(
        [*COMMAND, "predict", "--json", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A runner in the background ignores interrupts, and its children would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )
    process.stdin.write(b"I am glad\n")
    process.stdin.flush()
    assert process.stdout.readline()  # now it waits for the next line
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in errors


@pytest.mark.parametrize(
    "command", [[], ["predict"], ["models"], ["train"], ["export"], ["evaluate"], ["data"]]
)
def test_help(command):
    done = run(*command, "--help")
    assert done.returncode == 0
    assert b"Usage: emofuse" in done.stdout


def test_models_list_show_and_verify():
    listed = lines(run("models", "list", "--json"))
    names = [model["name"] for model in listed]
    assert {"text_bert_bilstm", "text_bilstm", "face_ferplus", "face_detector", "fusion_default"} <= set(
        names
    )
    assert sum(model["size_bytes"] for model in listed) < 45e6
    assert run("models", "show", "face_ferplus").stdout.startswith(b"# face_ferplus")
    done = run("models", "verify")
    assert done.returncode == 0
    assert done.stdout.count(b"intact") == len(names)


def test_verify_names_what_is_damaged(text_bundle, tmp_path):
    bundle = shutil.copytree(text_bundle, tmp_path / "bundle")
    (bundle / "model.onnx").write_bytes(b"other")
    done = run("models", "verify", "--json", "fusion_default", bundle)
    intact, damaged = lines(done)
    assert intact == {"name": "fusion_default", "intact": True, "error": None}
    assert (damaged["intact"], damaged["error"]["code"]) == (False, "bundle_checksum")
    assert done.returncode == 1
    assert b"error[bundle_checksum]" in run("models", "verify", bundle).stderr


def test_small_text_model_by_name():
    [prediction] = lines(run("predict", "--json", "--models", "text_bilstm", "What a lovely day"))
    assert list(prediction["models"]) == ["text_bilstm", "fusion_default"]


@pytest.mark.parametrize(
    "start",
    [
        "import emofuse",
        "from click.testing import CliRunner; from emofuse.cli import cli; CliRunner().invoke(cli, ['--help'])",
    ],
    ids=["import", "help"],
)
def test_start_loads_nothing_heavy(start):
    heavy = ["torch", "onnxruntime", "fastapi", "gradio", "ray", "PIL", "tokenizers", "sklearn", "rich"]
    code = f"import sys; {start}; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)
    assert done.stdout.strip() == b"[]"


def test_prediction_needs_no_network_and_no_home(tmp_path):
    environment = {**os.environ, "HOME": str(tmp_path / "none"), "HTTPS_PROXY": "http://127.0.0.1:9"}
    done = subprocess.run(
        [*COMMAND, "predict", "--json", "fine"],
        capture_output=True,
        env=environment,
        cwd=tmp_path,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["error"] is None
    assert list(tmp_path.iterdir()) == []
