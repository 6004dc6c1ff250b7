"""`emofuse track`: turns in as JSON lines, where the conversation stands out."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import click

from emofuse.errors import ConfigError, EmofuseError, TrackerStateError
from emofuse.runtime.predictor import Predictor
from emofuse.tracking import TRACK_SCHEMA, Tracker, parse_turn
from emofuse.types import Sample


@click.command()
@click.option("--half-life", type=float, metavar="N", help="Turns or seconds; 0.5 unless given.")
@click.option("--unit", type=click.Choice(["turns", "seconds"]), help="Of the half-life; turns unless given.")
@click.option("--models", metavar="A,B", help="Bundles that replace the defaults of their kind.")
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Go on from this file if it exists, and write it in the end.",
)
def track(
    half_life: float | None, unit: Literal["turns", "seconds"] | None, models: str | None, state: Path | None
) -> int:
    """Smooth a conversation, read from standard input, and say when its emotions change.

    Each line is a turn: {"text": ..., "speaker": ..., "time": ...}, whose text is predicted, or what `emofuse
    predict --json` writes, with or without speaker and time (in seconds). Each is answered by one line before
    the next is read. A line that cannot be read is answered by an error, and the exit code is 1.
    """
    given = {key: value for key, value in (("half_life", half_life), ("unit", unit)) if value is not None}
    tracker = _open(state, given)
    predictor = Predictor.load([name for name in (models or "").split(",") if name] or None)
    failed = False
    try:
        for line in sys.stdin.buffer:
            if line.strip():
                answer = _answer(tracker, predictor, line)
                failed |= "error" in answer
                text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
                click.echo(text.encode("utf-8", errors="backslashreplace"))
    finally:
        if state is not None:
            _write(state, tracker)
    return int(failed)


def _answer(tracker: Tracker, predictor: Predictor, line: bytes) -> dict[str, Any]:
    try:
        turn = parse_turn(line)
        prediction = _predict(predictor, turn)
        state = tracker.update(prediction, time=turn.get("time"), speaker=turn.get("speaker"))
    except EmofuseError as error:
        wrong = {"code": error.code, "message": error.message, "item": error.item}
        return {"schema": TRACK_SCHEMA, "error": wrong}
    wrong = prediction["error"]
    return state.to_dict() | ({"error": wrong} if wrong else {})


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _predict(predictor: Predictor, turn: Mapping[str, Any]) -> dict[str, Any]:
    if "text" not in turn:
        return {"error": None, **turn}
    [prediction] = predictor.predict([Sample(text=turn["text"])])
    return prediction.to_dict()


def _open(state: Path | None, given: Mapping[str, Any]) -> Tracker:
    if state is None or not state.exists():
        if state is not None and not state.parent.is_dir():
            raise ConfigError(f"There is no folder {state.parent} for --state.", item=str(state))
        return Tracker(**given)
    try:
        saved = json.loads(state.read_bytes(), parse_constant=_refuse)
        tracker = Tracker.restore(saved)
    except (ValueError, RecursionError, TrackerStateError) as error:
        raise TrackerStateError(f"{state}: {error} Move it away to start anew.", item=str(state)) from error
    if wrong := [key for key, value in given.items() if saved["settings"][key] != value]:
        option = "--" + wrong[0].replace("_", "-")
        raise ConfigError(
            f"{state} was begun with {option} {saved['settings'][wrong[0]]}. Leave {option} out.", item=option
        )
    return tracker


def _write(state: Path, tracker: Tracker) -> None:
    part = state.with_name(f".{state.name}.part")
    try:
        part.write_text(json.dumps(tracker.save()) + "\n", encoding="utf-8")
        part.replace(state)
    except OSError as error:
        raise ConfigError(f"{state}: {error.strerror}.", item=str(state)) from error
