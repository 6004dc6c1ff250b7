"""What the largest pictures cost the service in memory.

python benchmarks/picture_memory.py --json benchmarks/picture_memory.json

Each case runs in a process of its own: a service with two threads and the default models gets pictures of
4000 x 4000 px, the most that it takes by default, and its peak of resident memory is read.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from machine import describe_machine
from PIL import Image

SIDE_PX = 4000
FORMATS = {
    "PNG with transparency": ("PNG", {}),
    "progressive JPEG": ("JPEG", {"progressive": True, "subsampling": 0}),
    "WebP with transparency": ("WEBP", {"lossless": True}),
}
BATCHES = "two batches of eight such PNG beside an explanation"


def encode(case: str) -> str:
    """A picture of one colour, in base64."""
    form, options = FORMATS.get(case, FORMATS["PNG with transparency"])
    mode = "RGB" if form == "JPEG" else "RGBA"
    file = io.BytesIO()
    Image.new(mode, (SIDE_PX, SIDE_PX), (200, 90, 10, 99)[: len(mode)]).save(file, form, **options)
    return base64.b64encode(file.getvalue()).decode()


def measure(case: str) -> dict[str, int]:
    """Resident memory before and at its peak, MB, of a service in this process."""
    from fastapi.testclient import TestClient  # noqa: PLC0415 - only the processes that measure

    from emofuse.serve import Settings, create_app  # noqa: PLC0415

    image = encode(case)
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/service.sqlite"
        settings = Settings(threads=2, database_url=url, deadline_s=60, batch_deadline_s=60)
        with TestClient(create_app(settings)) as client:
            jobs: list[Callable[[], object]] = [lambda: client.post("/v1/predict", json={"image": image})] * 4
            if case == BATCHES:
                samples = {"samples": [{"image": image}] * 8}
                jobs = [lambda: client.post("/v1/predict/batch", json=samples)] * 2
                jobs.append(lambda: client.post("/v1/explain", json={"image": image}))
            before = read_memory("VmRSS")
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
            with ThreadPoolExecutor(len(jobs)) as pool:
                for future in [pool.submit(job) for job in jobs]:
                    future.result()
    return {"before_mb": before, "peak_mb": read_memory("VmHWM")}


def read_memory(name: str) -> int:
    """A line of this process's status, MB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(name))


def main() -> None:
    """Measure every case and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--case", help="Measure this one in this process and print it.")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/picture_memory.json"))
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(measure(arguments.case)))
        return
    rows = []
    for case in (*FORMATS, BATCHES):
        command = [sys.executable, __file__, "--case", case]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows.append({"case": case, **json.loads(done.stdout.splitlines()[-1])})
        print(rows[-1])
    record = {
        "command": "python benchmarks/picture_memory.py --json benchmarks/picture_memory.json",
        "machine": describe_machine(),
        "side_px": SIDE_PX,
        "threads": 2,
        "rows": rows,
    }
    arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
