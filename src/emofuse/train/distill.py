"""Targets that a larger text model adds to the labels of a corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from rich.progress import track

from emofuse.errors import ConfigError, InputError
from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.model_set import open_text_model
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
    """Mix a teacher's probabilities into the targets of training texts.

    Args:
        recipe: Names the heads.
        config: Teacher and its share.
        samples: Training texts.
        targets: Label vectors per sample; heads without a label are absent.

    Returns:
        Targets per sample: labels and teacher mixed where there is a label, the teacher alone elsewhere; a
        text that the teacher cannot read keeps its labels.

    Raises:
        ConfigError: The teacher is no text model, or shares no head with the recipe.

    Source: Hinton et al. 2015, "Distilling the Knowledge in a Neural Network", with the teacher's calibration
    in place of a common temperature.
    """
    bundle = load_bundle(config.teacher)
    shared = [head for head in recipe.heads if head in bundle.outputs]
    if bundle.kind != "text" or not shared:
        raise ConfigError(
            f"The teacher {config.teacher} is no text model with one of the heads {', '.join(recipe.heads)}.",
            item=config.teacher,
        )
    teacher = open_text_model(bundle)
    mixed = []
    starts = range(0, len(samples), CHUNK)
    for start in track(starts, description=f"Asking {teacher.bundle.name}"):
        texts = [sample.text or "" for sample in samples[start : start + CHUNK]]
        for own, reading in zip(targets[start : start + CHUNK], teacher.predict(texts), strict=True):
            target = dict(own)
            if not isinstance(reading, InputError):
                for head in shared:
                    guess = np.asarray(reading.probabilities[head], dtype=np.float32)
                    label = own.get(head)
                    target[head] = (
                        guess if label is None else (1 - config.weight) * label + config.weight * guess
                    )
            mixed.append(target)
    return mixed
