"""What somebody writes who takes the same models without emofuse: ONNX Runtime alone, and PyTorch alone.

Each loop reads its inputs from files, prepares and batches them in the plainest way that is right, runs the
model, and keeps the most probable label. `throughput.py` calls them, each in processes of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from figures import ROOT
from PIL import Image

from emofuse import load_bundle, load_taxonomy
from emofuse.runtime.face_detector import suppress_overlaps

BATCH = 64
TORCH_BATCH = 32


def onnx_texts(name: str, texts: Sequence[str], batch: int) -> dict[str, float]:
    """Tokenise with `tokenizers`, group by length, run the session."""
    from tokenizers import Tokenizer  # noqa: PLC0415 - costs what the loop would cost

    bundle = load_bundle(name)
    session, outputs = _session(name), list(bundle.outputs)
    tokenizer = Tokenizer.from_file(str(bundle.path / "tokenizer.json"))
    tokenizer.enable_truncation(bundle.preprocessing["max_tokens"])
    started, running = time.perf_counter(), 0.0
    for chunk in _chunks(texts, 1024):
        groups: dict[int, list[list[int]]] = {}
        for encoding in tokenizer.encode_batch_fast(chunk):
            groups.setdefault(len(encoding.ids), []).append(encoding.ids)
        for ids in (part for group in groups.values() for part in _chunks(group, batch)):
            before = time.perf_counter()
            logits = session.run(outputs, {"input_ids": np.array(ids, dtype=np.int64)})
            running += time.perf_counter() - before
            logits[0].argmax(axis=1)
    return {"seconds": time.perf_counter() - started, "session_seconds": running}


def onnx_crops(name: str, paths: Sequence[Path], batch: int) -> dict[str, float]:
    """Decode with Pillow, run the session."""
    session, outputs = _session(name), list(load_bundle(name).outputs)
    started, running = time.perf_counter(), 0.0
    for chunk in _chunks(paths, batch):
        pictures = np.stack([np.asarray(Image.open(path).convert("L")) for path in chunk])
        before = time.perf_counter()
        session.run(outputs, {"images": pictures})[0].argmax(axis=1)
        running += time.perf_counter() - before
    return {"seconds": time.perf_counter() - started, "session_seconds": running}


def onnx_photos(paths: Sequence[Path]) -> dict[str, float]:
    """Decode and shrink with Pillow, look for faces, read the crops and the whole picture."""
    detector, face, scene = (
        load_bundle("face_detector"),
        load_bundle("face_ferplus"),
        load_bundle("scene_image"),
    )
    find, read, look = (_session(own.name) for own in (detector, face, scene))
    side, small, wide = (
        detector.preprocessing["input_px"],
        face.preprocessing["size_px"],
        scene.preprocessing["size_px"],
    )
    limit = np.log(detector.thresholds["score"] / (1 - detector.thresholds["score"]))
    started, running = time.perf_counter(), 0.0
    for path in paths:
        picture = Image.open(path).convert("RGB")
        shrunk = picture.copy()
        shrunk.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
        canvas = np.full((-(-shrunk.height // 32) * 32, -(-shrunk.width // 32) * 32, 3), 127, np.uint8)
        canvas[: shrunk.height, : shrunk.width] = np.asarray(shrunk)
        before = time.perf_counter()
        scores, boxes, _ = find.run(None, {"images": canvas[None]})
        running += time.perf_counter() - before
        found = boxes[0][scores[0] >= limit]
        kept = found[suppress_overlaps(found, scores[0][scores[0] >= limit], detector.thresholds["iou"])]
        scale = shrunk.width / picture.width
        grey = picture.convert("L")
        crops = [
            np.asarray(grey.resize((small, small), Image.Resampling.BILINEAR, box=_square(box / scale, grey)))
            for box in kept
        ]
        whole = np.asarray(picture.resize((wide, wide), Image.Resampling.BILINEAR, reducing_gap=2.0))
        before = time.perf_counter()
        if crops:
            read.run(list(face.outputs), {"images": np.stack(crops)})
        look.run(list(scene.outputs), {"images": whole[None]})
        running += time.perf_counter() - before
    return {"seconds": time.perf_counter() - started, "session_seconds": running}


def torch_texts(name: str, texts: Sequence[str], threads: int) -> dict[str, float]:
    """The network that the bundle was exported from, padded batches of 32."""
    import torch  # noqa: PLC0415 - an extra
    from tokenizers import Tokenizer  # noqa: PLC0415

    torch.set_num_threads(threads)
    bundle = load_bundle(name)
    tokenizer = Tokenizer.from_file(str(bundle.path / "tokenizer.json"))
    tokenizer.enable_truncation(bundle.preprocessing["max_tokens"])
    tokenizer.enable_padding()
    network = _network(name, len(tokenizer.get_vocab()))
    started = time.perf_counter()
    with torch.inference_mode():
        for chunk in _chunks(texts, TORCH_BATCH):
            ids = torch.tensor([encoding.ids for encoding in tokenizer.encode_batch_fast(chunk)])
            network(ids)[0].argmax(dim=1)
    return {"seconds": time.perf_counter() - started}


def torch_crops(name: str, paths: Sequence[Path], threads: int) -> dict[str, float]:
    """The network that the bundle was exported from, batches of 32 crops and their mirror images."""
    import torch  # noqa: PLC0415 - an extra

    torch.set_num_threads(threads)
    network = _network(name, 0)
    started = time.perf_counter()
    with torch.inference_mode():
        for chunk in _chunks(paths, TORCH_BATCH):
            pictures = np.stack([np.asarray(Image.open(path).convert("L")) for path in chunk])
            network.read_mirrored(torch.from_numpy(pictures))[0].argmax(dim=1)
    return {"seconds": time.perf_counter() - started}


def torch_photos(paths: Sequence[Path], threads: int) -> dict[str, float]:
    """The network of the whole picture alone, batches of 32: less work than the other loops do."""
    import torch  # noqa: PLC0415 - an extra

    torch.set_num_threads(threads)
    network, side = _network("scene_image", 0), load_bundle("scene_image").preprocessing["size_px"]
    started = time.perf_counter()
    with torch.inference_mode():
        for chunk in _chunks(paths, TORCH_BATCH):
            pictures = [Image.open(path).convert("RGB").resize((side, side)) for path in chunk]
            network(torch.from_numpy(np.stack([np.asarray(own) for own in pictures])))[0].argmax(dim=1)
    return {"seconds": time.perf_counter() - started}


def _network(name: str, vocabulary: int) -> Any:
    from emofuse.train.classifier import EmotionNetwork  # noqa: PLC0415 - an extra
    from emofuse.train.encoders import build_encoder  # noqa: PLC0415
    from emofuse.train.recipe import read_recipe  # noqa: PLC0415

    # Untrained: the weights make no difference to the time.
    recipe = read_recipe(ROOT / "recipes" / f"{name}.yaml")
    encoder = build_encoder(recipe, vocabulary=vocabulary, pretrained=False)
    sizes = {head: len(load_taxonomy(head)) for head in load_bundle(name).outputs}
    return EmotionNetwork(encoder, sizes).eval()


def _session(name: str) -> Any:
    import onnxruntime  # noqa: PLC0415 - in the process of the loop

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(load_bundle(name).model_path), options)


def _chunks(items: Sequence[Any], size: int) -> Iterator[Any]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _square(box: np.ndarray, picture: Image.Image) -> tuple[float, float, float, float]:
    x, y, width, height = map(float, box)
    half = max(width, height) / 2
    left, top = max(x + width / 2 - half, 0.0), max(y + height / 2 - half, 0.0)
    return left, top, min(left + 2 * half, picture.width), min(top + 2 * half, picture.height)


LOOPS: dict[str, Callable[..., dict[str, float]]] = {
    own.__name__: own for own in (onnx_texts, onnx_crops, onnx_photos, torch_texts, torch_crops, torch_photos)
}
