import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from contextlib import contextmanager

import pytest

WAIT_S = 30
TAKE_OVER = "fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
COMMAND = [sys.executable, "-m", "emofuse", "live", "--models", "text_bilstm"]


def interruptible(first=""):
    """The command in a process that interrupts reach: a runner in the background ignores them for its children."""
    # Done after the fork and before Python, it could wait for ever for a lock of another thread.
    start = f"import fcntl, os, signal, sys, termios; {first}signal.signal(signal.SIGINT, signal.SIG_DFL); "
    return [sys.executable, "-c", start + "os.execv(sys.executable, sys.argv[1:])", *COMMAND]


@contextmanager
def terminal(columns):
    """A process whose terminal this is, and the terminal's other end."""
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    environment.pop("COLUMNS", None)  # it would say more than the terminal
    own = {"stdin": inner, "stdout": inner, "stderr": inner, "start_new_session": True}
    with subprocess.Popen(interruptible(TAKE_OVER), env=environment, **own) as process:
        os.close(inner)
        try:
            yield process, outer
        finally:
            process.kill()
            os.close(outer)


def read_until(descriptor, end):
    seen = b""
    while not seen.endswith(end):
        assert select.select([descriptor], [], [], WAIT_S)[0], seen
        seen += os.read(descriptor, 1 << 16)
    return seen.decode(errors="replace")


def ask(descriptor, text):
    os.write(descriptor, text)
    return read_until(descriptor, b"\r\n\r\n> ")


def test_a_terminal_has_a_prompt_colours_and_a_history_of_lines():
    with terminal(80) as (process, keys):
        assert "press Enter" in read_until(keys, b"> ")
        answer = ask(keys, b"I am so happy\r")
        assert answer.startswith("I am so happy\r\nemotion: \x1b[1mjoy\x1b[0m")
        assert "\x1b[33m█" in answer
        assert "mood: \x1b[1mjoy" in answer
        # Arrow up, Home, and the line is another.
        assert "negative" in ask(keys, b"\x1b[A\x01I doubt that \r")
        assert "2  " in ask(keys, b"history\r")
        os.write(keys, b"\x04")
        assert process.wait(timeout=60) == 0


def test_a_narrow_terminal_is_never_overrun():
    with terminal(40) as (process, keys):
        shown = [read_until(keys, b"> "), ask(keys, b"so happy, and so very sad\r"), ask(keys, b"history\r")]
        lines = re.sub(r"\x1b\[[0-9;]*m", "", "".join(shown)).split("\r\n")
        assert 38 <= max(map(len, lines)) <= 40
        assert "  joy " in "".join(lines)
        os.write(keys, b"exit\r")
        assert process.wait(timeout=60) == 0


def test_ctrl_c_in_a_terminal_exits_with_130():
    with terminal(80) as (process, keys):
        read_until(keys, b"> ")
        os.write(keys, b"half a li")
        read_until(keys, b"half a li")
        # Python loses an interrupt that comes just before `input` waits for a key: press until one is heard.
        for _ in range(WAIT_S):
            os.write(keys, b"\x03")
            if select.select([keys], [], [], 1)[0]:
                break
        assert "Interrupted." in read_until(keys, b"Interrupted.\r\n")
        assert process.wait(timeout=60) == 130


def test_bytes_that_are_no_text_do_not_end_it():
    with terminal(80) as (process, keys):
        read_until(keys, b"> ")
        assert "some characters were left out" in ask(keys, b"fine \xff\xfe day\r")
        assert "emotion: " in ask(keys, b"a good day\r")
        os.write(keys, b"quit\r")
        assert process.wait(timeout=60) == 0


@pytest.mark.parametrize(("encoding", "block"), [("utf-8", "█"), ("ascii", "#")])
def test_a_line_of_a_pipe_is_answered_before_the_next_is_written(encoding, block):
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        for text in ("I am so happy", "so ärgerlich"):
            process.stdin.write(f"{text}\n".encode())
            process.stdin.flush()
            lines = [line.decode(encoding) for line in iter(process.stdout.readline, b"\n")]
            assert lines[0] == f"> {text}\n".encode(encoding, "replace").decode(encoding)
            assert lines[1].startswith("emotion: ")
            assert block in lines[2]
            assert "\x1b" not in "".join(lines)
        process.stdin.close()
        assert process.wait(timeout=60) == 0


def test_an_interrupted_pipe_exits_with_130():
    process = subprocess.Popen(
        interruptible(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdin.write(b"I am glad\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"> I am glad\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in errors
