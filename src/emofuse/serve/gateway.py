"""What every request passes first: an id, a limit on its body, safe headers, one line in the log."""

from __future__ import annotations

import logging
import re
import time
import uuid
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emofuse.errors import BodyTooLargeError

__all__ = ["Gateway"]

LOG = logging.getLogger("emofuse.serve")

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
        app: What answers.
        max_body_bytes: Largest request body.
    """

    def __init__(self, app: ASGIApp, *, max_body_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        scope["request_id"] = request_id = _request_id(scope)
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value
        extra = [*_HEADERS, (b"x-request-id", request_id.encode())]

        async def send_safely(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        try:
            await self._app(scope, self._limit(receive), send_safely)
        finally:
            route = getattr(scope.get("route"), "path", None)
            LOG.info(
                "request",
                extra={
                    "request_id": request_id,
                    "method": scope["method"],
                    "route": route,
                    "status": status,
                    "ms": round(1000 * (time.perf_counter() - start), 2),
                },
            )

    def _limit(self, receive: Receive) -> Receive:
        taken = 0

        async def receive_some() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._max_body_bytes:
                raise BodyTooLargeError(
                    f"A request body has at most {self._max_body_bytes:,} bytes here. Send less at once."
                )
            return message

        return receive_some


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _ID.fullmatch(value):
            given: str = value.decode()
            return given
    return uuid.uuid4().hex
