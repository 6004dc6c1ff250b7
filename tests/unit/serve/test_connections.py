import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest
import uvicorn

from emofuse.serve import Settings
from emofuse.serve.connections import (
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_PIPELINED,
    Connection,
    uvicorn_options,
)

GET = b"GET / HTTP/1.1\r\nhost: a\r\n"
LARGE = 20_000_000
Connect = Callable[[], socket.socket]


async def app(scope, receive, send):
    """Answers without reading the body; of `/slow`, once it is read; `/large` more than the system buffers."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/slow":
        while (await receive()).get("more_body"):
            pass
    body = b"a" * LARGE if scope["path"] == "/large" else b"ok"
    size = b"%d" % len(body)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", size)]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def connect() -> Iterator[Connect]:
    options = uvicorn_options(Settings(idle_s=0.5, max_connections=8)) | {"log_config": None}
    kind: type[Connection] = options["http"]
    kind.linger_s = 0.3
    options["timeout_keep_alive"] = 1
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", **options))
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    with ExitStack() as stack:

        def build() -> socket.socket:
            own = stack.enter_context(socket.create_connection(listening.getsockname()))
            own.settimeout(5)
            return own

        yield build
        server.should_exit = True
        thread.join()


def read_answer(own: socket.socket) -> bytes:
    """One answer of `app`, which may come in pieces."""
    found = b""
    while not found.endswith(b"ok"):
        data = own.recv(4096)
        assert data, found
        found += data
    return found


def drain(own: socket.socket) -> tuple[bytes, float]:
    """What comes until the other side closes, and the seconds until then."""
    start, found = time.monotonic(), b""
    try:
        while data := own.recv(65_536):
            found += data
    except ConnectionResetError:
        pass
    own.close()
    return found, time.monotonic() - start


def trickle(own: socket.socket, piece: bytes) -> float:
    """The seconds for which the other side takes pieces, at most 4."""
    start = time.monotonic()
    with suppress(OSError):
        for _ in range(80):
            own.sendall(piece)
            time.sleep(0.05)
    own.close()
    return time.monotonic() - start


def check_problem(answer: bytes, status: int, code: str) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, code)


def test_connections_serve_many_requests(connect: Connect) -> None:
    own = connect()
    for _ in range(3):
        own.sendall(GET + b"\r\n")
        read_answer(own)
    own.sendall((GET + b"\r\n") * 2)  # pipelined
    time.sleep(0.1)
    assert own.recv(4096).count(b"200 OK") == 2
    own.close()


def test_silent_connections_are_closed(connect: Connect) -> None:
    answer, seconds = drain(connect())
    assert answer == b""
    assert 0.3 < seconds < 2


def test_heads_that_never_end_are_closed(connect: Connect) -> None:
    own = connect()
    own.sendall(GET)
    assert trickle(own, b"x: a\r\n") < 2


@pytest.mark.parametrize(
    "head",
    [
        b"".join(b"x-%d: a\r\n" % number for number in range(MAX_HEADERS + 1)),
        b"x: " + b"a" * MAX_HEADER_BYTES + b"\r\n",
        b"x: " + b"a" * 2_000_000 + b"\r\n",
        b"".join(b"x-%d: %s\r\n" % (number, b"a" * 1000) for number in range(90)),
    ],
)
def test_large_heads_are_refused(connect: Connect, head: bytes) -> None:
    own = connect()
    own.sendall(GET)
    time.sleep(0.02)
    with suppress(OSError):  # refused before all of it was sent
        own.sendall(head + b"\r\n")
    if len(head) > 1_000_000:
        # What is sent after the refusal may wipe it out on its way.
        assert drain(own)[0][:12] in (b"", b"HTTP/1.1 431")
        return
    check_problem(drain(own)[0], 431, "headers_too_large")


def test_what_is_no_http_is_refused(connect: Connect) -> None:
    for data in (
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ):
        own = connect()
        own.sendall(data)
        check_problem(drain(own)[0], 400, "bad_request")


def test_bodies_nobody_reads_are_cut_off(connect: Connect) -> None:
    own = connect()
    own.sendall(GET + b"content-length: 1000\r\n\r\n")
    read_answer(own)
    assert trickle(own, b"a") < 2


def test_bodies_that_come_in_pieces_are_read(connect: Connect) -> None:
    own = connect()
    own.sendall(b"POST /slow HTTP/1.1\r\nhost: a\r\ncontent-length: 12\r\n\r\n")
    for _ in range(12):
        time.sleep(0.06)
        own.sendall(b"a")
    read_answer(own)
    own.close()


def test_too_many_connections_are_refused(connect: Connect) -> None:
    time.sleep(0.6)  # those of other tests are closed by now
    held = [connect() for _ in range(8)]
    for own in held:
        own.sendall(GET + b"\r\n")
        read_answer(own)
    check_problem(drain(connect())[0], 503, "overloaded")
    held[0].sendall(GET + b"\r\n")
    read_answer(held[0])
    for own in held:
        own.close()
    time.sleep(0.1)
    again = connect()
    again.sendall(GET + b"\r\n")
    read_answer(again)


@pytest.mark.parametrize(("requests", "more"), [(10, b""), (1, b"connection: close\r\n")])
def test_clients_that_do_not_take_their_answers_are_cut_off(
    connect: Connect, requests: int, more: bytes
) -> None:
    time.sleep(0.6)
    for _ in range(8):
        connect().sendall((b"GET /large HTTP/1.1\r\nhost: a\r\n" + more + b"\r\n") * requests)
    time.sleep(2)
    own = connect()
    own.sendall(GET + b"\r\n")
    read_answer(own)


def test_slow_clients_get_all_of_a_large_answer(connect: Connect) -> None:
    own = connect()
    own.sendall(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
    found = 0
    while found < LARGE:
        time.sleep(0.02)
        piece = own.recv(200_000)
        assert piece
        found += len(piece)
    own.close()


def test_too_many_pipelined_requests_are_cut_off(connect: Connect) -> None:
    own = connect()
    own.sendall((GET + b"\r\n") * (MAX_PIPELINED + 1))
    time.sleep(0.1)
    assert own.recv(65_536).count(b"200 OK") == MAX_PIPELINED + 1
    own.sendall((GET + b"\r\n") * 1000)
    answer, seconds = drain(own)
    assert answer.count(b"200 OK") <= 1
    assert seconds < 0.4
