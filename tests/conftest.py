"""Small real bundles, so that the runtime is tested without trained weights."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import settings
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from emofuse.export.bundle_writer import write_bundle
from emofuse.taxonomy import load_taxonomy
from emofuse.types import FaceBox, ImageArray

# Time limits per example would fail on a busy machine, not on wrong code.
settings.register_profile("emofuse", deadline=None, max_examples=60)
settings.load_profile("emofuse")

WORDS = ["[UNK]", "[CLS]", "[SEP]", "happy", "sad", "angry", "plain", "the", "day", "is"]
PHOTOS = Path(__file__).parent.parent / "examples" / "photos"


def manifest(kind: str, name: str, outputs: dict[str, str], preprocessing: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": 1,
        "name": name,
        "version": "9.9.9",
        "kind": kind,
        "description": "A tiny model for tests",
        "preprocessing": preprocessing,
        "outputs": {
            taxonomy: {
                "activation": activation,
                "labels": list(load_taxonomy(taxonomy).labels),
                "temperature": 1.0,
                "thresholds": dict.fromkeys(load_taxonomy(taxonomy).labels, 0.5),
            }
            for taxonomy, activation in outputs.items()
        },
        "thresholds": {},
        "parameters": {},
        "metrics": [],
        "data": [],
        "recipe": "",
        "code_revision": "",
        "created": "2026-01-01",
    }


def save_graph(
    path: Path, nodes: list[Any], inputs: Any, outputs: list[Any], weights: dict[str, Any]
) -> None:
    initializers = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "tiny", [inputs], outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)


HEADS = {"ekman7": "softmax", "goemotions28": "sigmoid", "sentiment3": "softmax"}


def build_text_bundle(folder: Path, heads: dict[str, str] = HEADS) -> Path:
    """Mean of word vectors, then one linear head per output."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    weights: dict[str, Any] = {"words": random.normal(size=(len(WORDS), 8)).astype(np.float32)}
    nodes = [
        helper.make_node("Gather", ["words", "input_ids"], ["vectors"]),
        helper.make_node("ReduceMean", ["vectors"], ["mean"], axes=[1], keepdims=0),
    ]
    outputs = []
    for head in heads:
        size = len(load_taxonomy(head))
        weights[f"w_{head}"] = random.normal(size=(8, size)).astype(np.float32)
        nodes.append(helper.make_node("MatMul", ["mean", f"w_{head}"], [head]))
        outputs.append(helper.make_tensor_value_info(head, TensorProto.FLOAT, ["batch", size]))
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "length"])
    save_graph(folder / "model.onnx", nodes, ids, outputs, weights)
    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    preprocessing = {
        "max_tokens": 12,
        "max_windows": 4,
        "prefix_ids": [1],
        "suffix_ids": [2],
        "emoji": "spell",
        "max_batch": 8,
    }
    write_bundle(
        folder,
        manifest("text", "tiny_text", heads, preprocessing),
        {"tokenizer.json": tokenizer.to_str().encode()},
    )
    return folder


def build_face_bundle(folder: Path) -> Path:
    """Brightness of the crop's rows, then a linear head."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(1)
    weights = {
        "scale": np.array(1 / 255, dtype=np.float32),
        "w": random.normal(size=(48, 8)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["float", "scale"], ["scaled"]),
        helper.make_node("ReduceMean", ["scaled"], ["rows"], axes=[2], keepdims=0),
        helper.make_node("MatMul", ["rows", "w"], ["ferplus8"]),
    ]
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", 48, 48])
    output = helper.make_tensor_value_info("ferplus8", TensorProto.FLOAT, ["batch", 8])
    save_graph(folder / "model.onnx", nodes, images, [output], weights)
    preprocessing = {"size_px": 48, "max_batch": 4}
    write_bundle(folder, manifest("face", "tiny_face", {"ferplus8": "softmax"}, preprocessing), {})
    return folder


@pytest.fixture(scope="session")
def text_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_text_bundle(tmp_path_factory.mktemp("bundles") / "tiny_text")


@pytest.fixture(scope="session")
def face_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_face_bundle(tmp_path_factory.mktemp("bundles") / "tiny_face")


def record_checksums(bundle: Path) -> None:
    """Make an edited bundle consistent again, so that its content is what is wrong with it."""
    files = sorted(entry for entry in bundle.iterdir() if entry.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (bundle / "SHA256SUMS").write_text("".join(lines))


def find_bright(image: ImageArray) -> list[FaceBox]:
    """A user's own detector: the bounding box of bright pixels."""
    rows, columns = np.nonzero(image.mean(axis=2) > 200)
    if not len(rows):
        return []
    left, top = float(columns.min()), float(rows.min())
    return [FaceBox(left, top, float(columns.max()) - left + 1, float(rows.max()) - top + 1)]


def bright_square(side: int = 64) -> ImageArray:
    image = np.zeros((120, 160, 3), dtype=np.uint8)
    image[20 : 20 + side, 30 : 30 + side] = 230
    return image


def read_json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]
