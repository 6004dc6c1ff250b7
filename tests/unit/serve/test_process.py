"""The service as a process of its own, as its users meet it."""

import filecmp
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.service import running_service

ROOT = Path(__file__).parents[3]
CLIENT = ROOT / "examples/client"
PHOTO = ROOT / "src/emofuse/demo/examples/eileen_collins.jpg"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_service(tmp_path_factory.mktemp("process")) as client:
        yield str(client.base_url)


def test_client_reads_texts_and_a_picture(url: str) -> None:
    command = [
        sys.executable,
        CLIENT / "example.py",
        "I am so proud of you",
        " ",
        "--image",
        PHOTO,
        "--url",
        url,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    first, second, third = done.stdout.splitlines()
    assert re.fullmatch(r"I am so proud of you: joy \(0\.\d\d\), positive", first)
    assert second == " : The text has no visible character. Give it some words."
    assert re.fullmatch(r"eileen_collins\.jpg: joy \([01]\.\d\d\), positive", third)


def test_client_says_why_there_is_no_answer(url: str) -> None:
    command = [sys.executable, CLIENT / "example.py", "a", "--image", __file__, "--url", url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("error[not_an_image]: ")


def test_client_and_document_are_those_of_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(CLIENT))
    generate = importlib.import_module("generate")
    assert json.loads(generate.DOCUMENT.read_text(encoding="utf-8")) == generate.describe(), (
        "run `make client`"
    )
    fresh, kept = tmp_path / "emofuse_client", CLIENT / "emofuse_client"
    generate.write_client(generate.describe(), fresh)
    names = [str(path.relative_to(fresh)) for path in fresh.rglob("*.py")]
    assert sorted(names) == sorted(str(path.relative_to(kept)) for path in kept.rglob("*.py")), (
        "run `make client`"
    )
    assert filecmp.cmpfiles(fresh, kept, names, shallow=False)[1:] == ([], []), "run `make client`"


def test_service_needs_no_other_extra() -> None:
    others = (
        "captum",
        "jinja2",
        "lime",
        "matplotlib",
        "onnx",
        "pandas",
        "pyarrow",
        "scipy",
        "shap",
        "sklearn",
        "torch",
    )
    program = f"import sys, emofuse.serve.run; print(sorted(set({others}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_lines_of_the_page_work(url: str) -> None:
    page = (ROOT / "docs/service.md").read_text(encoding="utf-8")
    lines = "".join(re.findall(r"^```sh\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE))
    assert set(re.findall(r"http://127\.0\.0\.1:8000(/[\w/]+)", lines)) >= {"/v1/predict", "/v1/feedback"}
    script = (
        "set -eu; curl() { command curl --silent --show-error --fail --output - --write-out '\\n' \"$@\"; }\n"
    )
    script += lines.replace("http://127.0.0.1:8000", url)
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=False, timeout=120, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(("{", "["))]
    proud, photo, many, why, receipt, stored, erased, models, healthy, ready = answers
    assert proud["emotion"]["label"] == photo["emotion"]["label"] == "joy"
    assert [own["emotion"]["taxonomy"] for own in many["predictions"]] == ["unified5"] * 2
    assert why["explanations"]
    assert receipt == {"id": "7f6c"}
    assert [own["text"] for own in stored["corrections"]] == ["Well, great."]
    assert sum(erased["deleted"].values()) == 1
    assert len(models) == 5
    assert healthy == ready == {"status": "ok"}


def test_stream_of_the_page_works(url: str) -> None:
    page = (ROOT / "docs/service.md").read_text(encoding="utf-8")
    [program] = re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    program = program.replace("ws://127.0.0.1:8000", url.rstrip("/").replace("http", "ws", 1))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["prediction"]["sentiment"]["label"] == "negative"
    assert second["prediction"]["sentiment"]["label"] == "positive"
    assert second["state"]
