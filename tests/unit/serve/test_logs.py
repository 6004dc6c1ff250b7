import base64
import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from emofuse.serve import Settings, create_app
from emofuse.serve.logs import JsonLines
from emofuse.serve.service import Service

SECRET = "marmalade"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What all loggers write."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root, own = logging.getLogger(), logging.getLogger("emofuse.serve")
    levels = root.level, own.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    own.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(levels[0])
    own.setLevel(levels[1])


def record(name: str, message: str, *args: object, **more: object) -> dict:
    more.setdefault("exc_info", None)
    made = logging.getLogger(name).makeRecord(name, logging.ERROR, "file", 1, message, args, **more)
    line = JsonLines().format(made)
    assert "\n" not in line
    return json.loads(line)


def test_an_exception_keeps_its_type_and_places_alone() -> None:
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise ValueError(f"bad {SECRET}") from error
    except ValueError:
        line = record("emofuse.serve", "crash", exc_info=sys.exc_info(), extra={"request_id": "r1"})
    assert [own["type"] for own in line["exception"]] == ["ValueError", "KeyError"]
    assert line["exception"][0]["at"][0].endswith("test_an_exception_keeps_its_type_and_places_alone")
    assert (line["message"], line["request_id"], line["level"]) == ("crash", "r1", "error")
    assert SECRET not in json.dumps(line)


def test_messages_of_other_libraries_lose_what_was_filled_in() -> None:
    assert record("asyncio", f"Task failed\nfuture: {SECRET}")["message"] == "Task failed"
    assert record("multipart", "field %r", SECRET)["message"] == "field %r"
    line = record("uvicorn.error", '%s - "WebSocket %s" [accepted]', "127.0.0.1", f"/v1/track?a={SECRET}")
    assert SECRET not in json.dumps(line)
    assert (
        record("uvicorn.error", "Started server process [%d]", 7)["message"] == "Started server process [7]"
    )


class Broken(Service):
    """Fails in a way nobody thought of, with the text in the message."""

    async def predict(self, request, options, samples):
        if any(sample.text == f"break {SECRET}" for sample in samples):
            raise RuntimeError(samples[0].text)
        return await super().predict(request, options, samples)


def test_nothing_of_what_is_sent_is_logged(written: io.StringIO, tmp_path: Path) -> None:
    settings = Settings(
        models=("text_bilstm",),
        database_url=f"sqlite:///{tmp_path}/a.sqlite",
        history_days=1,
        max_characters=2000,
        max_body_bytes=100_000,
    )
    service = Broken(settings)
    key = service.store.add_key("all", ["predict", "explain", "feedback", "subjects"])
    image = base64.b64encode(f"no picture, {SECRET}".encode()).decode()
    bodies = [
        {"text": f"I love {SECRET}", "id": SECRET, "subject": SECRET},
        {"text": f"I love {SECRET}", "colour": SECRET},
        {"text": SECRET * 1000},
        {"text": SECRET, "taxonomy": SECRET},
        {"text": SECRET, "crop": SECRET},
        {"text": f"break {SECRET}"},
        {"image": image},
        {"image": f"/etc/{SECRET}"},
        {"image": SECRET + "%"},
        {SECRET: SECRET},
        {"text": f"half \ud83d {SECRET}"},
    ]
    with TestClient(create_app(settings, service)) as client:
        client.headers["authorization"] = f"Bearer {key}"
        statuses = [
            client.post(path, content=json.dumps(body)).status_code
            for path in ("/v1/predict", "/v1/explain", "/v1/feedback")
            for body in bodies
        ]
        client.post("/v1/predict/batch", content=json.dumps({"samples": bodies}))
        client.post("/v1/predict/batch", json={"samples": [{"text": SECRET}] * 3})
        client.post("/v1/predict", content=f'{{"text": "{SECRET}')
        client.post("/v1/predict", content=b"\xff" + SECRET.encode())
        client.post("/v1/predict", json={"text": SECRET * 20_000})
        client.post("/v1/predict", data={"text": SECRET, SECRET: SECRET}, files={SECRET: SECRET.encode()})
        client.post(
            "/v1/predict", content=SECRET, headers={"content-type": f"multipart/form-data; a={SECRET}"}
        )
        client.get(f"/v1/{SECRET}?text={SECRET}")
        client.get(f"/v1/subjects/{SECRET}")
        client.post("/v1/predict", json={}, headers={"authorization": f"Bearer {SECRET}"})
    assert {200, 413, 422, 500} < set(statuses)
    text = written.getvalue()
    lines = [json.loads(line) for line in text.splitlines()]
    requests = [line for line in lines if line["message"] == "request"]
    assert len(requests) == len(statuses) + 10
    assert SECRET not in text.lower()
    assert image not in text
    assert key not in text
    assert key.rpartition("_")[2] not in text
    [crash, *_] = [line for line in lines if line["message"] == "crash"]
    assert crash["exception"][0]["type"] == "RuntimeError"
    assert crash["request_id"] in {line["request_id"] for line in requests if line["status"] == 500}


def test_a_line_says_who_asked_for_what(written: io.StringIO, tmp_path: Path) -> None:
    settings = Settings(models=("text_bilstm",), database_url=f"sqlite:///{tmp_path}/a.sqlite")
    service = Service(settings)
    key = service.store.add_key("all", ["predict", "subjects"])
    with TestClient(create_app(settings, service)) as client:
        client.headers.update({"x-api-key": key, "x-request-id": "mine"})
        client.post("/v1/predict/batch", json={"samples": [{"text": "a"}, {"text": "b"}]})
        client.delete("/v1/subjects/ann")
    batch, erasure = [
        line for line in map(json.loads, written.getvalue().splitlines()) if line["message"] == "request"
    ]
    assert batch.pop("ms") > 0
    assert {name: batch[name] for name in batch if name not in ("time", "level", "logger", "message")} == {
        "request_id": "mine",
        "method": "POST",
        "route": "/v1/predict/batch",
        "status": 200,
        "key_id": service.store.list_keys()[0].id,
        "samples": 2,
    }
    assert (erasure["method"], erasure["route"]) == ("DELETE", "/v1/subjects/{subject}")
