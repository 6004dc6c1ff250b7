"""Size, start-up time and memory of a core installation.

python benchmarks/footprint.py --core .venv --json benchmarks/footprint.json
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from pathlib import Path
from statistics import median
from typing import Any

from machine import describe_machine

PHOTO = Path(__file__).parent.parent / "src" / "emofuse" / "demo" / "examples" / "eileen_collins.jpg"
REPEATS = 7

IMPORT = "import time; t = time.perf_counter(); import emofuse; print(time.perf_counter() - t)"
MEMORY = f"""
import resource
from emofuse import Predictor, Sample
[p] = Predictor.load().predict([Sample(text="I am so proud of you", image={str(PHOTO)!r})])
assert len(p.modalities) == 3
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def run(python: Path, *arguments: str) -> str:
    """Standard output of a command of the core environment."""
    return subprocess.run(
        [str(python), *arguments], capture_output=True, text=True, check=True, timeout=120
    ).stdout


# What every virtual environment holds before anything is installed.
BARE = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence")


def size_mb(folder: Path, *, bytecode: bool = True) -> float:
    """Bytes of all files below a folder in MB, with or without the caches that Python compiles."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in paths if bytecode or path.suffix != ".pyc") / 1e6


def installed_mb(packages: Path, *, bytecode: bool) -> float:
    """Size of what `pip install emofuse` brought into an empty environment."""
    folders = [f for f in packages.iterdir() if f.is_dir() and not f.name.startswith(BARE)]
    return round(sum(size_mb(folder, bytecode=bytecode) for folder in folders), 1)


def cold_start_s(python: Path) -> float:
    """Median wall-clock seconds of a whole `emofuse predict` process."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        run(python, "-m", "emofuse", "predict", "I am so proud of you")
        times.append(time.perf_counter() - started)
    return median(times)


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--core", type=Path, required=True, help="Environment with `pip install emofuse` alone."
    )
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    python = arguments.core / "bin" / "python"
    [packages] = (arguments.core / "lib").glob("python*/site-packages")
    own = packages / "emofuse"
    record: dict[str, Any] = {
        "command": "python benchmarks/footprint.py --core .venv --json benchmarks/footprint.json",
        "machine": describe_machine(),
        "installed_mb": installed_mb(packages, bytecode=False),
        "installed_with_bytecode_mb": installed_mb(packages, bytecode=True),
        "embedded_models_mb": round(size_mb(own / "models"), 1),
        "import_s": round(median(float(run(python, "-c", IMPORT)) for _ in range(REPEATS)), 3),
        "cold_start_s": round(cold_start_s(python), 3),
        "resident_all_default_models_mb": round(float(run(python, "-c", MEMORY)), 1),
    }
    print(json.dumps(record, indent=1))
    arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
