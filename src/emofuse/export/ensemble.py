"""Several face bundles as one: their calibrated distributions, averaged inside one graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, numpy_helper

from emofuse.datasets import load_adapter
from emofuse.errors import ConfigError
from emofuse.evaluate.calibration import clear_rows, fit_temperature, probabilities_of
from emofuse.export.bundle_writer import clear_bundle, code_revision, write_bundle
from emofuse.metrics import expected_calibration_error
from emofuse.preprocess import load_image, prepare_crop
from emofuse.runtime.bundle import ModelBundle, load_bundle
from emofuse.runtime.session import Session, open_session
from emofuse.taxonomy import POLARITIES, load_mapping, load_taxonomy
from emofuse.types import FloatArray

__all__ = ["EnsembleHead", "EnsembleRecipe", "export_ensemble"]

SMALLEST = 1e-9  # probability, so that its logarithm is finite
CHUNK = 256


@dataclass(frozen=True, kw_only=True)
class EnsembleHead:
    """The corpus on whose validation split one output is calibrated.

    Attributes:
        corpus: A dataset adapter.
        root: Folder of the corpus below the data root.
    """

    corpus: str
    root: str


@dataclass(frozen=True, kw_only=True)
class EnsembleRecipe:
    """Face bundles that answer together.

    Attributes:
        name: Name of the bundle.
        task: Always `ensemble`.
        members: Names of embedded face bundles, or bundle folders.
        heads: Taxonomy of an output -> where it is calibrated.
        version: Version of the bundle.
        description: One sentence for `emofuse models list`.
        limits: Known failures, a sentence each, for the model card.
    """

    name: str
    task: str
    members: tuple[str, ...]
    heads: Mapping[str, EnsembleHead]
    version: str = "0.1.0"
    description: str = ""
    limits: tuple[str, ...] = ()


def export_ensemble(recipe: EnsembleRecipe, data_root: Path, bundle_dir: Path) -> dict[str, Any]:
    """Average the members' calibrated distributions, in the labels of each head, and calibrate the mean.

    A head's average is that of the members that answer in its labels themselves; only where none does are the
    answers of all mapped to them.

    Args:
        recipe: Members and heads.
        data_root: Folder that holds the corpora.
        bundle_dir: Bundle folder to write.

    Returns:
        The manifest that was written to `bundle.json`.

    Raises:
        ConfigError: A member reads no faces, or faces of another size than the first.
        DatasetError: A corpus is missing or malformed.

    Source: Lakshminarayanan et al. 2017, "Simple and Scalable Predictive Uncertainty Estimation using Deep
    Ensembles".
    """
    members = [load_bundle(name) for name in recipe.members]
    size_px = int(members[0].preprocessing.get("size_px", 0))
    for member in members:
        if member.kind != "face" or member.preprocessing["size_px"] != size_px:
            raise ConfigError(
                f"{member.name} is no face model for crops of {size_px} px, like the first member.",
                item=member.name,
            )
    clear_bundle(bundle_dir)
    path = bundle_dir / "model.onnx"
    onnx.save(_join(members, list(recipe.heads), size_px), path)
    session = open_session(path)
    outputs, metrics = {}, []
    for head, place in recipe.heads.items():
        crops, targets = _read_validation(head, place, data_root, size_px)
        outputs[head], scores = _calibrate(session, head, crops, targets)
        metrics += [
            {
                "corpus": place.corpus,
                "split": "validation",
                "metric": f"{head}/{name}",
                "value": round(value, 4),
                "n": len(crops),
            }
            for name, value in scores.items()
        ]
    manifest = _manifest(recipe, members, outputs, metrics)
    write_bundle(bundle_dir, manifest, {})
    return manifest


def _calibrate(
    session: Session, head: str, crops: NDArray[np.uint8], targets: FloatArray
) -> tuple[dict[str, Any], dict[str, float]]:
    parts = [
        session.run([head], {"images": crops[start : start + CHUNK]})[0]
        for start in range(0, len(crops), CHUNK)
    ]
    logits, truth = np.concatenate(parts), targets.argmax(axis=1)
    clear = clear_rows(targets)
    one_hot = np.eye(targets.shape[1], dtype=np.float32)[truth[clear]]
    temperature = fit_temperature(logits[clear], one_hot, "softmax")
    probabilities = probabilities_of(logits, temperature, "softmax")
    output = {
        "activation": "softmax",
        "labels": list(load_taxonomy(head).labels),
        "temperature": round(temperature, 4),
        "thresholds": {},
    }
    accuracy = float((probabilities.argmax(axis=1) == truth).mean())
    return output, {"accuracy": accuracy, "ece": expected_calibration_error(probabilities, truth)}


def _join(members: Sequence[ModelBundle], heads: Sequence[str], size_px: int) -> onnx.ModelProto:
    nodes: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []
    parts: dict[str, list[str]] = {head: [] for head in heads}
    opsets: dict[str, int] = {}
    for number, member in enumerate(members):
        prefix = f"member{number}/"
        graph = onnx.load(member.model_path)
        for opset in graph.opset_import:
            if opsets.setdefault(opset.domain, opset.version) != opset.version:
                raise ConfigError(f"{member.name} was exported for another opset; export it again.")
        graph = compose.add_prefix(graph, prefix, rename_inputs=False)
        nodes += graph.graph.node
        weights += graph.graph.initializer
        for head in heads:
            if head not in member.outputs and any(head in other.outputs for other in members):
                continue  # what is mapped from other labels pulls the others off
            source = _nearest(member, head)
            names = [f"{prefix}{head}/{part}" for part in ("scaled", "own", "mapped")]
            divisor, table = f"{prefix}{head}/temperature", f"{prefix}{head}/table"
            temperature = np.array(member.outputs[source].temperature, dtype=np.float32)
            weights.append(numpy_helper.from_array(temperature, divisor))
            weights.append(numpy_helper.from_array(load_mapping(source, head).matrix, table))
            nodes.append(helper.make_node("Div", [prefix + source, divisor], [names[0]]))
            nodes.append(helper.make_node("Softmax", [names[0]], [names[1]], axis=-1))
            nodes.append(helper.make_node("MatMul", [names[1], table], [names[2]]))
            parts[head].append(names[2])
    weights.append(numpy_helper.from_array(np.array(SMALLEST, dtype=np.float32), "smallest"))
    for head, names in parts.items():
        nodes.append(helper.make_node("Mean", names, [f"{head}/mean"]))
        nodes.append(helper.make_node("Max", [f"{head}/mean", "smallest"], [f"{head}/floored"]))
        nodes.append(helper.make_node("Log", [f"{head}/floored"], [head]))
    graph = helper.make_graph(
        nodes,
        "ensemble",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", size_px, size_px])],
        [
            helper.make_tensor_value_info(head, TensorProto.FLOAT, ["batch", len(load_taxonomy(head))])
            for head in heads
        ],
        weights,
    )
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    model = helper.make_model(graph, opset_imports=imports)
    model.ir_version = min(model.ir_version, onnx.load(members[0].model_path).ir_version)
    return model


def _nearest(member: ModelBundle, head: str) -> str:
    if head in member.outputs:
        return head
    return next(name for name in member.outputs if name not in POLARITIES)


def _read_validation(
    head: str, place: EnsembleHead, data_root: Path, size_px: int
) -> tuple[NDArray[np.uint8], FloatArray]:
    adapter = load_adapter(place.corpus)
    labels = load_taxonomy(head).labels
    mapping = load_mapping(adapter.taxonomies[0], head)
    crops, rows = [], []
    for sample in adapter.iter_samples(data_root / place.root, "validation"):
        own = sample.labels.get(adapter.taxonomies[0])
        if not own or sample.image is None:
            continue
        image, _ = load_image(sample.image)
        crops.append(prepare_crop(image, size_px=size_px))
        mapped = mapping.map_labels(own)
        rows.append([mapped.get(label, 0.0) for label in labels])
    if not crops:
        raise ConfigError(f"{place.corpus} has no labelled validation faces.", item=place.corpus)
    return np.stack(crops), np.array(rows, dtype=np.float32)


def _manifest(
    recipe: EnsembleRecipe,
    members: Sequence[ModelBundle],
    outputs: Mapping[str, Any],
    metrics: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    data = {row["name"]: dict(row) for member in members for row in member.data}
    return {
        "schema": 1,
        "name": recipe.name,
        "version": recipe.version,
        "kind": "face",
        "description": recipe.description,
        "preprocessing": {"size_px": members[0].preprocessing["size_px"], "max_batch": 64},
        "outputs": outputs,
        "thresholds": {},
        "parameters": {"members": {member.name: member.version for member in members}},
        "metrics": list(metrics),
        "data": list(data.values()),
        "limits": list(recipe.limits),
        "recipe": f"recipes/{recipe.name}.yaml",
        "code_revision": code_revision(),
        "created": datetime.now(UTC).date().isoformat(),
    }
