"""Connections that ask for too much or for nothing: what uvicorn leaves open is bounded here."""

from __future__ import annotations

import asyncio
import json
import math
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from emofuse.serve.logs import LOGGING
from emofuse.serve.problems import MEDIA_TYPE
from emofuse.serve.settings import Settings

__all__ = ["Connection", "uvicorn_options"]

MAX_HEADERS = 100
MAX_HEADER_BYTES = 32_768
MAX_PIPELINED = 16  # requests that wait for the answer to the one before
MIN_TAKEN_BYTES = 16_384  # of an answer, in each `idle_s`


class Connection(HttpToolsProtocol):
    """An HTTP connection whose requests begin in time, have small headers, and end with their answer.

    uvicorn's own waits for ever for the rest of a header, of a body that nobody reads, and for a client that
    does not take its answers; it takes headers of any size and any number of requests at once. Its arguments
    are those of its parent; the class for some settings is made by `limited`.
    """

    idle_s = 60.0
    linger_s = 5.0
    max_connections = 500

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._head_done = True
        self._refusal = HTTPStatus.BAD_REQUEST
        self._end: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None

    @classmethod
    def limited(cls, settings: Settings) -> type[Connection]:
        """The class with the limits of some settings."""
        limits = {"idle_s": settings.idle_s, "max_connections": settings.max_connections}
        return type("Connection", (cls,), limits)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or refuse it when there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            self._refuse(
                HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", "Too many connections. Try again later."
            )
            return
        self._end_after(self.idle_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of a connection."""
        self._keep()
        self._flows()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        if not self._head_done:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEADER_BYTES:
                self._refuse_head()
                return
        super().data_received(data)
        if not self._head_done and self._end is None and not self.transport.is_closing():
            self._end_after(self.idle_s)

    def on_message_begin(self) -> None:
        """Begin to read a request."""
        super().on_message_begin()
        self._head_bytes, self._head_done = 0, False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        super().on_header(name, value)
        if len(self.headers) > MAX_HEADERS or len(name) + len(value) > MAX_HEADER_BYTES:
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise ValueError("headers")  # the parser gives up and calls `send_400_response`

    def on_headers_complete(self) -> None:
        """Hand a request over."""
        self._head_done = True
        self._keep()
        super().on_headers_complete()
        if len(self.pipeline) > MAX_PIPELINED:
            self._refusal = HTTPStatus.TOO_MANY_REQUESTS
            raise ValueError("pipelined")  # as for headers

    def on_message_complete(self) -> None:
        """Come to the end of a request."""
        self._keep()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Come to the end of an answer; a client that goes on sending its request is cut off later."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._watch_writing()
        elif self.cycle.more_body:
            self._end_after(self.linger_s)

    def pause_writing(self) -> None:
        """Wait until the client takes what was written, but not for ever."""
        super().pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        """Go on."""
        if not self.transport.is_closing():
            self._flows()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection on which no other request came."""
        self._close()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, or has too much of it."""
        if self._refusal == HTTPStatus.BAD_REQUEST:
            self._refuse(self._refusal, "bad_request", msg)
        elif self._refusal == HTTPStatus.TOO_MANY_REQUESTS:
            self._close()  # an answer now would be taken for that to an earlier request
        else:
            self._refuse_head()

    def _refuse_head(self) -> None:
        message = f"The headers are too large: at most {MAX_HEADERS}, of {MAX_HEADER_BYTES:,} bytes."
        self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", message)

    def _refuse(self, status: HTTPStatus, code: str, message: str) -> None:
        content = {
            "type": f"urn:emofuse:problem:{code}",
            "title": status.phrase,
            "status": status.value,
            "detail": message,
            "code": code,
        }
        body = json.dumps(content).encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self._close()

    def _end_after(self, seconds: float) -> None:
        self._keep()
        self._end = self.loop.call_later(seconds, self._close)

    def _close(self) -> None:
        self.transport.close()
        self._watch_writing()  # it closes once all is written

    def _keep(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None

    def _watch_writing(self) -> None:
        if self._stuck is None:
            left = self.transport.get_write_buffer_size()
            self._stuck = self.loop.call_later(self.idle_s, self._end_stuck, left)

    def _end_stuck(self, before: int) -> None:
        self._stuck = None
        left = self.transport.get_write_buffer_size()
        if left and left > before - MIN_TAKEN_BYTES:
            self.transport.abort()
        elif left:
            self._watch_writing()

    def _flows(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None


def uvicorn_options(settings: Settings) -> dict[str, Any]:
    """What `uvicorn.Config` needs, beside the application and where to listen.

    Args:
        settings: What the operator decided.

    Returns:
        Its keyword arguments.
    """
    return {
        "http": Connection.limited(settings),
        # Not uvloop: flooded, it answered less and let single connections wait for seconds.
        "loop": "asyncio",
        "log_config": LOGGING,
        "access_log": False,
        # The address of a client is that of its connection, whatever it says itself.
        "proxy_headers": False,
        "server_header": False,
        "timeout_keep_alive": math.ceil(settings.idle_s),
        "timeout_graceful_shutdown": math.ceil(settings.batch_deadline_s),
        "ws_max_size": settings.max_body_bytes,
    }
