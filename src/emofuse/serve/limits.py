"""What a request may cost before it is read: bytes and seconds of its body, or nothing when all are busy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emofuse.errors import BodyTimeoutError, BodyTooLargeError, EmofuseError, OverloadedError
from emofuse.serve.problems import problem_of

__all__ = ["Limits"]

RETRY_S = 1.0
# Whoever watches over the process asks most urgently when it is busy.
_ALWAYS = ("/healthz", "/readyz", "/metrics")


class Limits:
    """Wraps an application.

    Args:
        app: What answers.
        max_body_bytes: Largest request body.
        body_timeout_s: Seconds in which a request body has to arrive.
        max_requests: Requests that have arrived and are not answered yet; more are refused at once.
        is_full: Whether a request to a path would be refused anyway once it was read.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body_bytes: int,
        body_timeout_s: float,
        max_requests: int,
        is_full: Callable[[str], bool],
    ) -> None:
        self._app = app
        self.max_body_bytes = max_body_bytes
        self.body_timeout_s = body_timeout_s
        self._max_requests = max_requests
        self._is_full = is_full
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] != "http" or scope["path"] in _ALWAYS:
            await self._app(scope, receive, send)
            return
        try:
            self._check(scope)
        except EmofuseError as refusal:
            await problem_of(refusal, Request(scope))(scope, receive, send)
            return
        body = _Body(self, receive)
        try:
            await self._app(scope, body.receive, send)
        finally:
            self._requests -= body.arrived

    def begin(self) -> None:
        """Count a request that has arrived.

        Raises:
            OverloadedError: There are too many. They would wait in the event loop, where no deadline holds.
        """
        if self._requests >= self._max_requests:
            raise _overloaded()
        self._requests += 1

    def check_size(self, size: int) -> None:
        """Refuse a body that is too large.

        Args:
            size: Its bytes.

        Raises:
            BodyTooLargeError: It is.
        """
        if size > self.max_body_bytes:
            raise BodyTooLargeError(
                f"A request body has at most {self.max_body_bytes:,} bytes here. Send less at once."
            )

    def _check(self, scope: Scope) -> None:
        if self._requests >= self._max_requests or self._is_full(scope["path"]):
            raise _overloaded()
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit():
                self.check_size(int(value[:19]))


class _Body:
    # A request counts from when its body is there, so that slow ones do not keep others out.

    def __init__(self, limits: Limits, receive: Receive) -> None:
        self.arrived = False
        self._limits, self._receive = limits, receive
        self._bytes = 0
        self._until = asyncio.get_running_loop().time() + limits.body_timeout_s

    async def receive(self) -> Message:
        if self.arrived:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError as error:
            raise BodyTimeoutError(
                f"The request body did not arrive within {self._limits.body_timeout_s:g} s. Send less."
            ) from error
        self._bytes += len(message.get("body", b""))
        self._limits.check_size(self._bytes)
        if not message.get("more_body", False):
            self._limits.begin()
            self.arrived = True
        return message


def _overloaded() -> OverloadedError:
    return OverloadedError("Too many requests wait already. Try again later.", retry_after_s=RETRY_S)
