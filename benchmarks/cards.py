"""Write what was measured on test data into the embedded bundles and their model cards.

    python benchmarks/cards.py [--check]

Takes benchmarks/BUNDLE.CORPUS.SPLIT.json; `--check` only tells whether the bundles are up to date.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from emofuse.export.bundle_writer import write_bundle

FOLDER = Path(__file__).parent
MODELS = FOLDER.parent / "src" / "emofuse" / "models"
KEPT = (
    "command",
    "date",
    "model_sha256",
    "corpus",
    "split",
    "taxonomy",
    "samples",
    "scores",
    "intervals",
    "per_class",
    "calibration",
)


def evaluations(name: str) -> list[dict[str, Any]]:
    """What `emofuse evaluate` measured of a bundle, by file name, figures to four digits."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob(f"{name}.*.json"))]
    return [{key: _rounded(record[key]) for key in KEPT} for record in records]


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value


def main() -> None:
    """Fill or check the bundles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    for bundle in sorted(path for path in MODELS.iterdir() if (path / "bundle.json").exists()):
        manifest = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
        found = evaluations(bundle.name)
        model = bundle / "model.onnx"
        digest = hashlib.sha256(model.read_bytes()).hexdigest() if model.exists() else None
        if stale := [row["corpus"] for row in found if row["model_sha256"] != digest]:
            sys.exit(
                f"{bundle.name} was replaced since it was measured on {stale[0]}: run `make benchmarks`."
            )
        if check and manifest.get("evaluations", []) != found:
            sys.exit(f"{bundle.name} is out of date: run `make tables`.")
        if not check:
            tokenizer = bundle / "tokenizer.json"
            files = {tokenizer.name: tokenizer.read_bytes()} if tokenizer.exists() else {}
            write_bundle(bundle, manifest | {"evaluations": found}, files)


if __name__ == "__main__":
    main()
