"""The reference of a bundle from the validation samples of its run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from emofuse.errors import ConfigError
from emofuse.evaluate.reference import reference_of_fusion, reference_of_model
from emofuse.export.bundle_writer import update_manifest
from emofuse.export.exporter import run_heads
from emofuse.runtime.bundle import ModelBundle, read_bundle
from emofuse.runtime.session import open_session
from emofuse.train.data import batch_examples
from emofuse.train.validation import read_validation

__all__ = ["add_reference"]


def add_reference(run_dir: Path, bundle_dir: Path) -> dict[str, Any]:
    """Write the reference into a bundle that exists; its model stays as it is.

    Args:
        run_dir: The run that the bundle was exported from.
        bundle_dir: The bundle.

    Returns:
        The reference.

    Raises:
        ConfigError: The run kept no validation samples, or others than the bundle was measured on.
        BundleError: The bundle cannot be trusted.
    """
    bundle = read_bundle(bundle_dir)
    _check_run(bundle, run_dir)
    reference = _count_fusion(bundle, run_dir) if bundle.kind == "fusion" else _count(bundle, run_dir)
    update_manifest(bundle_dir, {"reference": reference})
    return reference


def _count(bundle: ModelBundle, run_dir: Path) -> dict[str, Any]:
    examples = read_validation(run_dir / "validation.npz")
    batches = batch_examples(examples, bundle.preprocessing["max_batch"])
    logits = run_heads(bundle.model_path, batches, len(examples))
    return reference_of_model(bundle, [own.inputs for own in examples], logits)


def _count_fusion(bundle: ModelBundle, run_dir: Path) -> dict[str, Any]:
    with np.load(run_dir / "validation.npz", allow_pickle=False) as stored:
        table = {name: stored[name] for name in stored.files}
    feeds = {"present": table["present"]}
    for index, member in enumerate(bundle.parameters.get("members", ())):
        feeds[member["model"]] = table[f"vector_{index}"]
        if feeds[member["model"]].shape[1:] != (member["size"],):
            raise ConfigError(
                f"{member['model']} learned along with {bundle.name}. Export the fusion again.",
                item=str(run_dir),
            )
        if member["states"]:
            feeds[f"{member['model']}.states"] = table[f"states_{index}"].astype(np.float32)
    heads = list(bundle.outputs)
    logits = open_session(bundle.model_path).run(heads, feeds)
    return reference_of_fusion(bundle, dict(zip(heads, logits, strict=True)))


def _check_run(bundle: ModelBundle, run_dir: Path) -> None:
    if not bundle.outputs:
        raise ConfigError(f"{bundle.name} answers with no emotions that could drift.", item=bundle.name)
    path = run_dir / "validation.npz"
    if not path.is_file():
        raise ConfigError(f"{run_dir} kept no validation samples.", item=str(run_dir))
    measured = {row["metric"].split("/")[0]: row["n"] for row in bundle.metrics}
    with np.load(path, allow_pickle=False) as stored:
        targets = {name: stored[name] for name in stored.files if name.startswith("target_")}
        fits = ("present" if bundle.kind == "fusion" else "inputs") in stored.files
    kept = {name.removeprefix("target_"): (~np.isnan(own[:, 0])).sum() for name, own in targets.items()}
    if not fits or any(kept.get(head) != measured.get(head) for head in bundle.outputs):
        raise ConfigError(
            f"{run_dir} is not the run that {bundle.name} was exported from: its samples are others.",
            item=str(run_dir),
        )
