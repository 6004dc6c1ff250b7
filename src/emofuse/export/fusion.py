"""Turn the run of a fusion into a bundle, with the thresholds of its decisions."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor, nn

from emofuse.datasets import load_adapter
from emofuse.evaluate.calibration import fit_temperature, probabilities_of
from emofuse.evaluate.reference import reference_of_fusion
from emofuse.evaluate.selective import threshold_at_coverage
from emofuse.export.bundle_writer import clear_bundle, code_revision, write_bundle
from emofuse.export.onnx_model import check_parity, trace_onnx
from emofuse.export.tuned import export_tuned, read_again
from emofuse.metrics import expected_calibration_error
from emofuse.runtime.bundle import ModelBundle, list_bundles, load_bundle, read_bundle
from emofuse.runtime.session import open_session
from emofuse.taxonomy import load_taxonomy, main_output
from emofuse.train.checkpoints import read_effort, read_history
from emofuse.train.fusion.data import FusionTable, open_members
from emofuse.train.fusion.network import FusionInputs, FusionNetwork
from emofuse.train.fusion.recipe import FusionRecipe
from emofuse.train.fusion.training import load_fusion
from emofuse.types import FloatArray

__all__ = ["export_fusion"]

MIXED, OPPOSED = 0.3, 0.6
COVERAGE = 0.9
ROWS = 2048


class _Flat(nn.Module):
    # ONNX knows lists of tensors, not tuples in tuples.
    def __init__(self, network: FusionNetwork) -> None:
        super().__init__()
        self.network = network
        self.count = len(network.members)

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        vectors, states = tensors[: self.count], tensors[self.count : -1]
        return self.network(FusionInputs(vectors, states, tensors[-1]))  # type: ignore[no-any-return]


def export_fusion(run_dir: Path, bundle_dir: Path) -> dict[str, Any]:
    """Export the best network of a fusion's run.

    The float32 graph must agree with torch within 1e-4. Temperatures are fitted on the validation split, and
    `abstain` is the confidence that nine tenths of the answers reach there, at most 0.5. Members that are
    not embedded are copied into the bundle; those that learned along are exported into it first, and read
    the validation split again.

    Args:
        run_dir: A folder that `train_fusion` filled.
        bundle_dir: Bundle folder to write; existing files of a bundle are replaced.

    Returns:
        The manifest that was written to `bundle.json`.

    Raises:
        ConfigError: The run has no finished epoch, or a member was replaced since.
        ParityError: The ONNX graph does not compute what torch computes.
    """
    recipe, network, validation = load_fusion(run_dir)
    bundles = open_members(recipe)
    clear_bundle(bundle_dir)
    tuned = export_tuned(recipe, run_dir, bundle_dir / "members")
    members = {name: tuned.get(index, bundle) for index, (name, bundle) in enumerate(bundles.items())}
    validation = read_again(recipe, validation, tuned)
    model = bundle_dir / "model.onnx"
    _trace(network, validation, model)
    logits = _run(network, validation, model)
    outputs, metrics, answers = _calibrate(recipe, validation, logits)
    first = main_output(recipe.heads)
    # An answer that is more likely right than wrong is worth giving, however sure the others are.
    abstain = min(threshold_at_coverage(answers[first].max(axis=1), COVERAGE), 0.5)
    _carry(members, bundle_dir / "members")
    manifest = {
        "schema": 1,
        "name": recipe.name,
        "version": recipe.export.version,
        "kind": "fusion",
        "description": recipe.export.description,
        "preprocessing": {},
        "outputs": outputs,
        "thresholds": {"abstain": round(abstain, 4), "mixed": MIXED, "opposed": OPPOSED},
        "parameters": {
            "weights": dict.fromkeys(recipe.modalities, 1.0),
            "keeps_alone": network.pooled,
            "members": _describe_members(recipe, network, members),
        },
        "metrics": metrics,
        "data": _data(recipe, members),
        "limits": list(recipe.export.limits),
        "recipe": f"recipes/{recipe.name}.yaml",
        "code_revision": code_revision(),
        "created": datetime.now(UTC).date().isoformat(),
        "effort": read_effort(run_dir),
        "history": read_history(run_dir),
    }
    write_bundle(bundle_dir, manifest, {})
    manifest["reference"] = reference_of_fusion(read_bundle(bundle_dir), logits)
    write_bundle(bundle_dir, manifest, {})
    return manifest


def _carry(members: Mapping[str, ModelBundle], folder: Path) -> None:
    embedded = {name: load_bundle(name).path for name in list_bundles()}
    for name, bundle in members.items():
        if bundle.path not in (embedded.get(name), folder / name):
            shutil.copytree(bundle.path, folder / name)


def _describe_members(
    recipe: FusionRecipe, network: FusionNetwork, members: Mapping[str, ModelBundle]
) -> list[dict[str, Any]]:
    return [
        {
            "modality": member.modality,
            "model": name,
            "gives": list(member.gives),
            "size": layout.size,
            "states": layout.states,
            "sha256": bundle.sha256,
        }
        for member, layout, (name, bundle) in zip(
            recipe.members, network.members, members.items(), strict=True
        )
    ]


def _trace(network: FusionNetwork, validation: FusionTable, path: Path) -> None:
    flat = _Flat(network).eval()
    batch = torch.export.Dim("batch", min=1, max=4096)
    count = min(4, len(validation))
    arrays = _arrays(validation, np.arange(count))
    shapes: list[dict[int, Any]] = [{0: batch} for _ in arrays]
    names = [member.name for member in network.members]
    if validation.states:
        names += [f"{member.name}.states" for member in network.members]
        for index in range(len(network.members)):
            shapes[len(network.members) + index][1] = torch.export.Dim(f"n_{index}", min=1, max=4096)
    examples = tuple(torch.from_numpy(np.resize(array, (4, *array.shape[1:]))) for array in arrays)
    trace_onnx(
        flat, examples, (tuple(shapes),), names=([*names, "present"], list(network.outputs)), path=path
    )
    few = _arrays(validation, np.arange(min(64, len(validation))))
    check_parity(flat, path, [few, tuple(array[:1] for array in few)])


def _arrays(table: FusionTable, rows: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
    inputs = table.inputs(rows)
    return tuple(tensor.numpy() for tensor in (*inputs.vectors, *inputs.states, inputs.present))


def _run(network: FusionNetwork, table: FusionTable, path: Path) -> dict[str, FloatArray]:
    session, parts = open_session(path), []
    names = [member.name for member in network.members]
    names += [f"{member.name}.states" for member in network.members if table.states]
    for start in range(0, len(table), ROWS):
        arrays = _arrays(table, np.arange(start, min(start + ROWS, len(table))))
        feeds = dict(zip([*names, "present"], arrays, strict=True))
        parts.append(session.run(list(network.outputs), feeds))
    return {name: np.concatenate([part[i] for part in parts]) for i, name in enumerate(network.outputs)}


def _calibrate(
    recipe: FusionRecipe, validation: FusionTable, logits: Mapping[str, FloatArray]
) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, FloatArray]]:
    outputs, metrics, answers = {}, [], {}
    corpora = "+".join(corpus.name for corpus in recipe.corpora if corpus.validation)
    for head in recipe.heads:
        rows = ~np.isnan(validation.targets[head][:, 0])
        targets = validation.targets[head][rows]
        temperature = fit_temperature(logits[head][rows], targets, "softmax")
        answers[head] = probabilities_of(logits[head], temperature, "softmax")
        labels = list(load_taxonomy(head).labels)
        outputs[head] = {
            "activation": "softmax",
            "labels": labels,
            "temperature": round(temperature, 4),
            "thresholds": None,
        }
        truth, guess = targets.argmax(axis=1), answers[head][rows].argmax(axis=1)
        present = sorted(set(truth.tolist()))
        figures = {
            "accuracy": float(accuracy_score(truth, guess)),
            "macro_f1": float(f1_score(truth, guess, labels=present, average="macro", zero_division=0)),
            "ece": expected_calibration_error(answers[head][rows], truth),
        }
        metrics += [
            {
                "corpus": corpora,
                "split": "validation",
                "metric": f"{head}/{name}",
                "value": round(value, 4),
                "n": len(truth),
            }
            for name, value in figures.items()
        ]
    return outputs, metrics, answers


def _data(recipe: FusionRecipe, members: Mapping[str, ModelBundle]) -> list[dict[str, str]]:
    adapters = [load_adapter(corpus.name) for corpus in recipe.corpora if corpus.train]
    found = {
        own.name: {"name": own.name, "licence": own.licence, "commercial_use": own.commercial_use}
        for own in adapters
    }
    # What its members learned from is in every answer of the fusion.
    for member in members.values():
        for row in member.data:
            found.setdefault(row["name"], dict(row))
    return list(found.values())
