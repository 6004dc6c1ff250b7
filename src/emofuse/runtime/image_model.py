"""A face or scene bundle at work: prepared pictures in, distributions out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emofuse.runtime.activation import activate
from emofuse.runtime.bundle import ModelBundle
from emofuse.runtime.evidence import EMBEDDING, STATES, ModelReading
from emofuse.runtime.session import Session, has_outputs
from emofuse.types import FloatArray, ImageArray

__all__ = ["ImageModel"]


class ImageModel:
    """Reads face crops or whole pictures with a bundle of kind "face" or "scene"."""

    def __init__(self, bundle: ModelBundle, session: Session) -> None:
        self.bundle = bundle
        self.size_px: int = bundle.preprocessing["size_px"]
        self._session = session
        self._max_batch: int = bundle.preprocessing["max_batch"]
        self._softmax = bundle.softmax

    def predict(self, pictures: Sequence[ImageArray]) -> dict[str, FloatArray]:
        """Read pictures.

        Args:
            pictures: Each (size_px, size_px) uint8 grey for a face model, (size_px, size_px, 3) uint8 RGB for
                a scene model; at least one.

        Returns:
            Taxonomy -> (pictures, labels) float32, 0-1.
        """
        return self._run(pictures, list(self.bundle.outputs))

    def read(self, pictures: Sequence[ImageArray], *, deep: bool = False) -> list[ModelReading]:
        """Read pictures for fusion.

        Args:
            pictures: As for `predict`.
            deep: Also give embeddings and states, if the graph has them.

        Returns:
            One reading per picture in order.
        """
        deep = deep and has_outputs(self._session, EMBEDDING, STATES)
        names = [*self.bundle.outputs, *((EMBEDDING, STATES) if deep else ())]
        found = self._run(pictures, names)
        return [
            ModelReading(
                self.bundle.name,
                {name: found[name][row] for name in self.bundle.outputs},
                self._softmax,
                found[EMBEDDING][row] if deep else None,
                found[STATES][row] if deep else None,
            )
            for row in range(len(pictures))
        ]

    def _run(self, pictures: Sequence[ImageArray], names: Sequence[str]) -> dict[str, FloatArray]:
        parts: dict[str, list[FloatArray]] = {name: [] for name in names}
        for start in range(0, len(pictures), self._max_batch):
            batch = np.stack(pictures[start : start + self._max_batch])
            for name, values in zip(names, self._session.run(names, {"images": batch}), strict=True):
                output = self.bundle.outputs.get(name)
                parts[name].append(values if output is None else activate(values, output))
        return {name: np.concatenate(part) for name, part in parts.items()}
