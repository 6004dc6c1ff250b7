"""Samples of a corpus through a single bundle, by the same code that serves predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from emofuse.errors import ConfigError, EmptySampleError, InputError
from emofuse.preprocess import load_image, prepare_crop, prepare_scene
from emofuse.runtime.bundle import ModelBundle
from emofuse.runtime.fusion import fuse_subsets
from emofuse.runtime.image_model import ImageModel
from emofuse.runtime.model_set import ModelSet, open_text_model
from emofuse.runtime.reader import SampleReader
from emofuse.runtime.session import open_session
from emofuse.types import FloatArray, Modality, Sample

__all__ = ["Reader", "build_reader"]

CHUNK = 512
PAIRS = 64

Reader = Callable[[Sequence[Sample]], Iterator[Mapping[str, FloatArray] | InputError]]


def build_reader(bundle: ModelBundle, modalities: Sequence[str] = (), *, crops: bool | None = None) -> Reader:
    """Open a bundle for evaluation.

    Args:
        bundle: Of kind "text", "face", "scene" or "fusion"; a fusion reads whole samples with its members.
        modalities: Of a fusion, the only modalities that it may look at; empty takes all.
        crops: Pictures are crops of single faces. In others fusions look for faces; face models do so where
            it is False, and take a picture for a crop where it is None.

    Returns:
        A function from samples to one result per sample in order: taxonomy -> (labels,) probabilities, or
        the error of a sample that cannot be read.

    Raises:
        ConfigError: The bundle is of another kind, or no fusion with these modalities.
    """
    if bundle.kind == "fusion":
        return _fusion_reader(bundle, modalities, crops=bool(crops))
    if modalities:
        raise ConfigError(f"{bundle.name} is no fusion; it reads {bundle.kind} alone.", item=bundle.name)
    if bundle.kind == "text":
        return _text_reader(bundle)
    if bundle.kind == "face" and crops is False:
        return _photo_reader(bundle)
    if bundle.kind in {"face", "scene"}:
        return _image_reader(bundle)
    raise ConfigError(
        f"{bundle.name} is a {bundle.kind}; only models that read samples are evaluated on corpora."
    )


def _text_reader(bundle: ModelBundle) -> Reader:
    model = open_text_model(bundle)

    def read(samples: Sequence[Sample]) -> Iterator[Mapping[str, FloatArray] | InputError]:
        for start in range(0, len(samples), CHUNK):
            for result in model.predict([sample.text or "" for sample in samples[start : start + CHUNK]]):
                yield result if isinstance(result, InputError) else result.probabilities

    return read


def _image_reader(bundle: ModelBundle) -> Reader:
    model = ImageModel(bundle, open_session(bundle.model_path))
    prepare = prepare_crop if bundle.kind == "face" else prepare_scene

    def read(samples: Sequence[Sample]) -> Iterator[Mapping[str, FloatArray] | InputError]:
        for sample in samples:
            try:
                if sample.image is None:
                    raise EmptySampleError("The sample has no image.", item=sample.id)
                image, _ = load_image(sample.image)
            except InputError as error:
                yield error
                continue
            probabilities = model.predict([prepare(image, size_px=model.size_px)])
            yield {name: rows[0] for name, rows in probabilities.items()}

    return read


def _photo_reader(bundle: ModelBundle) -> Reader:
    models = ModelSet([bundle.path], detector=None, threads=None).only(Modality.FACE)
    samples_reader = SampleReader(models)

    def read(samples: Sequence[Sample]) -> Iterator[Mapping[str, FloatArray] | InputError]:
        for start in range(0, len(samples), PAIRS):
            chunk = [replace(sample, text=None) for sample in samples[start : start + PAIRS]]
            for sample, reading in zip(chunk, samples_reader.read(chunk, deep=False), strict=True):
                if Modality.FACE in reading.evidence:
                    yield reading.evidence[Modality.FACE].readings[0].probabilities
                else:
                    nothing_there = EmptySampleError("The sample has no image.", item=sample.id)
                    yield reading.errors[0] if reading.errors else nothing_there

    return read


def _fusion_reader(bundle: ModelBundle, modalities: Sequence[str], *, crops: bool) -> Reader:
    models = ModelSet([bundle.path], detector=None, threads=None)
    known = list(bundle.parameters["weights"])
    if unknown := set(modalities) - set(known):
        raise ConfigError(
            f"{bundle.name} does not read {', '.join(sorted(unknown))}. Valid: {', '.join(known)}.",
            item=bundle.name,
        )
    wanted = set(modalities or known)
    samples_reader = SampleReader(models, crop=crops)

    def restrict(sample: Sample) -> Sample:
        # What is not to be looked at need not be read.
        text = sample.text if Modality.TEXT in wanted else None
        image = sample.image if wanted - {Modality.TEXT} else None
        return replace(sample, text=text, image=image)

    def read(samples: Sequence[Sample]) -> Iterator[Mapping[str, FloatArray] | InputError]:
        for start in range(0, len(samples), PAIRS):
            chunk = [restrict(sample) for sample in samples[start : start + PAIRS]]
            for sample, reading in zip(chunk, samples_reader.read(chunk), strict=True):
                evidence = {m: own for m, own in reading.evidence.items() if m in wanted}
                if evidence:
                    fused = fuse_subsets(models.fusion, evidence)
                    yield {name: rows[-1] for name, rows in fused.items()}
                else:
                    nothing = EmptySampleError("The sample has nothing to look at.", item=sample.id)
                    yield reading.errors[0] if reading.errors else nothing

    return read
