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


class Limits:
    """Wraps an application.

    Args:
        app: What answers.
        max_body_bytes: Largest request body.
        body_timeout_s: Seconds in which a request body has to arrive.
        is_full: Whether a request to a path would be refused anyway once it was read.
    """

    def __init__(
        self, app: ASGIApp, *, max_body_bytes: int, body_timeout_s: float, is_full: Callable[[str], bool]
    ) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._body_timeout_s = body_timeout_s
        self._is_full = is_full

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if (refusal := self._refuse(scope)) is not None:
            await problem_of(refusal, Request(scope))(scope, receive, send)
            return
        await self._app(scope, self._limit(receive), send)

    def _refuse(self, scope: Scope) -> EmofuseError | None:
        if self._is_full(scope["path"]):
            return OverloadedError("Too many requests wait already. Try again later.", retry_after_s=RETRY_S)
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value[:19]) > self._max_body_bytes:
                return self._too_large()
        return None

    def _limit(self, receive: Receive) -> Receive:
        taken, more, until = 0, True, asyncio.get_running_loop().time() + self._body_timeout_s

        async def receive_some() -> Message:
            nonlocal taken, more
            if not more:
                return await receive()
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError as error:
                raise BodyTimeoutError(
                    f"The request body did not arrive within {self._body_timeout_s:g} s. Send less at once."
                ) from error
            more = message.get("more_body", False)
            taken += len(message.get("body", b""))
            if taken > self._max_body_bytes:
                raise self._too_large()
            return message

        return receive_some

    def _too_large(self) -> BodyTooLargeError:
        return BodyTooLargeError(
            f"A request body has at most {self._max_body_bytes:,} bytes here. Send less at once."
        )
