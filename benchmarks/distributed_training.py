"""Train one recipe with one process and with several, and compare seconds and scores.

    python benchmarks/distributed_training.py --json benchmarks/distributed_training.json

The corpus is generated, so that anyone can run it; no number here says how well a model reads texts.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import yaml
from machine import describe_machine

from emofuse.train.runs import read_weights

LABELS = ("joy", "sadness", "anger", "fear", "love", "surprise")
WORDS = 400  # of each label, made of letters, so that many are seen once or never
FILLER = "the day we had a very long week at home and then it was over for us all in town"
SPLITS = {"train": 3000, "val": 1200, "test": 6}
RECIPE: dict[str, Any] = {
    "name": "shared",
    "task": "text",
    "encoder": {"name": "bilstm", "embedding": 128, "hidden": 128, "heads": 0, "dropout": 0.0},
    "tokenizer": {"source": "words", "vocabulary": 3000, "max_tokens": 32, "emoji": "keep"},
    "heads": {"emotion6": {}},
    "corpora": [{"name": "emotion", "root": ".", "heads": {"emotion6": "emotion6"}}],
    "train": {"epochs": 4, "batch_size": 64, "lr": 1e-3, "precision": "32-true"},
}
# Enough arithmetic in a step that sharing it pays.
LARGE = RECIPE | {
    "encoder": {"name": "minilm_bilstm", "hidden": 128, "heads": 0, "dropout": 0.0},
    "tokenizer": {"source": "minilm", "max_tokens": 64, "emoji": "keep"},
    "corpora": [{"name": "emotion", "root": ".", "heads": {"emotion6": "emotion6"}, "limit": 960}],
    "train": RECIPE["train"] | {"epochs": 3},
}


def write_corpus(folder: Path) -> None:
    """Write texts in the layout of the corpus `emotion`."""
    random = np.random.default_rng(0)
    letters = list("abcdefghijklmnopqrstuvwxyz")
    words = {label: ["".join(random.choice(letters, 7)) for _ in range(WORDS)] for label in LABELS}
    for split, count in SPLITS.items():
        lines = []
        for i in range(count):
            label = LABELS[i % len(LABELS)]
            filler = random.choice(FILLER.split(), random.integers(12, 22))
            text = random.permutation([*random.choice(words[label], 2), *filler])
            lines.append(f"{' '.join(text)};{label}\n")
        (folder / f"{split}.txt").write_text("".join(lines), encoding="utf-8")


def train(
    folder: Path, name: str, processes: int, overrides: list[str], recipe: str = "recipe.yaml"
) -> dict[str, Any]:
    """Train by the command that users type.

    Args:
        folder: Holds corpus and recipe; gets the run.
        name: Of the run.
        processes: Number of them, with one thread each.
        overrides: `key=value` strings.
        recipe: File in the folder.

    Returns:
        Seconds of each epoch after the first, and the score of the last.
    """
    command = [sys.executable, "-m", "emofuse", "train", recipe, "--data-root", ".", "--run-dir", name]
    command += ["--devices", str(processes), *(part for own in overrides for part in ("--set", own))]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    times: list[float] = []
    said = folder / f"{name}.txt"
    with said.open("w") as file:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=file, stderr=file)
    table = folder / name / "logs" / "version_0" / "metrics.csv"
    checkpoint = folder / name / "checkpoints" / "last.ckpt"
    while process.poll() is None:
        try:
            written = checkpoint.stat().st_mtime
        except FileNotFoundError:
            written = None
        if written is not None and (not times or written > times[-1]):
            times.append(written)
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    if process.returncode:
        raise SystemExit(said.read_text())
    with table.open(encoding="utf-8", newline="") as file:
        scores = [float(row["val/score"]) for row in csv.DictReader(file) if row["val/score"]]
    seconds = [round(after - before, 2) for before, after in pairwise(times)]
    return {"processes": processes, "epoch_s": seconds, "val_macro_f1": round(scores[-1], 5)}


def difference(folder: Path, one: str, other: str) -> float:
    """Largest difference between the weights of two runs."""
    mine, theirs = (read_weights(folder / run / "checkpoints" / "last.ckpt") for run in (one, other))
    return max(float((mine[key] - theirs[key]).abs().max()) for key in mine)


def main() -> None:
    """Measure, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    before = os.getloadavg()
    plain, drawn, large = [], [], []
    with TemporaryDirectory() as place:
        folder = Path(place)
        write_corpus(folder)
        (folder / "recipe.yaml").write_text(yaml.safe_dump(RECIPE), encoding="utf-8")
        (folder / "large.yaml").write_text(yaml.safe_dump(LARGE), encoding="utf-8")
        for processes in (1, 2):
            large.append(train(folder, f"large{processes}", processes, [], "large.yaml"))
        for processes in (1, 2):
            plain.append(train(folder, f"plain{processes}", processes, []))
        apart = difference(folder, "plain1", "plain2")
        for seed in (7, 8):
            for processes in (1, 2):
                chance = ["encoder.dropout=0.3", f"seed={seed}"]
                drawn.append({"seed": seed} | train(folder, f"drawn{seed}-{processes}", processes, chance))
    figures = {
        "command": "python benchmarks/distributed_training.py --json benchmarks/distributed_training.json",
        "machine": describe_machine() | {"torch": torch.__version__},
        "load_before": [round(value, 2) for value in before],
        "load_after": [round(value, 2) for value in os.getloadavg()],
        "texts": SPLITS,
        "recipe": RECIPE,
        "without_chance": {"runs": plain, "largest_weight_difference": apart},
        "with_dropout": drawn,
        "large": {"recipe": LARGE, "runs": large},
    }
    arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({key: figures[key] for key in ("without_chance", "with_dropout", "large")}, indent=1))


if __name__ == "__main__":
    main()
