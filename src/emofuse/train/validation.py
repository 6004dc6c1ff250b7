"""The encoded validation split, kept with a run so that export needs no corpus."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emofuse.train.data import Example

__all__ = ["read_validation", "write_validation"]


def write_validation(path: Path, examples: Sequence[Example], sizes: dict[str, int]) -> None:
    """Save encoded examples.

    Args:
        path: `.npz` file to write.
        examples: Encoded validation examples.
        sizes: Head -> number of labels.
    """
    arrays: dict[str, Any] = {
        "inputs": np.concatenate([example.inputs.reshape(-1) for example in examples]),
        "shapes": np.array([example.inputs.shape for example in examples], dtype=np.int32),
    }
    for head, size in sizes.items():
        unlabelled = np.full(size, np.nan, dtype=np.float32)
        arrays[f"target_{head}"] = np.stack([example.targets.get(head, unlabelled) for example in examples])
    np.savez_compressed(path, **arrays)


def read_validation(path: Path) -> list[Example]:
    """Load what `write_validation` saved.

    Args:
        path: `.npz` file.

    Returns:
        The examples in the same order.
    """
    with np.load(path, allow_pickle=False) as stored:
        shapes = stored["shapes"]
        ends = np.cumsum(shapes.prod(axis=1))
        inputs = np.split(stored["inputs"], ends[:-1])
        heads = {
            key.removeprefix("target_"): stored[key] for key in stored.files if key.startswith("target_")
        }
    return [
        Example(
            flat.reshape(shape),
            {head: rows[i] for head, rows in heads.items() if not np.isnan(rows[i, 0])},
        )
        for i, (flat, shape) in enumerate(zip(inputs, shapes, strict=True))
    ]
