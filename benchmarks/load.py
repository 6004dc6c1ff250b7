"""What the service takes: requests per second, overload, and memory over time.

    python benchmarks/load.py [rows] [overload] [soak] --json benchmarks/service_load.json

Each part replaces its own figures in the file; without a name all parts run, in 20 minutes. The service runs
as its own process with the settings that it ships with, but for those that a row names and a database of its
own; `wrk` (Debian's package of that name) loads it over 127.0.0.1 from another, on the same processor. A rate
is kept by a timetable of slots that the connections book in turn, and latency counts from the slot
(benchmarks/load.lua).
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from machine import describe_machine
from PIL import Image

from emofuse.serve import Settings

HERE = Path(__file__).parent
PHOTO = HERE.parent / "src" / "emofuse" / "demo" / "examples" / "eileen_collins.jpg"
SERVE = (sys.executable, "-m", "emofuse", "serve")
SHIPPED = Settings.model_construct()
CONNECTIONS = 32
FLOOD = 10 * CONNECTIONS
SECONDS = 10
FLOOD_SECONDS = 60
SOAK_MINUTES = 10
SETTLE_S = 10


@dataclass(frozen=True)
class Load:
    """What is sent.

    Attributes:
        name: For the table.
        bodies: File of `bodies` with one body a line.
        models: Bundles that replace the defaults.
        rate: Requests per second of the row with a constant rate.
        p99_ms: What is aimed at, with at least `rate` answers a second.
    """

    name: str
    bodies: str
    models: str
    rate: int
    p99_ms: int


LOADS = (
    Load("tweets", "tweets", "", 200, 100),
    Load("tweets, `text_bilstm`", "tweets", "text_bilstm", 200, 100),
    Load("tweet with a 640 px photo", "photos", "", 25, 700),
)


@dataclass(frozen=True)
class Service:
    """A running service.

    Attributes:
        url: Where predictions are asked for.
        process: Its id.
    """

    url: str
    process: int

    def memory_mb(self) -> float:
        """Resident memory."""
        lines = Path(f"/proc/{self.process}/status").read_text(encoding="ascii").splitlines()
        [kilobytes] = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
        return int(kilobytes) / 1024

    def spent_s(self) -> float:
        """Processor time so far."""
        fields = Path(f"/proc/{self.process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serve(**settings: object) -> Iterator[Service]:
    """Run the service with some settings, and stop it in the end."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EMOFUSE_")}
    given = {f"EMOFUSE_{name.upper()}": str(value) for name, value in settings.items()}
    with TemporaryDirectory() as folder, Path(folder, "log").open("w", encoding="utf-8") as log:
        command = [*SERVE, "--host=127.0.0.1", "--port=0", f"--database=sqlite:///{folder}/service.sqlite"]
        process = subprocess.Popen(command, env=clean | given, stderr=log)
        try:
            yield Service(f"{_await_address(Path(log.name), process)}/v1/predict", process.pid)
        finally:
            process.terminate()
            process.wait(60)


def _await_address(log: Path, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        if found := re.search(r"^Listening on (\S+)$", log.read_text(encoding="utf-8"), flags=re.MULTILINE):
            with suppress(URLError), urlopen(f"{found[1]}/readyz", timeout=60):
                return found[1]
        time.sleep(0.1)
    sys.exit(f"The service did not start: {log.read_text(encoding='utf-8')}")


def ask(service: Service, bodies: Path, *, seconds: int, connections: int, rate: float = 0) -> dict[str, Any]:
    """Load a service with wrk.

    Args:
        service: Which.
        bodies: Sent in turn.
        seconds: How long.
        connections: Each sends its next request after the answer to its last one.
        rate: Requests per second over all connections, or 0 for as many as are answered.

    Returns:
        Answers by status, and the rate and the latencies in ms of the good ones.
    """
    spent = service.spent_s()
    command = _wrk(service, bodies, seconds=seconds, connections=connections, rate=rate)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return _read_answers(done.stdout, service.spent_s() - spent)


def _wrk(service: Service, bodies: Path, *, seconds: int, connections: int, rate: float) -> list[str]:
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout=20s", "-s", str(HERE / "load.lua")]
    return ["wrk", *options, service.url, "--", str(bodies), *([f"{rate:g}"] if rate else [])]


def _read_answers(output: str, spent_s: float) -> dict[str, Any]:
    statuses: Counter[str] = Counter()
    good: Counter[int] = Counter()
    plain = {}
    for line in output.splitlines():
        match line.split():
            case ["answer", status, tenths, number]:
                statuses[status] += int(number)
                if status == "200":
                    good[int(tenths)] += int(number)
            case ["late" | "lost" | "seconds" as name, value]:
                plain[name] = float(value)
    return {
        "statuses": dict(sorted(statuses.items())),
        "offered_per_s": round(statuses.total() / plain["seconds"], 1),
        "lost": int(plain["lost"]),
        "late": int(plain["late"]),
        "per_s": round(good.total() / plain["seconds"], 1),
        **{f"p{share}_ms": _percentile(good, share) for share in (50, 95, 99)},
        "cpu_ms": round(1000 * spent_s / max(1, statuses.total()), 2),
    }


def _percentile(tenths: Counter[int], share: int) -> float | None:
    rest = tenths.total() * share / 100
    for value in sorted(tenths):
        rest -= tenths[value]
        if rest <= 0:
            return (value + 1) / 10
    return None


def measure_rows(folder: Path) -> list[dict[str, Any]]:
    """Every load, with threads and batches as shipped and without, as fast as it goes and at a rate."""
    rows = []
    for load in LOADS:
        for threads in (1, 2):
            for batch_size in (SHIPPED.batch_size, 1):
                row = {"load": load.name, "threads": threads, "batch_size": batch_size}
                with serve(models=load.models, threads=threads, batch_size=batch_size) as service:
                    bodies = folder / load.bodies
                    ask(service, bodies, seconds=2, connections=CONNECTIONS)
                    for rate in (0, load.rate):
                        found = ask(service, bodies, seconds=SECONDS, connections=CONNECTIONS, rate=rate)
                        rows.append({**row, "rate": rate, "aim": [load.rate, load.p99_ms], **found})
                        print(rows[-1])
    return rows


def measure_overload(folder: Path) -> dict[str, Any]:
    """Ten times the connections without a pause."""
    with serve() as service:
        usual = ask(service, folder / "tweets", seconds=SECONDS, connections=CONNECTIONS)
        # What the process needs once for so many connections is no leak.
        ask(service, folder / "tweets", seconds=SECONDS, connections=FLOOD)
        time.sleep(SETTLE_S)
        before = service.memory_mb()
        found = ask(service, folder / "tweets", seconds=FLOOD_SECONDS, connections=FLOOD)
        peak = service.memory_mb()
        time.sleep(SETTLE_S)
        after = service.memory_mb()
        again = ask(service, folder / "tweets", seconds=SECONDS, connections=CONNECTIONS)
    return {
        "connections": FLOOD,
        "seconds": FLOOD_SECONDS,
        "deadline_ms": 1000 * SHIPPED.deadline_s,
        "usual_per_s": usual["per_s"],
        **found,
        "memory_mb": {"before": round(before, 1), "end": round(peak, 1), "after": round(after, 1)},
        "per_s_afterwards": again["per_s"],
    }


def measure_soak(folder: Path) -> dict[str, Any]:
    """Memory over time at 60 % of what it takes, every tenth request with a photo; one minute is warm-up."""
    with serve() as service:
        usual = ask(service, folder / "mixed", seconds=SECONDS, connections=CONNECTIONS)
        rate = round(0.6 * usual["per_s"])
        seconds = 60 * (SOAK_MINUTES + 1)
        command = _wrk(service, folder / "mixed", seconds=seconds, connections=CONNECTIONS, rate=rate)
        spent = service.spent_s()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as wrk:
            memory = list(_sample_memory(service, wrk))
            output = wrk.stdout.read() if wrk.stdout else ""
        found = _read_answers(output, service.spent_s() - spent)
    minutes = [[mb for at, mb in memory if at // 60 == minute] for minute in range(1, SOAK_MINUTES + 1)]
    levels = [statistics.median(minute) for minute in minutes if minute]
    return {
        "minutes": SOAK_MINUTES,
        "usual_per_s": usual["per_s"],
        "rate": rate,
        **found,
        "memory_mb": [round(level, 1) for level in levels],
        "drift": round(levels[-1] / levels[0] - 1, 4),
    }


def _sample_memory(service: Service, wrk: subprocess.Popen[str]) -> Iterator[tuple[float, float]]:
    start = time.monotonic()
    while wrk.poll() is None:
        yield time.monotonic() - start, service.memory_mb()
        time.sleep(2)


PARTS = {"rows": measure_rows, "overload": measure_overload, "soak": measure_soak}


def write_bodies(folder: Path) -> None:
    """The bodies of all loads."""
    tweets = (HERE / "load_tweets.txt").read_text(encoding="utf-8").splitlines()
    buffer = io.BytesIO()
    Image.open(PHOTO).convert("RGB").resize((640, 640)).save(buffer, "JPEG", quality=90)
    image = base64.b64encode(buffer.getvalue()).decode()
    plain = [{"text": tweet} for tweet in tweets]
    pictured = [{"text": tweet, "image": image} for tweet in tweets[:20]]
    mixed = [pictured[i // 10] if i % 10 == 0 else body for i, body in enumerate(plain)]
    for name, bodies in (("tweets", plain), ("photos", pictured), ("mixed", mixed)):
        text = "".join(json.dumps(body) + "\n" for body in bodies)
        (folder / name).write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure some parts and write their figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which; all without a name")
    parser.add_argument("--json", type=Path, required=True)
    given = parser.parse_args(arguments)
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: `apt-get install wrk` on Debian or Ubuntu.")
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_bodies(folder)
        for part in given.parts or PARTS:
            found = PARTS[part](folder)
            record = json.loads(given.json.read_text(encoding="utf-8")) if given.json.exists() else {}
            record |= {"command": "python benchmarks/load.py --json benchmarks/service_load.json"}
            record[part] = {"machine": describe_machine(), "figures": found}
            given.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
