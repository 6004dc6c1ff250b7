import json
import subprocess
from pathlib import Path

import pytest
from tests.service import COMMAND, running_service

TEXT = "I am so proud of you"


def run(*arguments: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, timeout=120, check=False)


@pytest.mark.slow
def test_answers_as_the_command_line_does_until_it_is_told_to_stop(tmp_path: Path) -> None:
    with running_service(tmp_path) as client:
        answer = client.post("/v1/predict", json={"text": TEXT})
        taken = run("serve", "--port", client.base_url.port)
        promoted = run(
            "models", "promote", "text_bilstm_open", "--database", f"sqlite:///{tmp_path}/service.sqlite"
        )
    assert answer.content + b"\n" == run("predict", "--json", "--models", "text_bilstm", TEXT).stdout
    assert (taken.returncode, promoted.returncode) == (2, 0)
    assert b"error[config]: Cannot listen on 127.0.0.1 port" in taken.stderr
    # What was promoted stays so when the service starts again.
    with running_service(tmp_path) as client:
        assert (
            "text_bilstm_open"
            in json.loads(client.post("/v1/predict", json={"text": TEXT}).content)["models"]
        )
    back = [
        run("models", "roll-back", "text", "--database", f"sqlite:///{tmp_path}/service.sqlite")
        for _ in range(2)
    ]
    assert [done.returncode for done in back] == [0, 1]


def test_a_setting_that_does_not_fit_is_named() -> None:
    done = subprocess.run(
        [*COMMAND, "serve"], env={"EMOFUSE_DEADLINE_S": "soon"}, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert b"error[config]: The setting deadline_s (EMOFUSE_DEADLINE_S) does not fit" in done.stderr


def test_a_bundle_that_does_not_exist_is_not_promoted() -> None:
    done = run("models", "promote", "nothing")
    assert done.returncode == 2
    assert b"error[unknown_model]" in done.stderr
