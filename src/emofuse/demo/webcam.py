"""The camera of a visitor: frames come over a socket, and each is answered before the next is read."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import urlsplit

from anyio.to_thread import run_sync
from starlette.websockets import WebSocket, WebSocketDisconnect

from emofuse.demo.faces import FaceFollower, name_trouble
from emofuse.demo.models import Choices
from emofuse.demo.present import render
from emofuse.demo.record import Entry, Record, write_csv
from emofuse.demo.timeline import draw_timeline
from emofuse.errors import InputError
from emofuse.preprocess import load_image

__all__ = ["MAX_BYTES", "Film", "answer_camera"]

MAX_BYTES = 256 * 1024  # of a message; a frame of 640 x 480 has about 50 KB
MAX_PIXELS = 640 * 640
NO_FRAME = f"The frame is not a picture, or has more than {MAX_PIXELS:,} pixels."
FRAMES_PER_S = 15  # about as many as script/webcam.js sends of a camera's 30
KEPT_EVERY_S = 0.2  # of what the timeline and the table show
DRAWN_EVERY_S = 0.5
SHOWN_S = 60.0  # of the timeline, while filming
BAD_REQUEST, TOO_LARGE, FOREIGN = 1007, 1009, 1008


class Film:
    """What one visitor's camera has shown since it was started. Frames themselves are not kept.

    Args:
        choices: What can read.
        clock: s, never going back.
    """

    def __init__(self, choices: Choices, clock: Callable[[], float] = time.monotonic) -> None:
        self._choices, self._clock = choices, clock
        self._follower = FaceFollower(next(iter(choices.values())), FRAMES_PER_S)
        self._record = Record("seconds")
        self._began = clock()
        self._drawn = self._kept = -DRAWN_EVERY_S
        self._answered: deque[float] = deque(maxlen=2 * FRAMES_PER_S)

    def use(self, name: str) -> bool:
        """Let the models of that name read what follows; False if there are none."""
        if name not in self._choices:
            return False
        self._follower.use(self._choices[name])
        return True

    def read(self, frame: bytes) -> dict[str, str]:
        """Take in a frame.

        Args:
            frame: JPEG.

        Returns:
            Part of the page -> HTML that it shows from now on.
        """
        started = self._clock()
        now = started - self._began
        try:
            image = load_image(frame, max_pixels=MAX_PIXELS)[0]
        except InputError:
            return {"reading": render("track_reading", prediction=None, trouble=NO_FRAME)}
        prediction, state = self._follower.read(image, now)
        trouble = name_trouble(prediction)
        if state.events or now - self._kept >= KEPT_EVERY_S:
            self._kept = now
            self._record.add(Entry(state, error=trouble))
        self._answered.append(now)
        height, width = image.shape[:2]
        parts = {
            "overlay": render("track_box", faces=prediction.faces, width=width, height=height),
            "reading": render(
                "track_reading",
                prediction=prediction,
                trouble=trouble,
                milliseconds=1000 * (self._clock() - started),
                per_second=self._rate(),
            ),
            "label": state.label or "",
        }
        if now - self._drawn >= DRAWN_EVERY_S:
            self._drawn = now
            timeline = draw_timeline(self._record, last_s=SHOWN_S)
            parts["timeline"] = render("track_timeline", timeline=timeline, record=self._record, live=True)
        return parts

    def finish(self) -> dict[str, str]:
        """The whole timeline, and the table of all states as `csv`."""
        timeline = draw_timeline(self._record)
        return {
            "overlay": "",
            "reading": "",
            "timeline": render("track_timeline", timeline=timeline, record=self._record, live=False),
            "csv": write_csv(self._record.entries),
        }

    def _rate(self) -> float | None:
        spent = self._answered[-1] - self._answered[0]
        return (len(self._answered) - 1) / spent if spent > 0 else None


def answer_camera(choices: Choices) -> Callable[[WebSocket], Awaitable[None]]:
    """Build the endpoint of the socket.

    A binary message is a frame. A text is JSON: `{"models": NAME}` chooses who reads the frames that follow,
    `{"stop": true}` asks for what `Film.finish` gives, after which the socket closes. Whatever a socket has
    shown is forgotten with it.

    Args:
        choices: What can read.

    Returns:
        The endpoint.
    """

    async def film(socket: WebSocket) -> None:
        if not _is_own_page(socket):
            await socket.close(FOREIGN)
            return
        await socket.accept()
        with suppress(WebSocketDisconnect):
            await _converse(socket, Film(choices))

    return film


async def _converse(socket: WebSocket, film: Film) -> None:
    while (message := await socket.receive())["type"] != "websocket.disconnect":
        frame, text = message.get("bytes"), message.get("text") or ""
        if len(frame or text) > MAX_BYTES:
            await socket.close(TOO_LARGE)
        elif frame is not None:
            await socket.send_json(await run_sync(film.read, frame))
        elif (order := _parse(text)).get("stop") is True:
            await socket.send_json(await run_sync(film.finish))
            await socket.close()
        elif not film.use(str(order.get("models"))):
            await socket.close(BAD_REQUEST)


def _parse(text: str) -> dict[str, object]:
    try:
        order = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return order if isinstance(order, dict) else {}


def _is_own_page(socket: WebSocket) -> bool:
    # Browsers let every page open sockets to this machine, and say only whose page it is.
    return urlsplit(socket.headers.get("origin", "")).netloc == socket.headers.get("host")
