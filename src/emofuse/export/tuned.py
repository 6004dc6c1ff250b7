"""Members that learned along with a fusion, as bundles of their own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from emofuse.export.exporter import export_run
from emofuse.runtime.activation import activate
from emofuse.runtime.bundle import ModelBundle, load_bundle
from emofuse.runtime.evidence import EMBEDDING, ModelReading, feature_vector
from emofuse.runtime.session import open_session
from emofuse.train.data import Example, batch_examples
from emofuse.train.fusion.data import FusionTable
from emofuse.train.fusion.recipe import FusionRecipe, MemberConfig
from emofuse.train.fusion.training import load_tuned
from emofuse.train.fusion.tuning import NO_TOKEN, TunedMember
from emofuse.train.recipe import Recipe
from emofuse.train.runs import begin_run
from emofuse.types import FloatArray

__all__ = ["export_tuned", "read_again"]


def export_tuned(recipe: FusionRecipe, run_dir: Path, folder: Path) -> dict[int, ModelBundle]:
    """Export the members that learned along with a fusion.

    Outputs that the fusion reads keep the temperature with which the head learned; the others get a new one.

    Args:
        recipe: The fusion.
        run_dir: Its run.
        folder: Gets one bundle a member, named like the model that it comes from.

    Returns:
        Position of the member -> its bundle; empty where all members stayed as they were.

    Raises:
        ConfigError: A run of a member is gone, or another one.
        ParityError: See `export_run`.
    """
    bundles = {}
    for index, member in load_tuned(run_dir).items():
        source = Path(str(recipe.members[index].run))
        target = folder / member.name
        with TemporaryDirectory() as place:
            tuned = Path(place)
            begin_run(_describe(member, recipe, source), tuned, resume=False)
            for name in ("tokenizer.json", "validation.npz"):
                if (source / name).exists():
                    shutil.copy(source / name, tuned)
            shutil.copy(run_dir / "effort.json", tuned)
            _write_weights(member, tuned / "checkpoints" / "best.ckpt")
            export_run(tuned, tuned / "bundle", temperatures=member.kept_temperatures)
            shutil.copytree(tuned / "bundle", target)  # whole, or not at all
        bundles[index] = load_bundle(target)
    return bundles


def read_again(
    recipe: FusionRecipe, validation: FusionTable, bundles: Mapping[int, ModelBundle]
) -> FusionTable:
    """Let exported members read the validation samples, which decide what the fusion's answers are worth.

    Args:
        recipe: The fusion.
        validation: Samples; of these members, what their networks take.
        bundles: Position of a member -> its bundle.

    Returns:
        The samples with the vectors that the bundles hand over.
    """
    vectors: list[Any] = list(validation.vectors)
    for index, bundle in bundles.items():
        member = recipe.members[index]
        rows = np.flatnonzero(validation.present[:, recipe.modalities.index(member.modality)])
        read = _read(bundle, vectors[index][rows], member)
        vectors[index] = np.zeros((len(validation), read.shape[1]), dtype=np.float32)
        vectors[index][rows] = read
    return replace(validation, vectors=tuple(vectors))


def _describe(member: TunedMember, fusion: FusionRecipe, source: Path) -> Recipe:
    recipe = replace(member.recipe, name=member.name)
    export = replace(
        recipe.export,
        average=False,  # the weights of the fusion's best epoch are those that fit its head
        version=f"{recipe.export.version}+{fusion.name}",
        description=f"{recipe.export.description}; learned on along with {fusion.name}",
    )
    # It knows their licences now, but not their labels.
    pairs = [replace(corpus, heads={}, validation=None) for corpus in fusion.corpora if corpus.train]
    return replace(recipe, export=export, init_from=str(source), corpora=(*recipe.corpora, *pairs))


def _write_weights(member: TunedMember, path: Path) -> None:
    path.parent.mkdir()
    weights = {f"network.{key}": value for key, value in member.network.state_dict().items()}
    torch.save({"state_dict": weights}, path)


def _read(bundle: ModelBundle, inputs: NDArray[Any], member: MemberConfig) -> FloatArray:
    session = open_session(bundle.model_path)
    names, source = [*bundle.outputs, EMBEDDING], "input_ids" if bundle.kind == "text" else "images"
    examples = [Example(own[own != NO_TOKEN] if own.ndim == 1 else own, {}) for own in inputs]
    vectors: dict[int, FloatArray] = {}
    for rows, batch in batch_examples(examples, bundle.preprocessing["max_batch"]):
        found = dict(zip(names, session.run(names, {source: batch}), strict=True))
        read = {head: activate(found[head], output) for head, output in bundle.outputs.items()}
        for place, row in enumerate(rows):
            probabilities = {head: values[place] for head, values in read.items()}
            reading = ModelReading(bundle.name, probabilities, bundle.softmax, found[EMBEDDING][place])
            vectors[row] = feature_vector(reading, member.gives)
    return np.stack([vectors[row] for row in range(len(vectors))])
