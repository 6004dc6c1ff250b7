"""Turn a finished run into a bundle: ONNX, quantised, calibrated, described, summed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor, nn

from emofuse.datasets import load_adapter
from emofuse.evaluate.calibration import (
    Activation,
    choose_thresholds,
    clear_rows,
    fit_temperature,
    match_confidence,
    probabilities_of,
)
from emofuse.evaluate.reference import reference_of_model
from emofuse.export.bundle_writer import clear_bundle, code_revision, write_bundle
from emofuse.export.onnx_model import QUANTIZERS, check_parity, export_onnx
from emofuse.metrics import expected_calibration_error
from emofuse.preprocess import WordPieceTokenizer
from emofuse.runtime.bundle import load_bundle, read_bundle
from emofuse.runtime.evidence import EMBEDDING, STATES
from emofuse.runtime.session import open_session
from emofuse.taxonomy import load_taxonomy
from emofuse.train.checkpoints import read_effort, read_history
from emofuse.train.classifier import EmotionNetwork
from emofuse.train.data import Example, batch_examples, input_px
from emofuse.train.recipe import Recipe
from emofuse.train.start import is_bundle
from emofuse.train.trainer import load_run
from emofuse.train.validation import read_validation
from emofuse.types import FloatArray

__all__ = ["export_run", "run_heads"]

MAX_WINDOWS = 32
CALIBRATION_BATCHES, CALIBRATION_SIZE = 24, 64
FEATURES = (EMBEDDING, STATES)
FEATURE_UNIT = 6.0  # where ReLU6 ends
PRETRAINED = {
    "minilm_bilstm": {
        "name": "all-MiniLM-L6-v2, pretrained weights",
        "licence": "Apache-2.0",
        "commercial_use": "yes",
    },
    "efficientnet_lite0": {
        "name": "EfficientNet-Lite0, weights pretrained on ImageNet",
        "licence": "Apache-2.0; ImageNet's pictures are for research",
        "commercial_use": "unclear",
    },
    "face_resnet": {
        "name": "dlib_face_recognition_resnet_model_v1, weights pretrained on face recognition",
        "licence": "CC0; about half of its three million faces are from the web, for research",
        "commercial_use": "unclear",
    },
}


class _Whole(nn.Module):
    # What fusion reads goes into the graph beside the answers.
    def __init__(self, network: EmotionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        return self.network.read(inputs)


class _Mirrored(_Whole):
    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        return self.network.read_mirrored(inputs)


def export_run(
    run_dir: Path,
    bundle_dir: Path,
    *,
    quantize: str | None = None,
    temperatures: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Export the best network of a run.

    Beside the logits of each head the graph gives `embeddings`, what the heads see, and `states`, one vector
    per token or patch that they pool; a graph that averages over mirror images gives the states of the
    upright picture. The float32 graph must agree with torch within 1e-4. Temperature and thresholds are then
    chosen on the validation split with the graph that ships, quantised or not; the temperature of a face
    model on the faces about which most annotators agree.

    Args:
        run_dir: A folder that `train` filled.
        bundle_dir: Bundle folder to write; existing files of a bundle are replaced.
        quantize: Overrides the recipe's `export.quantize`.
        temperatures: Head -> its temperature, where that is not to be fitted.

    Returns:
        The manifest that was written to `bundle.json`.

    Raises:
        ConfigError: The run has no finished epoch.
        ParityError: The ONNX graph does not compute what torch computes.
    """
    recipe, network, tokenizer = load_run(run_dir)
    validation = read_validation(run_dir / "validation.npz")
    batches = batch_examples(validation, recipe.export.max_batch)
    model = bundle_dir / "model.onnx"
    clear_bundle(bundle_dir)
    with TemporaryDirectory() as folder:
        exact = Path(folder) / "float32.onnx"
        whole = (_Mirrored if recipe.export.mirror else _Whole)(network)
        export_onnx(whole, batches[0][1], [*recipe.heads, *FEATURES], exact)
        few = [batch for _, batch in batches[:: max(1, len(batches) // 8)]]
        check_parity(whole, exact, few, units=[1.0] * len(recipe.heads) + [FEATURE_UNIT] * len(FEATURES))
        many = batch_examples(validation, CALIBRATION_SIZE)
        sample = [batch for _, batch in many[:: max(1, len(many) // CALIBRATION_BATCHES)]]
        quantize = quantize or recipe.export.quantize
        QUANTIZERS[quantize](exact, model, sample)
    logits = run_heads(model, batches, len(validation))
    outputs, metrics = _calibrate(recipe, validation, logits, temperatures or {})
    files = {}
    if tokenizer is not None:
        files["tokenizer.json"] = (run_dir / "tokenizer.json").read_bytes()
    effort = read_effort(run_dir)
    if effort and recipe.init_from:
        start = recipe.init_from
        effort["init_from"] = load_bundle(start).name if is_bundle(start) else Path(start).name
    manifest = _manifest(recipe, quantize, tokenizer, outputs, metrics) | {
        "effort": effort,
        "history": read_history(run_dir),
    }
    write_bundle(bundle_dir, manifest, files)
    inputs = [example.inputs for example in validation]
    manifest["reference"] = reference_of_model(read_bundle(bundle_dir), inputs, logits)
    write_bundle(bundle_dir, manifest, files)
    return manifest


def run_heads(
    model: Path, batches: Sequence[tuple[list[int], NDArray[Any]]], count: int
) -> dict[str, FloatArray]:
    """Let a graph read encoded examples.

    Args:
        model: ONNX file.
        batches: As `batch_examples` gives them.
        count: Number of examples.

    Returns:
        Head -> (count, labels) float32, logits.
    """
    graph = onnx.load(model).graph
    session, name = open_session(model), graph.input[0].name
    heads = [output.name for output in graph.output if output.name not in FEATURES]
    logits = {head: np.zeros((count, len(load_taxonomy(head))), dtype=np.float32) for head in heads}
    for rows, batch in batches:
        for head, values in zip(heads, session.run(heads, {name: batch}), strict=True):
            logits[head][rows] = values
    return logits


def _calibrate(
    recipe: Recipe,
    validation: Sequence[Example],
    logits: Mapping[str, FloatArray],
    temperatures: Mapping[str, float],
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    outputs, metrics = {}, []
    for head in recipe.heads:
        rows = [i for i, example in enumerate(validation) if head in example.targets]
        own, targets = logits[head][rows], [validation[i].targets[head] for i in rows]
        outputs[head] = output = _output(recipe, head, own, targets, temperatures.get(head))
        corpus = "+".join(c.name for c in recipe.corpora if c.validation and head in c.heads)
        # Heads that keep their calibration may have nothing to be measured on.
        for metric, value in (_scores(own, np.stack(targets), output) if rows else {}).items():
            metrics.append(
                {
                    "corpus": corpus,
                    "split": "validation",
                    "metric": f"{head}/{metric}",
                    "value": round(value, 4),
                    "n": len(rows),
                }
            )
    return outputs, metrics


def _output(
    recipe: Recipe, head: str, logits: FloatArray, targets: Sequence[FloatArray], temperature: float | None
) -> dict[str, Any]:
    labels = list(load_taxonomy(head).labels)
    activation: Activation = "sigmoid" if recipe.heads[head].multi_label else "softmax"
    if recipe.export.calibration == "kept":
        # Its temperature went into the weights of the head.
        temperature, thresholds = 1.0, dict(load_bundle(str(recipe.init_from)).outputs[head].thresholds)
    else:
        right = np.stack(targets)
        temperature = temperature or _temperature(recipe, logits, right, activation)
        probabilities = probabilities_of(logits, temperature, activation)
        thresholds = choose_thresholds(probabilities, right, labels)
    return {
        "activation": activation,
        "labels": labels,
        "temperature": round(temperature, 4),
        "thresholds": {label: round(value, 4) for label, value in thresholds.items()},
    }


def _temperature(recipe: Recipe, logits: FloatArray, targets: FloatArray, activation: Activation) -> float:
    voted = recipe.task == "face" and activation == "softmax"
    clear = clear_rows(targets) if voted else np.full(len(targets), fill_value=True)
    right = _sharpen(targets[clear], activation)
    if recipe.export.calibration == "accuracy" and activation == "softmax":
        return match_confidence(logits[clear], right)
    return fit_temperature(logits[clear], right, activation)


def _sharpen(targets: FloatArray, activation: Activation) -> FloatArray:
    # Confidence is to say how often the answer is right, not how annotators' votes are shared.
    if activation == "sigmoid":
        return targets
    top: FloatArray = (targets == targets.max(axis=1, keepdims=True)).astype(np.float32)
    shares: FloatArray = top / top.sum(axis=1, keepdims=True)
    return shares


def _scores(logits: FloatArray, targets: FloatArray, output: Mapping[str, Any]) -> dict[str, float]:
    probabilities = probabilities_of(logits, output["temperature"], output["activation"])
    if output["activation"] == "sigmoid":
        decided = probabilities >= np.asarray(list(output["thresholds"].values()))
        return {"macro_f1": float(f1_score(targets > 0, decided, average="macro", zero_division=0))}
    truth, guess = targets.argmax(axis=1), probabilities.argmax(axis=1)
    return {
        "accuracy": float(accuracy_score(truth, guess)),
        "macro_f1": float(f1_score(truth, guess, average="macro", zero_division=0)),
        "ece": expected_calibration_error(probabilities, truth),
    }


def _manifest(
    recipe: Recipe,
    quantize: str,
    tokenizer: WordPieceTokenizer | None,
    outputs: Mapping[str, Any],
    metrics: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    if tokenizer is None:
        preprocessing: dict[str, Any] = {"size_px": input_px(recipe)}
    else:
        prefix, suffix = tokenizer.frame()
        preprocessing = {
            "max_tokens": recipe.tokenizer.max_tokens,
            "max_windows": MAX_WINDOWS,
            "prefix_ids": prefix,
            "suffix_ids": suffix,
            "emoji": recipe.tokenizer.emoji,
        }
    preprocessing["max_batch"] = recipe.export.max_batch
    if tokenizer is not None and quantize == "int8_static":
        # All its products are of integers, whose order does not matter.
        preprocessing["exact_alone"] = True
    return {
        "schema": 1,
        "name": recipe.name,
        "version": recipe.export.version,
        "kind": recipe.task,
        "description": recipe.export.description,
        "preprocessing": preprocessing,
        "outputs": outputs,
        "thresholds": {},
        "parameters": {},
        "metrics": list(metrics),
        "data": _data(recipe),
        "limits": list(recipe.export.limits),
        "recipe": f"recipes/{recipe.name}.yaml",
        "code_revision": code_revision(),
        "created": datetime.now(UTC).date().isoformat(),
    }


def _data(recipe: Recipe) -> list[dict[str, str]]:
    names = dict.fromkeys(corpus.name for corpus in recipe.corpora if corpus.train)
    found = [
        {"name": own.name, "licence": own.licence, "commercial_use": own.commercial_use}
        for own in map(load_adapter, names)
    ]
    if recipe.encoder.name in PRETRAINED:
        found.append(PRETRAINED[recipe.encoder.name])
    before = [recipe.init_from] if recipe.init_from and is_bundle(recipe.init_from) else []
    # A student knows its teacher's data at second hand.
    for bundle in (*before, *([recipe.distill.teacher] if recipe.distill else [])):
        known = {row["name"] for row in found}
        found += [dict(row) for row in load_bundle(bundle).data if row["name"] not in known]
    return found
