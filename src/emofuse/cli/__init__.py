"""The command line: each command parses, calls and prints."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

import click

from emofuse import __version__
from emofuse.cli.lazy_group import LazyGroup
from emofuse.errors import EmofuseError

__all__ = ["main"]

_COMMANDS = {
    "audit": "Look for what a model cannot cope with.",
    "compare": "Score several models on the same samples.",
    "data": "Look at corpora.",
    "demo": "Show a page that reads text, photos and streams.",
    "evaluate": "Score a BUNDLE on a split of a corpus.",
    "explain": "Show which words and which parts of a picture an answer comes from.",
    "export": "Write the best network of a RUN as a bundle folder.",
    "feedback": "Use what people corrected.",
    "live": "Read emotion and sentiment of each line that you type.",
    "models": "Look at the models inside emofuse.",
    "monitor": "See whether what comes in is still what the models know.",
    "predict": "Read emotion and sentiment from texts and images.",
    "redact": "Mask faces, handles, addresses and numbers in what is kept.",
    "score": "Read every row of a table or a folder.",
    "serve": "Answer over HTTP.",
    "track": "Smooth the emotions of a conversation and say when they change.",
    "train": "Train the model of a RECIPE.",
    "tune": "Try the values of a RECIPE's search section.",
}


@click.group(
    cls=LazyGroup,
    package=__name__,
    summaries=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, package_name="emofuse")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Emotion and sentiment from text, faces and photos."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line.

    Exit codes: 0 done, 1 bad data, 2 bad usage, 130 interrupted. Errors go to standard error in one line;
    a traceback appears only with `--debug`.

    Args:
        arguments: Without the program's name; None takes those of the process.
    """
    given = sys.argv[1:] if arguments is None else arguments
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A narrow terminal shows a question mark for what it lacks; strictness would end in a traceback.
        sys.stdout.reconfigure(errors="replace")
    sys.exit(_run(given, debug="--debug" in given))


def _run(arguments: list[str], *, debug: bool) -> int:
    try:
        code: Any = cli.main(args=arguments, prog_name="emofuse", standalone_mode=False)
    except EmofuseError as error:
        if debug:
            raise
        click.echo(f"error[{error.code}]: {error.message}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return 130
    except BrokenPipeError:
        # The reader of a pipe has gone, as with `| head`; Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code if isinstance(code, int) else 0
