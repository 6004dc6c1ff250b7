"""The service and the page as users start them: processes of their own on free ports."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

__all__ = ["COMMAND", "running_demo", "running_service"]

COMMAND = [sys.executable, "-m", "emofuse"]
START_S = 60


@contextmanager
def running_service(
    folder: Path, *, models: str = "text_bilstm", environment: Mapping[str, str] | None = None
) -> Iterator[httpx.Client]:
    """Start the service with `service.sqlite` and `service.log` in a folder, and stop it in the end.

    Yields:
        A client for it.
    """
    settings = {"EMOFUSE_DATABASE_URL": f"sqlite:///{folder}/service.sqlite", **(environment or {})}
    path = folder / "service.log"
    with (
        path.open("wb") as log,
        subprocess.Popen(
            [*COMMAND, "serve", "--port", "0", "--models", models],
            stderr=log,
            env={**os.environ, **settings},
        ) as process,
    ):
        try:
            with httpx.Client(base_url=_wait_for_address(process, path), timeout=30) as client:
                yield client
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=START_S)


@contextmanager
def running_demo(
    folder: Path,
    *options: str,
    environment: Mapping[str, str] | None = None,
    end: signal.Signals = signal.SIGTERM,
) -> Iterator[str]:
    """Start the page with `demo.log` in a folder, and stop it in the end by a signal.

    Yields:
        Its address.
    """
    path = folder / "demo.log"
    command = [*COMMAND, "demo", "--port", "0", *options]
    settings = {**os.environ, **(environment or {})}
    with path.open("wb") as log, subprocess.Popen(command, stderr=log, env=settings) as process:
        try:
            yield _wait_for_address(process, path)
        finally:
            process.send_signal(end)
            process.wait(timeout=START_S)
    assert "Traceback" not in path.read_text(encoding="utf-8"), path.read_text(encoding="utf-8")


def _wait_for_address(process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        if found := re.search(r"(?:Listening on|Open) (http\S+)", log.read_text(encoding="utf-8")):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(log.read_text(encoding="utf-8"))
