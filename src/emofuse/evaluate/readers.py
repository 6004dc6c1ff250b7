"""Samples of a corpus through a single bundle, by the same code that serves predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from emofuse.errors import ConfigError, EmptySampleError, InputError
from emofuse.preprocess import load_image, prepare_crop
from emofuse.runtime.bundle import ModelBundle
from emofuse.runtime.face_model import FaceModel
from emofuse.runtime.model_set import open_text_model
from emofuse.runtime.session import open_session
from emofuse.types import FloatArray, Sample

__all__ = ["Reader", "build_reader"]

CHUNK = 512

Reader = Callable[[Sequence[Sample]], Iterator[Mapping[str, FloatArray] | InputError]]


def build_reader(bundle: ModelBundle) -> Reader:
    """Open a bundle for evaluation.

    Args:
        bundle: Of kind "text" or "face"; pictures are taken as face crops.

    Returns:
        A function from samples to one result per sample in order: taxonomy -> (labels,) probabilities, or
        the error of a sample that cannot be read.

    Raises:
        ConfigError: The bundle is of another kind.
    """
    if bundle.kind == "text":
        return _text_reader(bundle)
    if bundle.kind == "face":
        return _face_reader(bundle)
    raise ConfigError(
        f"{bundle.name} is a {bundle.kind}; only text and face models are evaluated on corpora."
    )


def _text_reader(bundle: ModelBundle) -> Reader:
    model = open_text_model(bundle)

    def read(samples: Sequence[Sample]) -> Iterator[Mapping[str, FloatArray] | InputError]:
        for start in range(0, len(samples), CHUNK):
            for result in model.predict([sample.text or "" for sample in samples[start : start + CHUNK]]):
                yield result if isinstance(result, InputError) else result.probabilities

    return read


def _face_reader(bundle: ModelBundle) -> Reader:
    model = FaceModel(bundle, open_session(bundle.model_path))

    def read(samples: Sequence[Sample]) -> Iterator[Mapping[str, FloatArray] | InputError]:
        for sample in samples:
            try:
                if sample.image is None:
                    raise EmptySampleError("The sample has no image.", item=sample.id)
                image, _ = load_image(sample.image)
            except InputError as error:
                yield error
                continue
            probabilities = model.predict([prepare_crop(image, size_px=model.size_px)])
            yield {name: rows[0] for name, rows in probabilities.items()}

    return read
