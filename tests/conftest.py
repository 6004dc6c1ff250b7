"""Small real bundles, so that the runtime is tested without trained weights."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import settings
from onnx import TensorProto, helper, numpy_helper
from tests.databases import database_url, postgres  # noqa: F401 - fixtures
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from emofuse.export.bundle_writer import write_bundle
from emofuse.taxonomy import load_taxonomy
from emofuse.types import FaceBox, ImageArray

# Time limits per example would fail on a busy machine, not on wrong code.
settings.register_profile("emofuse", deadline=None, max_examples=60)
settings.load_profile("emofuse")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the file that takes longest first, or one of several processes would end long after the others."""
    items.sort(key=lambda item: item.path.name != "test_recipes.py")


WORDS = ["[UNK]", "[CLS]", "[SEP]", "happy", "sad", "angry", "plain", "the", "day", "is"]
PHOTOS = Path(__file__).parent.parent / "src" / "emofuse" / "demo" / "examples"


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
    several = inputs if isinstance(inputs, list) else [inputs]
    graph = helper.make_graph(nodes, "tiny", several, outputs, initializers)
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


def build_scene_bundle(folder: Path) -> Path:
    """Brightness of the picture's rows in each colour, then two linear heads."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(2)
    heads = {"ekman7": "softmax", "sentiment3": "softmax"}
    weights: dict[str, Any] = {"scale": np.array(1 / 255, dtype=np.float32)}
    nodes = [
        helper.make_node("Cast", ["images"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["float", "scale"], ["scaled"]),
        helper.make_node("ReduceMean", ["scaled"], ["states"], axes=[2], keepdims=0),
        helper.make_node("ReduceMean", ["states"], ["embeddings"], axes=[1], keepdims=0),
    ]
    outputs = []
    for head in heads:
        size = len(load_taxonomy(head))
        weights[f"w_{head}"] = random.normal(size=(3, size)).astype(np.float32)
        nodes.append(helper.make_node("MatMul", ["embeddings", f"w_{head}"], [head]))
        outputs.append(helper.make_tensor_value_info(head, TensorProto.FLOAT, ["batch", size]))
    outputs.append(helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["batch", 3]))
    outputs.append(helper.make_tensor_value_info("states", TensorProto.FLOAT, ["batch", 16, 3]))
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", 16, 16, 3])
    save_graph(folder / "model.onnx", nodes, images, outputs, weights)
    preprocessing = {"size_px": 16, "max_batch": 4}
    write_bundle(folder, manifest("scene", "tiny_scene", heads, preprocessing), {})
    return folder


def build_pool_bundle(folder: Path, *modalities: str) -> Path:
    """A pool of equal weights."""
    folder.mkdir(parents=True)
    data = manifest("fusion", "tiny_pool", {}, {})
    data["parameters"] = {"weights": dict.fromkeys(modalities, 1.0)}
    data["thresholds"] = {"abstain": 0.45, "mixed": 0.3, "opposed": 0.6}
    write_bundle(folder, data, {})
    return folder


def build_fusion_bundle(folder: Path, text: Path, scene: Path, *, keeps_alone: bool) -> Path:
    """Logits: five times the probabilities of the text, three times those of the scene."""
    folder.mkdir(parents=True)
    nodes: list[Any] = []
    weights: dict[str, Any] = {"text_column": np.array([0]), "scene_column": np.array([1])}
    for name, factor in (("text", 5.0), ("scene", 3.0)):
        weights[f"w_{name}"] = np.eye(7, dtype=np.float32) * np.float32(factor)
        nodes += [
            helper.make_node("MatMul", [f"tiny_{name}", f"w_{name}"], [f"all_{name}"]),
            helper.make_node("Gather", ["present", f"{name}_column"], [f"is_{name}"], axis=1),
            helper.make_node("Mul", [f"all_{name}", f"is_{name}"], [f"own_{name}"]),
        ]
    nodes.append(helper.make_node("Add", ["own_text", "own_scene"], ["ekman7"]))
    sizes = {"tiny_text": 7, "tiny_scene": 7, "present": 2}
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])
        for name, size in sizes.items()
    ]
    output = helper.make_tensor_value_info("ekman7", TensorProto.FLOAT, ["batch", 7])
    save_graph(folder / "model.onnx", nodes, inputs, [output], weights)
    data = manifest("fusion", "tiny_fusion", {"ekman7": "softmax"}, {})
    members = []
    for modality, member in (("text", text), ("scene", scene)):
        copied = shutil.copytree(member, folder / "members" / f"tiny_{modality}")
        sha256 = hashlib.sha256((copied / "model.onnx").read_bytes()).hexdigest()
        row = {"modality": modality, "model": f"tiny_{modality}", "gives": ["ekman7"], "size": 7, "states": 0}
        members.append(row | {"sha256": sha256})
    data["parameters"] = {
        "weights": {"text": 1.0, "scene": 1.0},
        "keeps_alone": keeps_alone,
        "members": members,
    }
    data["thresholds"] = {"abstain": 0.3, "mixed": 0.3, "opposed": 0.6}
    write_bundle(folder, data, {})
    return folder


@pytest.fixture(scope="session")
def scene_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_scene_bundle(tmp_path_factory.mktemp("bundles") / "tiny_scene")


@pytest.fixture(scope="session")
def pool_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_pool_bundle(tmp_path_factory.mktemp("bundles") / "tiny_pool", "text", "face")


@pytest.fixture(scope="session")
def wide_pool_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_pool_bundle(tmp_path_factory.mktemp("bundles") / "wide_pool", "text", "face", "scene")


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
