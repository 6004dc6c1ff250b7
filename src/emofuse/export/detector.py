"""Turn a finished detector run into a bundle, its score threshold chosen on held-back photographs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from emofuse.evaluate.detection import DetectionCounts, count_detections
from emofuse.export.bundle_writer import clear_bundle, code_revision, write_bundle
from emofuse.export.onnx_model import check_parity, trace_onnx
from emofuse.runtime.bundle import ModelBundle
from emofuse.runtime.face_detector import FaceDetector, pad_to_multiple
from emofuse.runtime.session import open_session
from emofuse.train.checkpoints import read_effort, read_history
from emofuse.train.face_detection.labels import Photos, label_photos
from emofuse.train.face_detection.network import FaceDetectorNetwork
from emofuse.train.face_detection.recipe import DetectorRecipe
from emofuse.train.face_detection.training import load_detector_run
from emofuse.types import FloatArray

__all__ = ["export_detector", "export_network"]

IOU = 0.4
LOWEST_SCORE = 0.2
FALSE_SHARE = 0.008  # on `dev`; a lax 1.5 % there was 2.1 % on `test`
SCALE = 640 / 416  # cached photographs have a long side of 416 px; sizes are stated at 640 px
FACE_PX = (48.0, 1e9)


def export_detector(run_dir: Path, bundle_dir: Path) -> dict[str, Any]:
    """Export the best detector of a run.

    The score threshold is the lowest at which at most 0.8 % of the boxes of 48 px or more are false on the
    `dev` photographs, which trained no weight.

    Args:
        run_dir: A folder that `train_detector` filled.
        bundle_dir: Bundle folder to write.

    Returns:
        The manifest that was written to `bundle.json`.

    Raises:
        ConfigError: The run has no finished epoch.
        ParityError: The ONNX graph does not compute what torch computes.
    """
    recipe, network = load_detector_run(run_dir)
    clear_bundle(bundle_dir)
    model = bundle_dir / "model.onnx"
    photos = label_photos([], Path(), run_dir / "dev", score=recipe.ignore_score)
    export_network(network, model)
    side = recipe.input_px
    check_parity(
        network, model, [pad_to_multiple(photos.image(i))[None] for i in range(4)], units=(1, side, side)
    )
    manifest = _manifest(recipe)
    boxes = _detect(_bundle(bundle_dir, manifest, LOWEST_SCORE), photos)
    threshold, counts = _choose_threshold(boxes, photos)
    manifest |= {"effort": read_effort(run_dir), "history": read_history(run_dir)}
    manifest["thresholds"] = {"score": threshold, "iou": IOU}
    manifest["metrics"] = [
        {
            "corpus": "msed",
            "split": "dev",
            "metric": "recall_48px",
            "value": counts.recall,
            "n": counts.reference,
        },
        {
            "corpus": "msed",
            "split": "dev",
            "metric": "false_share_48px",
            "value": counts.false_share,
            "n": counts.boxes,
        },
    ]
    write_bundle(bundle_dir, manifest, {})
    return manifest


def export_network(network: FaceDetectorNetwork, path: Path) -> None:
    """Write a detector as ONNX for any picture size that is a multiple of 32 px."""
    height, width = torch.export.Dim("rows", min=2, max=64), torch.export.Dim("columns", min=2, max=64)
    example = torch.zeros(1, 256, 320, 3, dtype=torch.uint8)
    outputs = ["scores", "boxes", "landmarks"]
    shapes = {1: 32 * height, 2: 32 * width}
    trace_onnx(network, (example,), (shapes,), names=(["images"], outputs), path=path)


def _detect(detector: FaceDetector, photos: Photos) -> list[FloatArray]:
    found = []
    for index in range(len(photos)):
        boxes = detector(photos.image(index))
        rows = [(b.x, b.y, b.width, b.height, b.score) for b in boxes]
        found.append(np.array(rows, dtype=np.float32).reshape(-1, 5))
    return found


def _choose_threshold(boxes: list[FloatArray], photos: Photos) -> tuple[float, DetectionCounts]:
    for threshold in np.arange(LOWEST_SCORE, 0.9, 0.01):
        pairs = [
            (ours[ours[:, 4] >= threshold][:, :4] * SCALE, _scaled(reference))
            for ours, reference in zip(boxes, photos.boxes, strict=True)
        ]
        counts = count_detections(pairs, sizes_px=FACE_PX)
        if counts.false_share <= FALSE_SHARE:
            break
    return round(float(threshold), 2), counts


def _scaled(reference: FloatArray) -> FloatArray:
    rows: FloatArray = np.concatenate([reference[:, :4] * SCALE, reference[:, -1:]], axis=1)
    return rows


def _bundle(path: Path, manifest: dict[str, Any], score: float) -> FaceDetector:
    fields = {key: value for key, value in manifest.items() if key != "schema"}
    bundle = ModelBundle(path=path, **{**fields, "thresholds": {"score": score, "iou": IOU}})
    return FaceDetector(bundle, open_session(bundle.model_path))


def _manifest(recipe: DetectorRecipe) -> dict[str, Any]:
    return {
        "schema": 1,
        "name": recipe.name,
        "version": recipe.version,
        "kind": "face_detector",
        "description": "Single-shot detector of depthwise convolutions; boxes and five landmarks",
        "preprocessing": {"input_px": recipe.input_px},
        "outputs": {},
        "thresholds": {},
        "parameters": {},
        "metrics": [],
        "data": [
            {
                "name": "msed (photographs, without their labels)",
                "licence": "research only; commercial use forbidden; not to be passed on",
                "commercial_use": "unclear",
            },
            {"name": "boxes drawn by YuNet 2023mar", "licence": "MIT", "commercial_use": "yes"},
        ],
        "limits": list(recipe.limits),
        "recipe": f"recipes/{recipe.name}.yaml",
        "code_revision": code_revision(),
        "created": datetime.now(UTC).date().isoformat(),
    }
