import asyncio
import json

import pytest
from starlette.requests import Request
from starlette.responses import Response

from emofuse.errors import BodyTimeoutError, BodyTooLargeError
from emofuse.serve.gateway import CLIENT_LEFT, Gateway
from emofuse.serve.limits import Limits
from emofuse.serve.monitoring import Monitor
from emofuse.serve.problems import problem_of

SCOPE = {"type": "http", "method": "POST", "path": "/a", "query_string": b""}

MONITOR = Monitor([])


async def echo(scope, receive, send):
    """Answers with the size of the body, or why it could not be read."""
    request = Request(scope, receive)
    try:
        answer = Response(str(len(await request.body())))
    except (BodyTimeoutError, BodyTooLargeError) as error:
        answer = problem_of(error, request)
    await answer(scope, receive, send)


def ask(app, *parts, headers=(), pause_s=0.0):
    """Send a body in parts; the status, the headers and the body of the answer."""
    waiting = [*parts]
    sent = []

    async def receive():
        if not waiting:
            await asyncio.sleep(10)
        await asyncio.sleep(pause_s)
        part = waiting.pop(0)
        if part is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": bool(waiting)}

    async def send(message):
        sent.append(message)

    asyncio.run(app({**SCOPE, "headers": list(headers)}, receive, send))
    if not sent:
        return None
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def limits(app=echo, *, full=(), most=2):
    return Limits(
        app, max_body_bytes=10, body_timeout_s=0.1, max_requests=most, is_full=lambda path: path in full
    )


def code(body):
    return json.loads(body)["code"]


def test_bodies_up_to_the_limit_pass():
    assert ask(limits(), b"12345", b"67890")[::2] == (200, b"10")


def test_larger_bodies_are_refused_announced_or_not():
    status, _, body = ask(limits(), b"123456", b"78901", b"never read")
    assert (status, code(body)) == (413, "body_too_large")
    for announced in (b"11", b"0000000000000000011", b"9" * 5000):
        status, _, body = ask(limits(), headers=[(b"content-length", announced)])
        assert (status, code(body)) == (413, "body_too_large")


def test_slow_bodies_are_refused():
    status, _, body = ask(limits(), b"1", b"2", b"3", b"4", b"5", pause_s=0.04)
    assert (status, code(body)) == (408, "body_timeout")


def test_a_full_queue_is_told_before_the_body_is_read():
    status, headers, body = ask(limits(full=("/a",)))
    assert (status, code(body)) == (503, "overloaded")
    assert headers[b"retry-after"] == b"1"
    assert ask(limits(full=("/b",)), b"1")[0] == 200


async def crash(scope, receive, send):
    raise RuntimeError("secret")


async def crash_late(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError("secret")


def test_a_crash_is_a_problem_with_safe_headers():
    status, headers, body = ask(
        Gateway(crash, monitor=lambda: MONITOR), b"", headers=[(b"x-request-id", b"r-1")]
    )
    assert (status, code(body)) == (500, "internal")
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"x-request-id"].decode() == json.loads(body)["request_id"] == "r-1"
    assert b"secret" not in body
    with pytest.raises(RuntimeError):  # half an answer is out: the server has to close the connection
        ask(Gateway(crash_late, monitor=lambda: MONITOR), b"")


def test_a_client_that_leaves_is_no_crash(caplog):
    caplog.set_level("INFO", "emofuse.serve")
    assert ask(Gateway(limits(), monitor=lambda: MONITOR), b"1", None) is None
    [line] = caplog.records
    assert (line.message, line.status) == ("request", CLIENT_LEFT)


def test_requests_beyond_the_limit_are_refused_until_others_are_answered():
    opened, codes = [], []

    async def slow(scope, receive, send):
        request = Request(scope, receive)
        await request.body()
        opened.append(gate := asyncio.Event())
        await gate.wait()
        await Response(b"ok")(scope, receive, send)

    async def run():
        app = limits(slow)

        async def one(path="/a", *, whole=True):
            async def receive():
                if not whole:
                    await asyncio.sleep(10)
                return {"type": "http.request", "body": b"1", "more_body": False}

            async def send(message):
                if message["type"] == "http.response.start":
                    codes.append(message["status"])

            try:
                await app({**SCOPE, "path": path, "headers": []}, receive, send)
            except BodyTimeoutError:
                codes.append(408)

        uploads = [asyncio.create_task(one(whole=False)) for _ in range(5)]  # these hold no place
        running = [asyncio.create_task(one()) for _ in range(2)]
        await asyncio.sleep(0.01)
        await one()
        assert codes == [503]
        health = asyncio.create_task(one("/healthz"))
        await asyncio.sleep(0.01)
        opened[0].set()
        opened[2].set()
        await asyncio.gather(running[0], health)
        again = asyncio.create_task(one())
        await asyncio.sleep(0.01)
        for gate in opened:
            gate.set()
        await asyncio.gather(running[1], again, *uploads)
        assert sorted(codes) == [200, 200, 200, 200, 408, 408, 408, 408, 408, 503]

    asyncio.run(run())
