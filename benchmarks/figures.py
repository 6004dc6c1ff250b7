"""The JSON files of this folder, and Markdown tables."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
LARGE, SMALL, FACE = "text_bert_bilstm", "text_bilstm", "face_ferplus"


def read(name: str) -> Any:
    """One JSON file of this folder."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def read_current(name: str) -> Any:
    """One JSON file of this folder, measured on the embedded models of today."""
    record = read(name)
    for model, digest in record["model_sha256"].items():
        path = ROOT / "src" / "emofuse" / "models" / model / "model.onnx"
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            sys.exit(f"{name}.json stands beside another {model}: run `make benchmarks DATA=...`.")
    return record


def render(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
