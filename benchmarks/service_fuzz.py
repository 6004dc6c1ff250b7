"""Broken and hostile requests against the service as a process of its own.

    python benchmarks/service_fuzz.py --cases 10000 --seed 0 --json benchmarks/service_fuzz.json

Every whole request has to be answered with 2xx, 4xx or 503, the latter two as problem JSON (a failed
WebSocket handshake aside, whose text is of the library); the process has to live on, without a crash in its
log and without growing.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

from fuzz_cases import Case, build_cases
from machine import describe_machine

CLIENTS = 4
WARM_UP = 300
PATIENCE_S = 40.0
SILENCE_S = 0.3
GROWTH_MB = 60


def main() -> None:
    """Run the cases and say what became of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run(arguments.cases, arguments.seed, Path(folder))
    text = json.dumps({"machine": describe_machine(), **found}, indent=1) + "\n"
    if arguments.json:
        arguments.json.write_text(text)
    print(text)
    sys.exit(1 if found["complaints"] else 0)


def run(count: int, seed: int, folder: Path) -> dict[str, Any]:
    """Start the service, send the cases and stop it.

    Args:
        count: How many cases.
        seed: Of the cases.
        folder: For the service's database and log.

    Returns:
        Counts by kind of case and by answer, memory, and complaints: what must not happen.
    """
    log = folder / "log"
    command = [sys.executable, "-m", "emofuse", "serve", "--port", "0", "--models", "text_bilstm"]
    with log.open("w") as file:
        process = subprocess.Popen([*command, "--database", f"sqlite:///{folder}/a.sqlite"], stderr=file)
    try:
        port = _wait_for_port(log, process)
        start = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(lambda case: send(port, case), build_cases(WARM_UP, seed + 1)))
            before = _memory_mb(process.pid)
            cases = build_cases(count, seed)
            answers = list(pool.map(lambda case: (case.kind, *send(port, case)), cases))
        alive = process.poll() is None and send(
            port, Case("alive", b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        )
        memory = {
            "before_mb": before,
            "after_mb": _memory_mb(process.pid),
            "peak_mb": _memory_mb(process.pid, "VmHWM"),
        }
        seconds = time.monotonic() - start
    finally:
        process.terminate()
        process.wait(30)
    crashes = [line for line in log.read_text().splitlines() if '"exception"' in line or '"crash"' in line]
    complaints = Counter(complaint for *_, complaint in answers if complaint)
    complaints.update({"crash in the log": len(crashes)} if crashes else {})
    if not alive or alive[0] != "200 ":
        complaints["the service has died"] += 1
    if memory["after_mb"] - before > GROWTH_MB:
        complaints["memory grew"] += 1
    return {
        "seed": seed,
        "cases": count,
        "seconds": round(seconds, 1),
        "answers": dict(Counter(answer for _, answer, _ in answers).most_common()),
        "by_kind": _by_kind(answers),
        "memory": memory,
        "complaints": dict(complaints),
        "crashes": crashes[:5],
    }


def send(port: int, case: Case) -> tuple[str, str]:
    """Send a case.

    Args:
        port: Of the service, on 127.0.0.1.
        case: What to send.

    Returns:
        Status and code of the answer, and what is wrong with it, empty when nothing is.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as own:
        own.settimeout(PATIENCE_S if case.whole else SILENCE_S)
        with suppress(OSError):  # refused before the end; the answer may be there all the same
            own.sendall(case.data)
        try:
            method = case.data.partition(b" ")[0].decode("latin-1")
            answer = HTTPResponse(own, method=method)
            answer.begin()
            body = answer.read()
        except (OSError, HTTPException, ValueError) as error:
            return "none", f"{case.kind}: no answer ({type(error).__name__})" if case.whole else ""
    if answer.status < 300 or method == "HEAD":
        return f"{answer.status} ", "" if answer.status < 500 else f"{case.kind}: {answer.status}"
    if body.startswith(b"Failed to open a WebSocket connection"):
        return f"{answer.status} websocket", ""
    try:
        problem = json.loads(body)
        good = answer.headers.get_content_type() == "application/problem+json"
        good = good and problem["status"] == answer.status and answer.status in (*range(400, 500), 503)
        code = problem["code"]
    except (ValueError, KeyError, TypeError):
        return f"{answer.status} ?", f"{case.kind}: no problem JSON, {body[:60]!r}"
    return f"{answer.status} {code}", "" if good else f"{case.kind}: {answer.status} {code}"


def _by_kind(answers: list[tuple[str, str, str]]) -> dict[str, dict[str, int]]:
    kinds = sorted({kind for kind, *_ in answers})
    return {
        kind: dict(sorted(Counter(answer.split()[0] for own, answer, _ in answers if own == kind).items()))
        for kind in kinds
    }


def _wait_for_port(log: Path, process: subprocess.Popen[bytes]) -> int:
    while process.poll() is None:
        for line in log.read_text().splitlines():
            if line.startswith("Listening on "):
                return int(line.rpartition(":")[2])
        time.sleep(0.05)
    raise SystemExit(log.read_text())


def _memory_mb(pid: int, name: str = "VmRSS") -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith(name)]
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    main()
