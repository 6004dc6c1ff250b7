"""A PostgreSQL server of one's own for tests and measurements: a temporary folder, a unix socket, no port."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

START_S = 60
# PostgreSQL refuses to run as root; its Debian package brings this user.
SERVICE_USER = "postgres"


def find_programs() -> Path:
    """Folder of the newest installed `initdb` and `postgres`."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parent.parent.name)
    )
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    if initdb is None:
        raise FileNotFoundError("There is no PostgreSQL. On Debian or Ubuntu: apt-get install postgresql")
    return Path(initdb).parent


class PostgresServer:
    """A server that starts, stops and can be killed.

    Args:
        durable: Wait for the disk at every commit; False is faster and enough for tests without a crash.
    """

    def __init__(self, *, durable: bool) -> None:
        self.programs = find_programs()
        # Short, since the path of a socket may have 107 characters, and below no folder that is closed to
        # the server's user.
        self.folder = Path(tempfile.mkdtemp(prefix="emofuse-pg-", dir="/tmp"))
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            shutil.chown(self.folder, SERVICE_USER, SERVICE_USER)
            self._user = {"user": SERVICE_USER, "group": SERVICE_USER, "extra_groups": []}
        self._settings = ["-k", self.folder, "-c", "listen_addresses=", *([] if durable else ["-F"])]
        self._process: subprocess.Popen[bytes] | None = None
        command = [self.programs / "initdb", "-D", self.folder / "data", "-U", "emofuse"]
        options = ["-A", "trust", "-E", "UTF8", "--locale=C", *([] if durable else ["--no-sync"])]
        subprocess.run([*command, *options], check=True, capture_output=True, cwd="/", **self._user)

    def start(self) -> None:
        """Start, also after a kill, and wait until it answers."""
        deadline = time.monotonic() + START_S
        while True:
            with (self.folder / "log").open("ab") as log:
                self._process = subprocess.Popen(
                    [self.programs / "postgres", "-D", self.folder / "data", *self._settings],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    **self._user,
                )
            # After a kill it ends at once while children of the old server still live.
            while self._process.poll() is None:
                if self._answers():
                    return
                time.sleep(0.05)
            if time.monotonic() > deadline:
                raise TimeoutError((self.folder / "log").read_text()[-2000:])
            time.sleep(0.2)

    def create_schema(self, name: str) -> str:
        """URL of a namespace that holds nothing; a database of its own would be copied file by file."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE SCHEMA "{name}"'.encode())
        return f"{self.url()}&options=-csearch_path%3D{name}"

    def url(self, database: str = "postgres") -> str:
        """Of a database of this server, as SQLAlchemy and psycopg read it."""
        return f"postgresql://emofuse@/{database}?host={self.folder}"

    def create_database(self, name: str) -> str:
        """A new database's URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url(name)

    def kill(self) -> None:
        """End the server's first process as a power cut would, without a word to its clients."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """Stop, and delete everything."""
        if self._process is not None and self._process.poll() is None:
            # At once, without writing to disk what is deleted then.
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(START_S)
        shutil.rmtree(self.folder)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running_postgres(*, durable: bool) -> Iterator[PostgresServer]:
    """A server for the length of a block.

    Args:
        durable: As for `PostgresServer`.

    Yields:
        The server.
    """
    server = PostgresServer(durable=durable)
    try:
        server.start()
        yield server
    finally:
        server.stop()
