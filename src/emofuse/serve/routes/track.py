"""`/v1/track`: a conversation or a stream of frames in, smoothed states out, over a WebSocket."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect, status

from emofuse.errors import EmofuseError
from emofuse.serve.access import needs
from emofuse.serve.engine import PredictOptions
from emofuse.serve.problems import public
from emofuse.serve.requests import TurnBody, read_json
from emofuse.serve.service import Service
from emofuse.tracking import Tracker

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["track"])


@router.websocket("/track", dependencies=[needs("predict")])
async def track(
    socket: WebSocket,
    half_life: Annotated[float, Query(gt=0, allow_inf_nan=False)] = 0.5,
    unit: Literal["turns", "seconds"] = "turns",
    crop: bool = False,
) -> None:
    """Answer each turn with its prediction and the smoothed state after it.

    A message is JSON: `text`, `image` (base64) or both, `speaker`, `time` in seconds, `id`. The answer is
    `{"prediction": ..., "state": ...}`, or `{"error": ...}` after which the next turn may follow. One turn is
    read at a time: a client that sends faster than it is answered drops frames itself.
    """
    service: Service = socket.app.state.service
    await socket.accept()
    tracker, number = Tracker(half_life=half_life, unit=unit), 0
    try:
        while True:
            async with asyncio.timeout(service.settings.idle_s):
                message = await _hear(socket)
            await socket.send_text(await _answer(socket, tracker, message, name=str(number), crop=crop))
            number += 1
    except TimeoutError:
        await socket.close(status.WS_1001_GOING_AWAY, "No turn came for a while.")
    except WebSocketDisconnect:
        pass


async def _hear(socket: WebSocket) -> str | bytes:
    # The framework's own `receive_text` fails on a binary message.
    heard = await socket.receive()
    if heard["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(heard["code"])
    message: str | bytes = heard.get("text") or heard.get("bytes") or ""
    return message


async def _answer(socket: WebSocket, tracker: Tracker, message: str | bytes, *, name: str, crop: bool) -> str:
    service: Service = socket.app.state.service
    try:
        turn = read_json(message, TurnBody)
        sample = turn.to_sample(name)
        options = PredictOptions(crop=crop, pictured=sample.image is not None)
        until = time.monotonic() + service.settings.deadline_s
        [answer] = (await service.predictions.submit(options, [sample], until=until)).results
        if (error := answer.prediction.error) is not None:
            return _write({"error": asdict(error)})
        state = tracker.update(answer.prediction, time=turn.time, speaker=turn.speaker)
    except EmofuseError as raised:
        shown = public(raised, socket.scope["request_id"])
        return _write({"error": {"code": shown.code, "message": shown.message, "item": shown.item}})
    # The prediction is JSON already.
    return f'{{"prediction":{answer.body.decode()},"state":{_write(state.to_dict())}}}'


def _write(content: dict[str, Any]) -> str:
    line = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return line.encode("utf-8", errors="backslashreplace").decode()
