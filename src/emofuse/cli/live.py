"""`emofuse live`: a line in, its emotion and the mood so far out, while you type."""

from __future__ import annotations

import io
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import click

from emofuse.cli.live_view import draw_answer, draw_mood
from emofuse.cli.render import CONSOLE, Line, draw_error, fit_line, show_lines, show_text
from emofuse.errors import TextTooLongError
from emofuse.runtime.predictor import Predictor
from emofuse.tracking import Tracker
from emofuse.types import ErrorEntry, Prediction, Sample

KEPT = 100  # lines that `history` lists
LONGEST = 1_000_000  # bytes of a line
PROMPT = "> "
WELCOME = "Type a line and press Enter. `history` lists the lines so far, `exit` leaves."


@click.command()
@click.option("--models", metavar="A,B", help="Bundles that replace the defaults of their kind.")
def live(models: str | None) -> None:
    """Read emotion and sentiment of each line that you type, and the mood over the lines.

    `history` lists the lines so far; `exit`, `quit` and the end of the input leave. Lines may also come from
    a pipe: each is answered before the next is read.
    """
    names = [name for name in (models or "").split(",") if name]
    # One thread: waking another costs a short text more than it saves.
    predictor = Predictor.load(names or None, threads=1)
    predictor.predict([Sample(text="The first call opens the models, so that nobody waits for them later.")])
    conversation = Conversation(predictor)
    typed = sys.stdin.isatty() and sys.stdout.isatty()
    read = _prepare_prompt() if typed else _read_line
    if typed:
        show_lines([[(WELCOME, "dim")]])
    while True:
        try:
            line = read()
        except TextTooLongError as error:
            show_lines([draw_error(ErrorEntry(error.code, error.message))])
            continue
        if line is None or line.casefold() in {"exit", "quit"}:
            return
        if line:
            # Who types sees the line already.
            echo = [] if typed else [fit_line(PROMPT, line, CONSOLE.width)]
            show_lines([*echo, *conversation.answer(line, CONSOLE.width)])


@dataclass(frozen=True)
class Said:
    """A line that was answered.

    Attributes:
        number: From 1.
        labels: Of its emotion and sentiment, behind that of its category where the models give one.
        text: Its beginning, printable.
    """

    number: int
    labels: tuple[str, ...]
    text: str


class Conversation:
    """Answers lines and remembers the last ones.

    Args:
        predictor: Reads each line.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._tracker = Tracker()
        self._said: deque[Said] = deque(maxlen=KEPT)
        self._count = 0

    def answer(self, line: str, width: int) -> list[Line]:
        """What the terminal shows for a line.

        Args:
            line: A text, or `history`.
            width: Of the terminal, in columns.

        Returns:
            Lines; one alone for a text that cannot be read, which is then no part of the mood either.
        """
        if line.casefold() == "history":
            return self._list(width)
        started = time.perf_counter()
        [prediction] = self._predictor.predict([Sample(text=line)])
        if prediction.error is not None:
            return [draw_error(prediction.error)]
        mood = self._tracker.update(prediction)
        took_ms = (time.perf_counter() - started) * 1000
        self._remember(line, prediction)
        took: Line = [(f"read in {took_ms:.1f} ms", "dim")]
        return [*draw_answer(prediction, width), took, *draw_mood(mood, width)]

    def _remember(self, line: str, prediction: Prediction) -> None:
        self._count += 1
        answers = (prediction.category, prediction.emotion, prediction.sentiment)
        labels = tuple(own.label for own in answers if own is not None)
        self._said.append(Said(self._count, labels, show_text(line, 200)))

    def _list(self, width: int) -> list[Line]:
        digits = len(str(self._count))
        rows = []
        for said in self._said:
            labels = "".join(f"{label:<8}  " for label in said.labels)
            rows.append(fit_line(f"{said.number:>{digits}}  {labels}", said.text, width))
        return [*rows, [(f"{len(rows)} of {self._count} lines; the last {KEPT} are kept.", "dim")]]


def _prepare_prompt() -> Callable[[], str | None]:
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")
    try:
        # Its import alone gives `input` arrow keys; where there is none, the terminal has its own.
        import readline  # noqa: PLC0415
    except ImportError:
        return _ask

    def ask() -> str | None:
        line = _ask()
        if readline.get_current_history_length() > KEPT:
            readline.remove_history_item(0)
        return line

    return ask


def _ask() -> str | None:
    try:
        return input(PROMPT).strip()
    except EOFError:
        click.echo()
        return None


def _read_line() -> str | None:
    source = sys.stdin.buffer
    line = rest = source.readline(LONGEST + 1)
    if len(line) > LONGEST:
        while rest and not rest.endswith(b"\n"):
            rest = source.readline(LONGEST)
        raise TextTooLongError(f"A line is longer than {LONGEST:,} bytes. Split it.")
    return line.decode("utf-8", errors="surrogateescape").strip() if line else None
