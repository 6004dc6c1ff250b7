import re
import signal
import socket
import stat
import time
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient
from tests.service import running_demo

from emofuse.demo import build_demo, create_app
from emofuse.demo.models import build_choices
from emofuse.demo.pairs import EXAMPLES


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        choices = build_choices(["text_bilstm"])
        app = create_app(build_demo(choices), choices)
        with TestClient(app, base_url="http://127.0.0.1:7860") as client:
            yield client


def _read(client, photo):
    call = client.post("/gradio_api/call/analyse", json={"data": ["text_bilstm", "", photo]})
    return client.get(f"/gradio_api/call/analyse/{call.json()['event_id']}").text


def test_browser_is_told_to_load_nothing_from_elsewhere(client):
    answer = client.get("/")

    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["connect-src"] == "'self'"
    assert not re.search(r"https?:|\*", " ".join(policy.values()))
    assert not re.findall(r"""(?:src|href)=["']https?://""", answer.text)


def test_another_host_name_is_refused(client):
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400
    assert client.get("/", headers={"host": "localhost:7860"}).status_code == 200


def test_nothing_is_reported_or_kept_in_the_browser(client):
    config = client.get("/config").json()

    assert config["analytics_enabled"] is False
    assert not config.get("run_history")
    assert not re.search("fonts.googleapis|fonts.gstatic", client.get("/theme.css").text)


@pytest.mark.parametrize("meta", [{}, {"meta": {"_type": "gradio.FileData"}}])
def test_files_that_nobody_uploaded_are_not_read(client, meta):
    answer = _read(client, {"path": str(EXAMPLES / "eileen_collins.jpg"), **meta})

    assert answer.startswith("event: error")
    assert "joy" not in answer


def test_uploaded_file_is_read(client):
    with (EXAMPLES / "eileen_collins.jpg").open("rb") as file:
        [path] = client.post("/gradio_api/upload", files={"files": file}).json()

    answer = _read(client, {"path": path, "meta": {"_type": "gradio.FileData"}})

    assert answer.startswith("event: complete")
    assert "joy" in answer


def test_page_is_for_this_machine_alone_and_stops_at_once_though_it_is_open(tmp_path):
    with httpx.Client(timeout=60) as page:
        with running_demo(tmp_path) as address:
            page.send(page.build_request("GET", f"{address}/gradio_api/heartbeat/me"), stream=True)
            # 127.0.0.2 is this machine too, but not the address that the page listens on.
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.2", int(address.rpartition(":")[2])), timeout=5)
            told = time.monotonic()
        assert time.monotonic() - told < 20


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_uploads_are_for_their_owner_and_go_with_the_page(tmp_path, sent):
    environment = {"TMPDIR": str(tmp_path)}
    with running_demo(tmp_path, environment=environment, end=sent) as address:
        with (EXAMPLES / "cat.jpg").open("rb") as file:
            [path] = httpx.post(f"{address}/gradio_api/upload", files={"files": file}, timeout=30).json()
        [folder] = tmp_path.glob("emofuse-demo-*")
        assert Path(path).is_relative_to(folder)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    if sent is signal.SIGKILL:
        assert Path(path).exists()
        with running_demo(tmp_path, environment=environment):
            assert not Path(path).exists()
    assert not list(tmp_path.glob("emofuse-demo-*"))


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
    ],
)
def test_other_websites_are_refused(client, headers):
    answer = client.post("/gradio_api/upload", files={"files": b"x"}, headers=headers)

    assert answer.status_code == 403
    assert client.get("/", headers=headers).status_code == 403


def test_a_link_from_elsewhere_opens_the_page(client):
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}

    assert client.get("/", headers=headers).status_code == 200


def test_no_address_is_looked_up(client, monkeypatch):
    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **_: asked.append(given))
    data = {"path": "HTTP://example.org/x.png", "meta": {"_type": "gradio.FileData"}}

    call = client.post("/gradio_api/call/analyse", json={"data": ["text_bilstm", "", data]})
    shown = client.get("/gradio_api/file=http://example.com/x")
    passed = client.get("/gradio_api/proxy=http://example.com/x")

    assert [call.status_code, shown.status_code, passed.status_code] == [403, 403, 403]
    assert not asked
