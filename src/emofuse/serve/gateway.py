"""What every request passes first: an id, safe headers, an answer even to a crash, a count and a log line."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emofuse.serve.monitoring import Monitor
from emofuse.serve.problems import render_crash

__all__ = ["Gateway"]

LOG = logging.getLogger("emofuse.serve")

CLIENT_LEFT = 499
_REFUSED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


class Gateway:
    """Wraps an application.

    Args:
        app: What answers. In the scope it may leave `key_id` and `samples` for the log, `stages` (name -> s)
            and `problem` (a code) for the monitor.
        monitor: Gives the monitor once there is one.
    """

    def __init__(self, app: ASGIApp, *, monitor: Callable[[], Monitor]) -> None:
        self._app = app
        self._monitor = monitor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] != "lifespan":
            scope["request_id"] = _request_id(scope)
        if scope["type"] == "websocket":
            await self._stream(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["arrived"] = start = time.monotonic()
        monitor = self._monitor()
        request_id: str = scope["request_id"]
        status = 0
        extra = [*_HEADERS, (b"x-request-id", request_id.encode())]

        async def send_safely(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        try:
            with monitor.in_flight():
                await self._app(scope, receive, send_safely)
        except ClientDisconnect:
            status = CLIENT_LEFT
        except Exception as error:
            LOG.error("crash", exc_info=error, extra={"request_id": request_id})
            if status:  # half an answer is out: only closing the connection tells the client
                raise
            await render_crash(Request(scope))(scope, receive, send_safely)
        finally:
            status = status or HTTPStatus.INTERNAL_SERVER_ERROR
            seconds = time.monotonic() - start
            _count(scope, status, seconds, monitor)
            _log(scope, status, seconds)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        start, status = time.perf_counter(), HTTPStatus.SWITCHING_PROTOCOLS.value
        scope["request_id"], scope["method"] = _request_id(scope), "GET"

        async def send_safely(message: Message) -> None:
            nonlocal status
            if message["type"] == "websocket.http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_safely)
        finally:
            _log(scope, status, time.monotonic() - start)


def _count(scope: Scope, status: int, seconds: float, monitor: Monitor) -> None:
    route = getattr(scope.get("route"), "path_format", None)
    if route is not None and status < HTTPStatus.BAD_REQUEST:
        monitor.observe_request(route, {**scope.get("stages", {}), "total": seconds})
    problem = scope.get("problem")
    if problem is None:
        return
    if status in _REFUSED:
        monitor.reject(problem)
    else:
        monitor.fail(problem)


def _log(scope: Scope, status: int, seconds: float) -> None:
    line = {
        "request_id": scope["request_id"],
        "method": scope["method"],
        # The path itself may hold what a client wrote.
        "route": getattr(scope.get("route"), "path_format", None),
        "status": int(status),
        "ms": round(1000 * seconds, 2),
        "key_id": scope.get("key_id"),
        "samples": scope.get("samples"),
    }
    LOG.info("request", extra={name: value for name, value in line.items() if value is not None})


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _ID.fullmatch(value):
            given: str = value.decode()
            return given
    return uuid.uuid4().hex
