"""What every request passes before Gradio sees it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard"]

FORBIDDEN = 403
FETCHING = ("/gradio_api/file=http", "/gradio_api/proxy=")

# Browsers then refuse whatever the page, or a library behind it, would load from elsewhere or send there.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    "worker-src 'self' blob:; frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


class Guard:
    """Refuses what other websites ask, and whatever would have Gradio fetch an address.

    Args:
        app: What answers the rest.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if _is_foreign(headers) or scope["path"].lower().startswith(FETCHING):
            await PlainTextResponse("This page answers to itself alone.", FORBIDDEN)(scope, receive, send)
            return
        if headers.get("content-type", "").startswith("application/json"):
            body = await Request(scope, receive).body()
            if _names_address(body):
                await PlainTextResponse("No address is fetched. Upload the file.", FORBIDDEN)(
                    scope, receive, send
                )
                return
            receive = _replay(body, receive)

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *_HEADERS]}
            await send(message)

        await self._app(scope, receive, send_safely)


def _is_foreign(headers: Headers) -> bool:
    # Browsers let every website send requests to this machine, and say only whose they are.
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        return True
    elsewhere = headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}
    return elsewhere and headers.get("sec-fetch-mode") != "navigate"


def _names_address(body: bytes) -> bool:
    try:
        waiting: list[Any] = [json.loads(body)]
    except (ValueError, RecursionError):
        return False  # Gradio cannot read it either
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            path = value.get("path")
            if isinstance(path, str) and path.lower().startswith(("http:", "https:")):
                return True
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return False


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
