"""Photographs and the boxes that a reference detector draws on them, cached once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from emofuse.errors import CorpusNotFoundError, InputError
from emofuse.preprocess import load_image, resize_to_fit
from emofuse.runtime.face_detector import suppress_overlaps
from emofuse.runtime.session import open_session
from emofuse.train.face_detection.network import STRIDES
from emofuse.types import FloatArray, ImageArray

__all__ = ["COLUMNS", "Photos", "ReferenceDetector", "find_photos", "label_photos"]

REFERENCE_PX = 640
REFERENCE_IOU = 0.3  # OpenCV's default
CACHE_PX = 416
HELD_BACK_EVERY = 7
COLUMNS = 15  # x, y, width, height, five landmarks as x, y, score


class Photos:
    """Photographs in one flat array with the reference's boxes.

    Args:
        pixels: Flat uint8 RGB values of all photographs (memory-mapped).
        shapes: (n, 2) int32 heights and widths.
        boxes: (m, 15) float32 in px of the cached photograph.
        owners: (m,) int32, the photograph of each box.
    """

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        shapes: NDArray[np.int32],
        boxes: FloatArray,
        owners: NDArray[np.int32],
    ) -> None:
        self.shapes = shapes
        self.offsets = np.concatenate([[0], np.cumsum(shapes.prod(axis=1, dtype=np.int64) * 3)])
        self.pixels = pixels
        self.boxes = [boxes[owners == index] for index in range(len(shapes))]

    def __len__(self) -> int:
        return len(self.shapes)

    def image(self, index: int) -> ImageArray:
        """One photograph, (H, W, 3) uint8 RGB."""
        height, width = self.shapes[index]
        flat = self.pixels[self.offsets[index] : self.offsets[index + 1]]
        return np.asarray(flat).reshape(height, width, 3)


def find_photos(root: Path, split: str) -> list[Path]:
    """Photographs of a split in MSED's layout, `<split>/images/<number>.jpg`, by number.

    Args:
        root: Folder of the corpus.
        split: `train`, `dev`, `test`, or `held_back`: every seventh photograph of the published training
            split, which `train` then leaves out.

    Returns:
        Paths in the order of their numbers.

    Raises:
        CorpusNotFoundError: There are none.
    """
    folder = root / ("train" if split == "held_back" else split) / "images"
    paths = sorted(folder.glob("*.jpg"), key=lambda path: (len(path.stem), path.stem))
    if split == "train":
        paths = [path for index, path in enumerate(paths) if index % HELD_BACK_EVERY]
    elif split == "held_back":
        paths = paths[::HELD_BACK_EVERY]
    if not paths:
        raise CorpusNotFoundError(f"Found no photographs in {folder}.", item=str(folder))
    return paths


class ReferenceDetector:
    """YuNet (Wu et al. 2023) by ONNX Runtime, decoded as OpenCV's `FaceDetectorYN` does.

    Args:
        path: `face_detection_yunet_2023mar.onnx`, input 640 x 640.
        score: Smallest score of the boxes returned.

    Raises:
        CorpusNotFoundError: No file at the path.
    """

    def __init__(self, path: Path, *, score: float) -> None:
        if not path.exists():
            raise CorpusNotFoundError(f"There is no reference detector at {path}.", item=str(path))
        self._session = open_session(path, threads=1)
        self._score = score

    def __call__(self, image: ImageArray) -> FloatArray:
        """Find faces.

        Args:
            image: (H, W, 3) uint8 RGB, sides at most 640 px.

        Returns:
            (n, 15) float32, best first: x, y, width, height, landmarks (right eye, left eye, nose, right and
            left mouth corner) in px, score 0-1.
        """
        padded = np.zeros((REFERENCE_PX, REFERENCE_PX, 3), dtype=np.float32)
        padded[: image.shape[0], : image.shape[1]] = image[:, :, ::-1]
        names = [f"{part}_{stride}" for stride in STRIDES for part in ("cls", "obj", "bbox", "kps")]
        outputs = self._session.run(names, {"input": padded.transpose(2, 0, 1)[None]})
        found = np.concatenate(
            [
                _decode_reference(outputs[i : i + 4], stride)
                for i, stride in zip(range(0, len(names), 4), STRIDES, strict=True)
            ]
        )
        found = found[found[:, -1] >= self._score]
        kept: FloatArray = found[suppress_overlaps(found[:, :4], found[:, -1], REFERENCE_IOU)]
        return kept


def _decode_reference(outputs: Sequence[FloatArray], stride: int) -> FloatArray:
    classes, objects, boxes, points = (output[0] for output in outputs)
    score = np.sqrt(np.clip(classes, 0, 1) * np.clip(objects, 0, 1))
    rows, columns = np.divmod(np.arange(len(score)), REFERENCE_PX // stride)
    grid = np.stack([columns, rows], axis=1).astype(np.float32)
    size = np.exp(boxes[:, 2:]) * stride
    corner = (grid + boxes[:, :2]) * stride - size / 2
    landmarks = (points + np.tile(grid, 5)) * stride
    return np.concatenate([corner, size, landmarks, score.reshape(-1, 1)], axis=1)


def label_photos(paths: Sequence[Path], reference: Path, cache: Path, *, score: float) -> Photos:
    """Shrink photographs, draw the reference's boxes, and keep both on disk.

    Args:
        paths: Photographs; unreadable ones are left out.
        reference: ONNX file of the reference detector.
        cache: Prefix of the two cache files; existing ones are used as they are.
        score: Smallest score of the boxes that are kept.

    Returns:
        The photographs at a long side of at most 416 px with boxes found at 640 px.
    """
    pixels_path, labels_path = cache.with_suffix(".pixels.npy"), cache.with_suffix(".labels.npz")
    if not labels_path.exists():
        detector = ReferenceDetector(reference, score=score)
        pixels: list[ImageArray] = []
        shapes: list[tuple[int, int]] = []
        boxes, owners = [], []
        for path in track(paths, description=f"Labelling {cache.name}"):
            try:
                image, _ = load_image(path)
            except InputError:
                continue
            large, _ = resize_to_fit(image, REFERENCE_PX)
            small, scale = resize_to_fit(large, CACHE_PX)
            found = detector(large)
            found[:, :-1] *= scale
            pixels.append(small.reshape(-1))
            owners.append(np.full(len(found), len(shapes), dtype=np.int32))
            shapes.append((small.shape[0], small.shape[1]))
            boxes.append(found)
        np.save(pixels_path, np.concatenate(pixels))
        unfinished = cache.with_suffix(".unfinished.npz")
        np.savez(
            unfinished,
            shapes=np.array(shapes, dtype=np.int32),
            boxes=np.concatenate(boxes),
            owners=np.concatenate(owners),
        )
        unfinished.replace(labels_path)
    with np.load(labels_path, allow_pickle=False) as stored:
        shapes_, boxes_, owners_ = stored["shapes"], stored["boxes"], stored["owners"]
    return Photos(np.load(pixels_path, mmap_mode="r"), shapes_, boxes_, owners_)
