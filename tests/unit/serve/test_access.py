import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.requests import HTTPConnection
from starlette.testclient import WebSocketDenialResponse

from emofuse.errors import ConfigError, EmofuseError, ForbiddenError, RateLimitedError, UnauthorizedError
from emofuse.serve import Settings, access, create_app
from emofuse.serve.access import Access, check_exposure, is_loopback, needs
from emofuse.serve.problems import render_error
from emofuse.serve.service import Service


@dataclass
class FakeKey:
    id: str
    scopes: tuple[str, ...]


@dataclass
class FakeKeys:
    keys: dict[str, FakeKey] = field(default_factory=dict)
    asked: int = 0

    def authenticate(self, key: str) -> FakeKey | None:
        self.asked += 1
        return self.keys.get(key)

    def any_keys(self) -> bool:
        return bool(self.keys)


def connection(client: str = "127.0.0.1", **headers: str) -> HTTPConnection:
    given = {"host": "localhost:8000", **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
    return HTTPConnection({"type": "http", "headers": raw, "client": (client, 5000)})


def admit(own: Access, *scopes: str, **given: str) -> str | None:
    """The id of the key that was let in, None for an open service."""
    request = connection(**given)
    asyncio.run(own.admit(request, scopes))
    return request.scope.get("key_id")


KEYS = {"good": FakeKey("k1", ("predict", "explain")), "other": FakeKey("k2", ("metrics",))}


def test_a_key_is_taken_from_either_header() -> None:
    own = Access(FakeKeys(KEYS), Settings())
    assert admit(own, "predict", authorization="Bearer good") == "k1"
    assert admit(own, "predict", authorization="bearer  good ") == "k1"
    assert admit(own, "predict", "explain", x_api_key="good") == "k1"
    assert admit(own, "metrics", x_api_key="other") == "k2"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer wrong"},
        {"authorization": "Basic good"},
        {"authorization": "good"},
        {"x_api_key": ""},
        {"x_api_key": "good "},
        {"x_api_key": "go\xf6d"},
        {"x_api_key": "x" * 10_000},
    ],
)
def test_without_a_good_key_nobody_gets_in(headers: dict[str, str]) -> None:
    with pytest.raises(UnauthorizedError) as refused:
        admit(Access(FakeKeys(KEYS), Settings()), "predict", **headers)
    assert "good" not in str(refused.value)


def test_a_key_without_the_scope_is_refused() -> None:
    own = Access(FakeKeys(KEYS), Settings())
    for scopes in (("predict",), ("metrics", "explain")):
        with pytest.raises(ForbiddenError):
            admit(own, *scopes, x_api_key="other")


def test_a_key_is_looked_up_once_and_again_after_a_while() -> None:
    keys = FakeKeys(dict(KEYS))
    own = Access(keys, Settings())
    assert {admit(own, "predict", x_api_key="good") for _ in range(5)} == {"k1"}
    assert keys.asked == 1
    del keys.keys["good"]
    assert admit(own, "predict", x_api_key="good") == "k1"
    # As though the key had been looked up longer ago.
    own._trusted = {digest: (key, until - access.TRUST_S) for digest, (key, until) in own._trusted.items()}
    for _ in range(2):
        with pytest.raises(UnauthorizedError):
            admit(own, "predict", x_api_key="good")
    assert not own._trusted


def test_unknown_keys_are_not_remembered() -> None:
    own = Access(FakeKeys(KEYS), Settings())
    for number in range(20):
        with pytest.raises(UnauthorizedError):
            admit(own, "predict", x_api_key=f"guess {number}")
    assert not own._trusted


def test_without_keys_this_machine_alone_gets_in() -> None:
    own = Access(FakeKeys(), Settings())
    assert admit(own, "metrics") is None
    assert admit(own, "metrics", client="::1", host="[::1]:8000") is None
    assert admit(own, "metrics", client="testclient", host="anything") is None
    with pytest.raises(UnauthorizedError):
        admit(own, "predict", client="192.0.2.7")
    with pytest.raises(UnauthorizedError):
        admit(Access(FakeKeys(), Settings(host="0.0.0.0")), "predict")


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "attacker.example:8000"},
        {"host": ""},
        {"host": "["},
        {"host": "localhost.attacker.example"},
        {"origin": "https://attacker.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9999"},
        {"origin": "http://["},
    ],
)
def test_without_keys_pages_of_others_do_not_get_in(headers: dict[str, str]) -> None:
    with pytest.raises(ForbiddenError):
        admit(Access(FakeKeys(), Settings()), "predict", **headers)


@pytest.mark.parametrize(
    "header",
    ["forwarded", "via", "x_real_ip", "x_forwarded_for", "x_forwarded_host", "x_forwarded_proto"],
)
def test_without_keys_nobody_gets_in_through_a_proxy(header: str) -> None:
    own, given = Access(FakeKeys(), Settings()), {header: "127.0.0.1"}
    with pytest.raises(ForbiddenError, match="keys add"):
        admit(own, "predict", host="127.0.0.1:8000", **given)
    assert admit(Access(FakeKeys(KEYS), Settings()), "predict", x_api_key="good", **given) == "k1"


def test_own_and_allowed_pages_get_in() -> None:
    assert admit(Access(FakeKeys(), Settings()), "predict", origin="http://localhost:8000") is None
    own = Access(FakeKeys(), Settings(cors_origins=("https://a.example",)))
    assert admit(own, "predict", origin="https://a.example") is None


def test_the_first_key_closes_the_service_for_good() -> None:
    keys = FakeKeys()
    own = Access(keys, Settings())
    assert admit(own, "predict") is None
    keys.keys = dict(KEYS)
    own._open_until = 0.0  # as though the last look was a while ago
    with pytest.raises(UnauthorizedError):
        admit(own, "predict")
    keys.keys = {}
    own._open_until = 0.0
    with pytest.raises(UnauthorizedError):
        admit(own, "predict")


def test_requests_are_counted_by_key_and_guesses_by_address() -> None:
    own = Access(FakeKeys(KEYS), Settings(rate_per_s=0.001, burst=2))
    for _ in range(2):
        admit(own, x_api_key="good")
        with pytest.raises(UnauthorizedError):
            admit(own, x_api_key="guess")
    for key in ("good", "guess"):
        with pytest.raises(RateLimitedError) as refused:
            admit(own, x_api_key=key)
        assert 900 < (refused.value.retry_after_s or 0) <= 1000
    assert admit(own, x_api_key="other") == "k2"


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.168.1.2", False),
        ("notlocalhost", False),
        ("localhost.example", False),
    ],
)
def test_a_service_without_keys_listens_on_loopback_alone(host: str, alone: bool) -> None:
    assert is_loopback(host) is alone
    settings = Settings(host=host)
    check_exposure(settings, FakeKeys(KEYS))
    if alone:
        check_exposure(settings, FakeKeys())
    else:
        with pytest.raises(ConfigError, match="API key"):
            check_exposure(settings, FakeKeys())


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Service]]:
    """A service whose store has keys."""
    url = f"sqlite:///{tmp_path_factory.mktemp('keys')}/keys.sqlite"
    service = Service(Settings(models=("text_bilstm",), database_url=url))
    service.store.add_key("first", ["metrics"])
    with TestClient(create_app(service.settings, service)) as client:
        yield client, service


ROUTES = [
    ("POST", "/v1/predict", "predict"),
    ("POST", "/v1/predict/batch", "predict"),
    ("POST", "/v1/explain", "explain"),
    ("POST", "/v1/feedback", "feedback"),
    ("GET", "/v1/models", "predict"),
    ("GET", "/metrics", "metrics"),
    ("GET", "/v1/subjects/a", "subjects"),
    ("DELETE", "/v1/subjects/a", "subjects"),
]


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
def test_each_route_asks_for_its_scope(
    guarded: tuple[TestClient, Service], method: str, path: str, scope: str
) -> None:
    client, service = guarded
    every = {"predict", "explain", "feedback", "subjects", "metrics"}
    right = service.store.add_key(f"{method} {path}", [scope])
    wrong = service.store.add_key(f"not {method} {path}", sorted(every - {scope}))

    def ask(key: str | None) -> tuple[int, str | None]:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        answer = client.request(method, path, headers=headers)
        return answer.status_code, answer.json()["code"] if answer.status_code >= 400 else None

    assert ask(None) == ask("wrong") == ask(right[:-1]) == ask(right + "a") == (401, "unauthorized")
    assert ask(wrong) == (403, "forbidden")
    assert ask(right)[0] not in (401, 403)


def test_a_revoked_key_is_refused_within_seconds(guarded: tuple[TestClient, Service]) -> None:
    client, service = guarded
    key = service.store.add_key("to revoke", ["predict"])
    assert client.get("/v1/models", headers={"x-api-key": key}).status_code == 200
    service.store.revoke_key("to revoke")
    trusted = client.app.state.access._trusted
    trusted.update({digest: (own, until - access.TRUST_S) for digest, (own, until) in trusted.items()})
    answer = client.get("/v1/models", headers={"x-api-key": key})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


def test_health_and_description_are_open(guarded: tuple[TestClient, Service]) -> None:
    client, _ = guarded
    assert {client.get(path).status_code for path in ("/healthz", "/readyz", "/openapi.json")} == {200}


def test_every_route_but_the_open_ones_names_its_scope(guarded: tuple[TestClient, Service]) -> None:
    found = guarded[0].get("/openapi.json").json()
    assert set(found["components"]["securitySchemes"]) == {"bearer", "header"}
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            if path in ("/healthz", "/readyz"):
                assert "security" not in operation
            else:
                [bearer, header] = operation["security"]
                assert bearer["bearer"] == header["header"] != [], (method, path)


def test_rate_limit_answers_with_a_problem(tmp_path: Path) -> None:
    settings = Settings(
        models=("text_bilstm",), database_url=f"sqlite:///{tmp_path}/a.sqlite", rate_per_s=0.01, burst=1
    )
    with TestClient(create_app(settings)) as client:
        assert client.get("/v1/models").status_code == 200
        answer = client.get("/v1/models")
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert 90 < int(answer.headers["retry-after"]) <= 100


def test_web_sockets_ask_for_a_key_too() -> None:
    app = FastAPI()
    app.state.access = Access(FakeKeys(KEYS), Settings())
    app.add_exception_handler(EmofuseError, render_error)

    @app.websocket("/a", dependencies=[needs("predict")])
    async def answer(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("welcome")
        await socket.close()

    client = TestClient(app)
    with client.websocket_connect("/a", headers={"x-api-key": "good"}) as socket:
        assert socket.receive_text() == "welcome"
    for headers, status in (({}, 401), ({"x-api-key": "wrong"}, 401), ({"x-api-key": "other"}, 403)):
        with (
            pytest.raises(WebSocketDenialResponse) as refused,
            client.websocket_connect("/a", headers=headers),
        ):
            pass
        assert refused.value.status_code == status
