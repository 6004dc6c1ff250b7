"""Targets that another model adds to the labels of a corpus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from rich.progress import track

from emofuse.errors import ConfigError, InputError
from emofuse.runtime.bundle import ModelBundle, load_bundle
from emofuse.runtime.model_set import open_face_model, open_text_model
from emofuse.train.faces import crop_of
from emofuse.train.recipe import DistillConfig, Recipe
from emofuse.types import FloatArray, Sample

__all__ = ["add_teacher"]

CHUNK = 512


def add_teacher(
    recipe: Recipe,
    config: DistillConfig,
    samples: Sequence[Sample],
    targets: Sequence[Mapping[str, FloatArray]],
) -> list[dict[str, FloatArray]]:
    """Mix a teacher's probabilities into the targets of training samples.

    Args:
        recipe: Names the heads.
        config: Teacher and its share.
        samples: Training texts or faces.
        targets: Label vectors per sample; heads without a label are absent.

    Returns:
        Targets per sample: labels and teacher mixed where there is a label, the teacher alone elsewhere; a
        text that the teacher cannot read keeps its labels. Of a face the teacher sees the mirror image too.

    Raises:
        ConfigError: The teacher is of another kind than the recipe, or shares no head with it.

    Source: Hinton et al. 2015, "Distilling the Knowledge in a Neural Network", with the teacher's calibration
    in place of a common temperature.
    """
    teacher = load_bundle(config.teacher)
    shared = [head for head in recipe.heads if head in teacher.outputs]
    if teacher.kind != recipe.task or not shared:
        raise ConfigError(
            f"The teacher {config.teacher} is no {recipe.task} model with one of the heads "
            f"{', '.join(recipe.heads)}.",
            item=config.teacher,
        )
    ask = _ask_text if recipe.task == "text" else _ask_face
    mixed = []
    for own, guesses in zip(targets, ask(teacher, samples, shared), strict=True):
        target = dict(own)
        for head, guess in guesses.items():
            label = own.get(head)
            target[head] = guess if label is None else (1 - config.weight) * label + config.weight * guess
        mixed.append(target)
    return mixed


def _ask_text(
    teacher: ModelBundle, samples: Sequence[Sample], heads: Sequence[str]
) -> Iterator[dict[str, FloatArray]]:
    model = open_text_model(teacher)
    for part in _chunks(teacher, samples):
        for reading in model.predict([sample.text or "" for sample in part]):
            if isinstance(reading, InputError):
                yield {}
            else:
                yield {head: np.asarray(reading.probabilities[head], np.float32) for head in heads}


def _ask_face(
    teacher: ModelBundle, samples: Sequence[Sample], heads: Sequence[str]
) -> Iterator[dict[str, FloatArray]]:
    model = open_face_model(teacher)
    for part in _chunks(teacher, samples):
        crops = [crop_of(sample, model.size_px) for sample in part]
        upright, mirrored = (model.predict(views) for views in (crops, [crop[:, ::-1] for crop in crops]))
        for row in range(len(crops)):
            yield {head: (upright[head][row] + mirrored[head][row]) / 2 for head in heads}


def _chunks(teacher: ModelBundle, samples: Sequence[Sample]) -> Iterator[Sequence[Sample]]:
    for start in track(range(0, len(samples), CHUNK), description=f"Asking {teacher.name}"):
        yield samples[start : start + CHUNK]
