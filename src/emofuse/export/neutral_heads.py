"""Take what a text model makes of the person spoken of out of its heads.

The heads are linear. With features x of mean m, head weights W, the covariance C of the features of ordinary
texts and the second moment D of the differences between the features of sentences that differ only in the
person, the new weights A W have

    A = (C + s D)^-1 C,

which minimises E |(x - m) A W - (x - m) W|^2 + s E |d A W|^2: answers to ordinary texts stay, differences
between persons shrink, and the strength s says which counts more. The network before the heads is not
touched, so the model is as large and as fast as before.

Source: the ridge form of removing a concept by least squares; compare Bolukbasi et al. 2016, "Man is to
Computer Programmer as Woman is to Homemaker?", section 6 (soft debiasing), and Belrose et al. 2023, "LEACE".
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from emofuse.datasets import load_adapter
from emofuse.errors import ConfigError, InputError
from emofuse.evaluate.answers import answer_corpus
from emofuse.evaluate.calibration import choose_thresholds
from emofuse.export.bundle_writer import clear_bundle, code_revision, write_bundle
from emofuse.runtime.bundle import ModelBundle, load_bundle
from emofuse.runtime.evidence import EMBEDDING, STATES
from emofuse.runtime.model_set import open_text_model
from emofuse.taxonomy import load_taxonomy
from emofuse.train.graph_weights import GraphWeights
from emofuse.train.person_probe import NAMES_PER_GROUP, build_probe
from emofuse.types import FloatArray

__all__ = ["neutralize", "solve_edit"]

FILLINGS, TEXTS = 2000, 3000
SEED = 7
RIDGE = 1e-4  # share of the mean variance, so that directions without any stay as they are

Matrix = NDArray[np.float64]


def neutralize(
    bundle: ModelBundle,
    corpora: Mapping[str, Path],
    bundle_dir: Path,
    *,
    strength: float,
    fillings: int = FILLINGS,
) -> dict[str, Any]:
    """Write a copy of a text bundle whose heads read persons more alike.

    Args:
        bundle: A text bundle with linear heads.
        corpora: Adapter -> folder; up to 3,000 texts of each training split say which answers are to stay.
            Where texts have several labels, the validation split chooses the labels' thresholds anew.
        bundle_dir: Bundle folder to write.
        strength: How much differences between persons count, > 0 and finite; see the module.
        fillings: Number of template fillings to learn from.

    Returns:
        The manifest that was written to `bundle.json`.

    Raises:
        ConfigError: The bundle is no text model with linear heads, there is no corpus, one has no texts, or
            the strength is out of range.
        DatasetError: A corpus is missing or malformed.
    """
    if bundle.kind != "text" or not corpora or not 0 < strength < math.inf:
        raise ConfigError(
            "Neutral heads need a text model, a corpus whose answers are to stay and a finite strength above "
            "0.",
            item=bundle.name,
        )
    graph = onnx.load(bundle.model_path)
    source = _find_features(graph.graph, list(bundle.outputs))
    with TemporaryDirectory() as scratch:
        reader = _Features(bundle, graph, source, Path(scratch))
        texts = [text for name, root in corpora.items() for text in _sample_texts(name, root)]
        edit, mean = solve_edit(reader.read(texts), _differences(reader, fillings), strength)
    _replace_heads(graph, bundle, source, edit=edit, mean=mean)
    # Everything is read before the folder is cleared: it may be the bundle's own.
    manifest = _manifest(bundle, strength, list(corpora))
    tokenizer = (bundle.path / "tokenizer.json").read_bytes()
    clear_bundle(bundle_dir)
    onnx.save(graph, bundle_dir / "model.onnx")
    write_bundle(bundle_dir, manifest, {"tokenizer.json": tokenizer})
    # Where several labels may hold, the old cuts no longer fit the new probabilities.
    if refitted := _refit_thresholds(bundle_dir, corpora):
        for name, thresholds in refitted.items():
            manifest["outputs"][name]["thresholds"] = thresholds
        write_bundle(bundle_dir, manifest, {"tokenizer.json": tokenizer})
    return manifest


def solve_edit(
    features: FloatArray, differences: Sequence[FloatArray], strength: float
) -> tuple[Matrix, Matrix]:
    """The linear map that keeps ordinary features and shrinks differences.

    Args:
        features: (n, d) of ordinary texts.
        differences: Per kind (m, d), between features that ought to be equal; kinds count alike, however many
            rows they have.
        strength: How much the differences count, >= 0; 0 gives the identity.

    Returns:
        A (d, d) and the mean (d,) of the features, as in the module's formula.
    """
    precise = features.astype(np.float64)
    mean = precise.mean(axis=0)
    covariance = (precise - mean).T @ (precise - mean) / len(precise)
    covariance += RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    moment = sum((between.T @ between / len(between) for between in differences), np.zeros_like(covariance))
    return np.linalg.solve(covariance + strength * moment, covariance), mean


def _differences(reader: _Features, fillings: int) -> list[FloatArray]:
    rows = build_probe(fillings)
    flat = reader.read([text for row in rows for part in (*row.names, *row.nouns) for text in part])
    width = flat.shape[-1]
    block = flat.reshape(len(rows), -1, width)
    named = 4 * NAMES_PER_GROUP
    names = block[:, :named].reshape(len(rows), 4, NAMES_PER_GROUP, width).mean(axis=2)
    nouns = block[:, named:].reshape(-1, 2, width)
    black_women, black_men, white_women, white_men = (names[:, i] for i in range(4))
    groups = [
        black_women - white_women,
        black_men - white_men,
        (black_women + white_women - black_men - white_men) / 2,
    ]
    return [nouns[:, 0] - nouns[:, 1], np.concatenate(groups)]


class _Features:
    """Reads texts up to the input of the heads."""

    def __init__(self, bundle: ModelBundle, graph: onnx.ModelProto, source: str, folder: Path) -> None:
        # The runtime gives embeddings only together with states; nothing here looks at those.
        copy = onnx.ModelProto()
        copy.CopyFrom(graph)
        present = {output.name for output in copy.graph.output}
        for name in {EMBEDDING, STATES} - present:
            copy.graph.node.append(onnx.helper.make_node("Identity", [source], [name]))
            copy.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
        onnx.save(copy, folder / "model.onnx")
        (folder / "tokenizer.json").write_bytes((bundle.path / "tokenizer.json").read_bytes())
        self._model = open_text_model(replace(bundle, path=folder))

    def read(self, texts: Sequence[str]) -> FloatArray:
        """(texts, d) features; texts that cannot be read are left out."""
        readings = self._model.predict(texts, deep=True)
        rows = [r.embedding for r in readings if not isinstance(r, InputError) and r.embedding is not None]
        return np.stack(rows)


def _sample_texts(name: str, root: Path) -> list[str]:
    texts = [sample.text for sample in load_adapter(name).iter_samples(root, "train") if sample.text]
    if not texts:
        raise ConfigError(f"{name} has no texts to keep the answers to. Name a corpus of texts.", item=name)
    random.Random(SEED).shuffle(texts)
    return texts[:TEXTS]


def _find_features(graph: onnx.GraphProto, outputs: Sequence[str]) -> str:
    makers = {name: node for node in graph.node for name in node.output}
    found = {_head_input(makers, output) for output in outputs}
    if len(found) != 1 or None in found:
        raise ConfigError("The heads of this model are not linear in one embedding.", item=", ".join(outputs))
    return str(found.pop())


def _head_input(makers: Mapping[str, onnx.NodeProto], output: str) -> str | None:
    # From the bias back to the embedding, over the few nodes that an int8 product is made of.
    node = makers.get(output)
    if node is None or node.op_type != "Add":
        return None
    while node is not None and node.op_type in {"Add", "Mul", "Cast", "MatMulInteger", "MatMul"}:
        name = node.input[0]
        if node.op_type == "MatMul":
            return _before_rounding(makers, str(name))
        node = makers.get(name)
    return str(node.input[0]) if node is not None and node.op_type == "DynamicQuantizeLinear" else None


def _before_rounding(makers: Mapping[str, onnx.NodeProto], name: str) -> str:
    node = makers.get(name)
    if node is None or node.op_type not in {"QuantizeLinear", "DequantizeLinear"}:
        return name
    return _before_rounding(makers, node.input[0])


def _replace_heads(
    model: onnx.ModelProto, bundle: ModelBundle, source: str, *, edit: Matrix, mean: Matrix
) -> None:
    graph = model.graph
    constants = GraphWeights(graph)
    for name in bundle.outputs:
        [add] = [node for node in graph.node if name in node.output]
        key = add.input[1]
        weights, bias = constants.read_factor(key), constants.read(key)
        assert weights is not None
        assert bias is not None
        graph.node.remove(add)
        graph.initializer.remove(next(tensor for tensor in graph.initializer if tensor.name == key))
        new = edit @ weights
        # Training that goes on from here finds a head by the name of its bias.
        for array, own in ((new, f"neutral.{name}.weight"), (bias + mean @ (weights - new), key)):
            graph.initializer.append(onnx.numpy_helper.from_array(array.astype(np.float32), own))
        product = f"neutral.{name}.product"
        graph.node.append(onnx.helper.make_node("MatMul", [source, f"neutral.{name}.weight"], [product]))
        graph.node.append(onnx.helper.make_node("Add", [product, key], [name]))
    _prune(graph)


def _prune(graph: onnx.GraphProto) -> None:
    wanted = {output.name for output in graph.output}
    while True:
        used = wanted | {name for node in graph.node for name in node.input}
        idle = [node for node in graph.node if not used & set(node.output)]
        if not idle:
            break
        for node in idle:
            graph.node.remove(node)
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in used]:
        graph.initializer.remove(tensor)


def _refit_thresholds(bundle_dir: Path, corpora: Mapping[str, Path]) -> dict[str, dict[str, float]]:
    copy = load_bundle(str(bundle_dir))
    refitted = {}
    for name, root in corpora.items():
        adapter = load_adapter(name)
        if not adapter.multi_label or "validation" not in adapter.splits:
            continue
        answers = answer_corpus(copy, name, root, split="validation")
        if answers.taxonomy in copy.outputs:
            labels = load_taxonomy(answers.taxonomy).labels
            cuts = choose_thresholds(answers.probabilities, answers.truth, labels)
            refitted[answers.taxonomy] = {label: round(cut, 4) for label, cut in cuts.items()}
    return refitted


def _manifest(bundle: ModelBundle, strength: float, corpora: Sequence[str]) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((bundle.path / "bundle.json").read_text(encoding="utf-8"))
    limit = (
        f"Heads changed by `emofuse audit neutralize --strength {strength:g}` with texts of "
        f"{', '.join(corpora)}; temperatures, and thresholds of labels that none of these has, are those of "
        f"{bundle.name}."
    )
    # The new heads are float.
    manifest["preprocessing"].pop("exact_alone", None)
    return {
        **manifest,
        "name": f"{bundle.name}_neutral",
        "description": f"{bundle.description}; heads changed to read persons alike",
        "limits": [*manifest.get("limits", []), limit],
        # Measured on the weights as they were.
        "metrics": [],
        "evaluations": [],
        "code_revision": code_revision(),
        "created": datetime.now(UTC).date().isoformat(),
    }
