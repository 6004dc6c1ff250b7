"""Kill the service under load, again and again, and look for corrections that it had acknowledged.

python benchmarks/durability.py --json benchmarks/durability.json

Eight clients send corrections, each the next only when the last was acknowledged, and again under the same id
when it was not. SIGKILL ends the service at random moments, one in four while it starts; on PostgreSQL the
database server is killed once as well. After each kill all that was acknowledged must be stored, once and
unchanged, and the next start must go well. This shows what survives the end of a process; a power cut also
depends on the disk, whose confirmation both databases wait for at every commit.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psycopg
from machine import describe_machine
from postgres import PostgresServer, running_postgres

from emofuse.serve.store import Store
from emofuse.serve.store.database import Database

CLIENTS = 8
START_S = 60.0
LOAD_S = (0.05, 0.6)


class Service:
    """The process that is killed: `emofuse serve`.

    Args:
        url: Of its database.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self._port = taken.getsockname()[1]

    def start(self) -> None:
        """Start without waiting."""
        command = [sys.executable, "-m", "emofuse", "serve", "--models", "text_bilstm"]
        given = {"EMOFUSE_PORT": str(self._port), "EMOFUSE_DATABASE_URL": self.url}
        self._process = subprocess.Popen(command, env={**os.environ, **given}, stderr=subprocess.DEVNULL)

    def client(self) -> httpx.Client:
        """A client of its own for each thread."""
        return httpx.Client(base_url=f"http://127.0.0.1:{self._port}", timeout=START_S)

    def wait(self) -> float:
        """Seconds until it answers."""
        assert self._process is not None
        started = time.monotonic()
        with self.client() as client:
            while time.monotonic() - started < START_S:
                with suppress(httpx.TransportError):
                    client.get("/readyz").raise_for_status()
                    return time.monotonic() - started
                if self._process.poll() is not None:
                    break
                time.sleep(0.01)
        raise RuntimeError("The service did not start.")

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


class Clients:
    """Threads that send corrections until they are told to stop."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._numbers = itertools.count()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self.tried: set[int] = set()
        self.acknowledged: set[int] = set()
        self.repeats = 0
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each finish what it has begun; the service must be up."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def wait_for_one(self) -> float:
        """Seconds until something more is acknowledged."""
        started, before = time.monotonic(), len(self.acknowledged)
        while len(self.acknowledged) == before:
            if time.monotonic() - started > START_S:
                raise RuntimeError("Nothing was acknowledged any more.")
            time.sleep(0.005)
        return time.monotonic() - started

    def _send(self) -> None:
        with self._service.client() as client:
            while not self._stopping.is_set():
                with self._lock:
                    number = next(self._numbers)
                    self.tried.add(number)
                while not _post(client, number):
                    with self._lock:
                        self.repeats += 1
                    time.sleep(0.02)
                with self._lock:
                    self.acknowledged.add(number)


def correction(number: int) -> dict[str, str]:
    """What a client sends under a number, the same each time."""
    return {
        "id": f"c{number}",
        "subject": f"s{number % 7}",
        "text": f"text {number} " * 20,
        "emotion": "joy",
    }


def _post(client: httpx.Client, number: int) -> bool:
    sent = correction(number)
    try:
        answer = client.post("/v1/feedback", json=sent)
    except httpx.TransportError:
        return False
    return answer.status_code == 201 and answer.json() == {"id": sent["id"]}


@dataclass
class Findings:
    """What was seen on one database; `lost`, `twice`, `altered` and `damaged` must be 0."""

    kills_of_the_service: int = 0
    kills_while_starting: int = 0
    kills_of_the_database: int = 0
    acknowledged: int = 0
    repeated: int = 0
    stored_before_acknowledged: int = 0
    lost: int = 0
    twice: int = 0
    altered: int = 0
    damaged: int = 0
    start_s: list[float] = field(default_factory=list)
    database_back_s: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, the start-up times as median and maximum."""
        starts = {
            "start_median_s": round(median(self.start_s), 3),
            "start_max_s": round(max(self.start_s), 3),
        }
        return {name: value for name, value in asdict(self).items() if name != "start_s"} | starts

    @property
    def failed(self) -> bool:
        """True when a promise was broken."""
        return bool(self.lost or self.twice or self.altered or self.damaged)


def examine(url: str, clients: Clients, findings: Findings) -> int:
    """Compare what is stored with what was acknowledged before it is read; the number of rows."""
    acknowledged, tried = set(clients.acknowledged), set(clients.tried)
    store = Store.open(url)
    stored = list(store.iter_corrections())
    store.close()
    numbers = [int(one.id[1:]) for one in stored]
    findings.lost += len(acknowledged - set(numbers))
    findings.twice += len(stored) - len({one.text for one in stored})
    for one, number in zip(stored, numbers, strict=True):
        sent = correction(number)
        findings.altered += any(getattr(one, name) != value for name, value in sent.items())
    findings.stored_before_acknowledged += len(set(numbers) & (tried - acknowledged))
    findings.damaged += not sound(url)
    return len(stored)


def sound(url: str) -> bool:
    """Whether SQLite finds its file in order; PostgreSQL has no such check of its own."""
    database = Database(url)
    try:
        if not database.is_sqlite:
            return True
        with database.reading() as session:
            return session.connection().exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    finally:
        database.close()


def torture(url: str, kills: int, seed: int, server: PostgresServer | None) -> Findings:
    """Kill, examine and start again, `kills` times."""
    findings = Findings()
    service = Service(url)
    service.start()
    clients = Clients(service)
    try:
        kill_service(service, clients, findings, random.Random(seed), kills)
        findings.start_s.append(service.wait())
        clients.wait_for_one()
        if server is not None:
            kill_database(server, clients, findings)
        clients.stop()
    finally:
        service.kill()
    conclude(url, clients, findings)
    return findings


def kill_service(
    service: Service, clients: Clients, findings: Findings, moments: random.Random, kills: int
) -> None:
    """Kill it at random moments, one in four while it starts, and leave it starting."""
    for number in range(kills):
        if number % 4 == 3:
            time.sleep(moments.uniform(0, max(findings.start_s)))
            findings.kills_while_starting += 1
        else:
            findings.start_s.append(service.wait())
            clients.wait_for_one()
            time.sleep(moments.uniform(*LOAD_S))
        service.kill()
        findings.kills_of_the_service += 1
        examine(service.url, clients, findings)
        service.start()


def kill_database(server: PostgresServer, clients: Clients, findings: Findings) -> None:
    """Kill and restart it under load; the service itself must find back."""
    server.kill()
    findings.kills_of_the_database += 1
    time.sleep(0.2)
    server.start()
    findings.database_back_s = round(clients.wait_for_one(), 3)
    time.sleep(LOAD_S[1])


def conclude(url: str, clients: Clients, findings: Findings) -> None:
    """After all clients have their answers, the store holds exactly what they sent."""
    stored = examine(url, clients, findings)
    findings.twice += stored - len(clients.acknowledged)
    findings.acknowledged, findings.repeated = len(clients.acknowledged), clients.repeats


def main() -> None:
    """Torture both databases and write the figures; exit 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="Where SQLite's file lies; decides about the disk.")
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        url = f"sqlite:///{folder}/service.sqlite"
        results["sqlite"] = torture(url, arguments.kills, arguments.seed, None)
    with running_postgres(durable=True) as server:
        with psycopg.connect(server.url()) as connection:
            [version] = connection.execute("SHOW server_version").fetchone() or [""]
            [fsync] = connection.execute("SHOW fsync").fetchone() or [""]
        results["postgresql"] = torture(server.url(), arguments.kills, arguments.seed, server)
    record = {
        "command": "python benchmarks/durability.py --json benchmarks/durability.json",
        "machine": describe_machine(),
        "seed": arguments.seed,
        "clients": CLIENTS,
        "postgresql_version": version,
        "postgresql_fsync": fsync,
        **{name: findings.to_dict() for name, findings in results.items()},
    }
    print(json.dumps(record, indent=1))
    arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    sys.exit(any(findings.failed for findings in results.values()))


if __name__ == "__main__":
    main()
