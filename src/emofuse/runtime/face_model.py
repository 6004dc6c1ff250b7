"""A face bundle at work: grey crops in, distributions out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emofuse.runtime.activation import activate
from emofuse.runtime.bundle import ModelBundle
from emofuse.runtime.session import Session
from emofuse.types import FloatArray, ImageArray

__all__ = ["FaceModel"]


class FaceModel:
    """Reads face crops with a bundle of kind "face"."""

    def __init__(self, bundle: ModelBundle, session: Session) -> None:
        self.bundle = bundle
        self.size_px: int = bundle.preprocessing["size_px"]
        self._session = session
        self._max_batch: int = bundle.preprocessing["max_batch"]

    def predict(self, crops: Sequence[ImageArray]) -> dict[str, FloatArray]:
        """Read crops.

        Args:
            crops: Each (size_px, size_px) uint8 grey; at least one.

        Returns:
            Taxonomy -> (crops, labels) float32, 0-1.
        """
        names = list(self.bundle.outputs)
        parts: dict[str, list[FloatArray]] = {name: [] for name in names}
        for start in range(0, len(crops), self._max_batch):
            batch = np.stack(crops[start : start + self._max_batch])
            for name, logits in zip(names, self._session.run(names, {"images": batch}), strict=True):
                parts[name].append(activate(logits, self.bundle.outputs[name]))
        return {name: np.concatenate(part) for name, part in parts.items()}
