"""The way from what users correct to a better model in service, and back."""

import json
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from tests.service import COMMAND, running_service
from tests.slang import write_slang

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "benchmarks" / "behaviour.jsonl").read_text(encoding="utf-8").splitlines()
OLD = [row for row in map(json.loads, LINES) if "sentiment" in row]
HELD_BACK = write_slang(100, held_back=True)


def run(*arguments: object) -> str:
    command = [*COMMAND, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def read(client: httpx.Client, texts: list[str]) -> list[dict]:
    answer = client.post("/v1/predict/batch", json={"samples": [{"text": text} for text in texts]})
    return answer.raise_for_status().json()["predictions"]


def right(client: httpx.Client, rows: list[dict], part: str) -> float:
    answers = read(client, [row["text"] for row in rows])
    return sum(own[part]["label"] in row[part] for own, row in zip(answers, rows, strict=True)) / len(rows)


def wait_for_model(client: httpx.Client, name: str) -> None:
    """Asks without a pause, so that a request that fails while models change is noticed."""
    until = time.monotonic() + 30
    while name not in read(client, ["hm"])[0]["models"]:
        assert time.monotonic() < until


@pytest.mark.slow
def test_corrections_become_a_model_in_service_that_can_be_taken_back(tmp_path: Path) -> None:
    database = ("--database", f"sqlite:///{tmp_path}/service.sqlite")
    with running_service(tmp_path) as client:
        before = right(client, OLD, "sentiment")
        assert right(client, HELD_BACK, "emotion") < 0.2
        for row in write_slang(200, held_back=False):
            assert client.post("/v1/feedback", json=row).status_code == 201
        run("feedback", "export", "-o", tmp_path / "corpus", *database)
        recipe = ROOT / "recipes" / "feedback_text.yaml"
        learning = ("train", recipe, "--data-root", tmp_path / "corpus", "--run-dir", tmp_path / "run")
        run(*learning, "--set", "distill.rehearsal=3000")  # less than the recipe, to be quick
        run("export", tmp_path / "run", "-o", tmp_path / "corrected")
        run("models", "promote", tmp_path / "corrected", *database)
        wait_for_model(client, "feedback_text")
        assert right(client, HELD_BACK, "emotion") > 0.7
        assert right(client, HELD_BACK, "sentiment") > 0.85
        assert right(client, OLD, "sentiment") >= before - 0.01
        run("models", "roll-back", "text", *database)
        wait_for_model(client, "text_bilstm")
        assert right(client, HELD_BACK, "emotion") < 0.2
