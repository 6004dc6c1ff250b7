import logging
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request

from emofuse.errors import BadRecordError, BundleFileMissingError, StoreError, StoreUnavailableError
from emofuse.serve import Settings, create_app
from emofuse.serve.engine import Answer
from emofuse.serve.problems import problem_of
from emofuse.serve.service import Service
from emofuse.serve.store import Store

SECRET = "/srv/secret"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StoreUnavailableError(f"No {SECRET}.", item=SECRET), 503),
        (StoreError(f"No {SECRET}.", item=SECRET), 500),
        (BundleFileMissingError(f"No {SECRET}.", item=SECRET), 500),
    ],
)
def test_where_things_are_is_for_the_log_alone(
    error: StoreError, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    answer = problem_of(error, Request({"type": "http", "request_id": "r1"}))
    assert answer.status_code == status
    assert SECRET not in bytes(answer.body).decode()
    assert error.code in bytes(answer.body).decode()
    [said] = caplog.records
    assert (said.levelno, said.request_id, said.reason) == (logging.ERROR, "r1", f"No {SECRET}.")


def test_what_a_client_did_wrong_is_said(caplog: pytest.LogCaptureFixture) -> None:
    answer = problem_of(BadRecordError("A subject is empty."), Request({"type": "http", "request_id": "r1"}))
    assert b"A subject is empty." in bytes(answer.body)
    assert not caplog.records


class LostStore(Store):
    """One whose database is away."""

    def check(self) -> None:
        raise StoreUnavailableError(f"No {SECRET}.", item=SECRET)


class BrokenService(Service):
    """One whose models lack a file."""

    def _read(self, options: object, samples: object) -> list[Answer]:
        raise BundleFileMissingError(f"No {SECRET}.", item=SECRET)


def test_neither_readiness_nor_a_stream_says_where_things_are(tmp_path: Path) -> None:
    settings = Settings(models=("text_bilstm",), database_url=f"sqlite:///{tmp_path}/a.sqlite")
    service = BrokenService(settings)
    service.store.close()
    service.store = LostStore.open(settings.database_url or "")
    with TestClient(create_app(settings, service)) as client:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
        assert SECRET not in answer.text
        with client.websocket_connect("/v1/track") as stream:
            stream.send_text('{"text": "a"}')
            said = stream.receive_text()
        assert "bundle_file_missing" in said
        assert SECRET not in said
