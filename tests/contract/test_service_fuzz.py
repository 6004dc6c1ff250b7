"""Broken and hostile requests against a service of its own; the 10,000 of the benchmark are the same kind."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_service_survives_300_hostile_requests() -> None:
    command = [sys.executable, "benchmarks/service_fuzz.py", "--cases", "300", "--seed", "7"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert (found["complaints"], found["crashes"], done.returncode) == ({}, [], 0)
    assert sum(found["answers"].values()) == 300
    assert {"200 ", "400 bad_request", "422 invalid_fields", "422 image_truncated"} < set(found["answers"])
