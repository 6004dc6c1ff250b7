"""Train a fusion over models that stay as they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import lightning
import numpy as np
from torch import nn

from emofuse.errors import ConfigError
from emofuse.taxonomy import OWN, name_own_labels
from emofuse.train.classifier import Classifier
from emofuse.train.data import read_samples
from emofuse.train.fusion.augment import Mispairing, ModalityDropout, Noise
from emofuse.train.fusion.data import FusionData, FusionTable, layouts_of, open_members, read_empty
from emofuse.train.fusion.network import FusionNetwork, MemberLayout
from emofuse.train.fusion.recipe import FusionRecipe
from emofuse.train.runs import begin_run, best_of, build_trainer, read_run_recipe, read_weights
from emofuse.train.targets import head_sizes

__all__ = ["load_fusion", "train_fusion"]


def train_fusion(
    recipe: FusionRecipe,
    data_root: Path,
    run_dir: Path,
    *,
    resume: bool = False,
    devices: int | Literal["auto"] = "auto",
) -> Path:
    """Train a fusion and keep its best epoch.

    The members read each corpus once; their readings are kept beside the run, in `features/`, for the next
    fusion of the same models.

    Args:
        recipe: What to train.
        data_root: Folder that holds the corpora.
        run_dir: Gets what `emofuse.train.trainer.train` writes, and `members.json`.
        resume: Go on from `last.ckpt` when there is one.
        devices: As for `emofuse.train.train_recipe`.

    Returns:
        Path of the best checkpoint.

    Raises:
        ConfigError: `run_dir` holds a run already and `resume` is False, or one of another recipe.
        DatasetError: A corpus is missing or malformed.
    """
    recipe = _name_labels(recipe, data_root)
    goes_on = begin_run(recipe, run_dir, resume=resume)
    lightning.seed_everything(recipe.seed, verbose=False)
    data = FusionData(recipe, data_root, cache=run_dir.parent / "features")
    layouts = layouts_of(recipe, data.training)
    _remember(recipe, layouts, data, run_dir, goes_on=goes_on)
    _write_validation(data.validation, run_dir)
    network = FusionNetwork(recipe.head, layouts, head_sizes(recipe.heads))
    network.settle(data.training.inputs())
    augment = _build_augmentation(recipe, layouts, data)
    model = Classifier(network, recipe, data.label_weights(), augment=augment)
    trainer = build_trainer(recipe.train, run_dir, devices=devices)
    last = run_dir / "checkpoints" / "last.ckpt" if goes_on else None
    trainer.fit(model, data, ckpt_path=last, weights_only=True)
    return run_dir / "checkpoints" / "best.ckpt"


def load_fusion(run_dir: Path) -> tuple[FusionRecipe, FusionNetwork, FusionTable]:
    """Load the best epoch of a fusion's run.

    Args:
        run_dir: A folder that `train_fusion` filled.

    Returns:
        The recipe, the network in evaluation mode, and the validation samples.

    Raises:
        ConfigError: The folder holds no finished epoch, or a member was replaced since.
    """
    weights = read_weights(best_of(run_dir))
    recipe = read_run_recipe(FusionRecipe, run_dir)
    members = json.loads((run_dir / "members.json").read_text(encoding="utf-8"))["members"]
    now = {name: bundle.sha256 for name, bundle in open_members(recipe).items()}
    if changed := [member["name"] for member in members if now.get(member["name"]) != member["sha256"]]:
        raise ConfigError(
            f"{changed[0]} is not the model any more that {run_dir} was trained on. Train the fusion again.",
            item=changed[0],
        )
    layouts = [
        MemberLayout(
            own["name"], own["modality"], {k: tuple(v) for k, v in own["parts"].items()}, own["states"]
        )
        for own in members
    ]
    network = FusionNetwork(recipe.head, layouts, head_sizes(recipe.heads))
    network.load_state_dict(weights)
    return recipe, network.eval(), _read_validation(run_dir)


def _name_labels(recipe: FusionRecipe, data_root: Path) -> FusionRecipe:
    if OWN not in recipe.heads:
        return recipe
    found = {
        label
        for corpus in recipe.corpora
        if corpus.train and OWN in corpus.heads
        for sample in read_samples(corpus, data_root, recipe.seed, training=True)
        for label in sample.labels.get(OWN, ())
    }
    if len(found) < 2:
        raise ConfigError(
            f"The training data hold {len(found)} labels in their column `label`; at least two are needed.",
            item=recipe.name,
        )
    name = name_own_labels(found)
    heads = {name if head == OWN else head: config for head, config in recipe.heads.items()}
    corpora = tuple(
        replace(corpus, heads={name if head == OWN else head: own for head, own in corpus.heads.items()})
        for corpus in recipe.corpora
    )
    return replace(recipe, heads=heads, corpora=corpora)


def _build_augmentation(
    recipe: FusionRecipe, layouts: Sequence[MemberLayout], data: FusionData
) -> nn.Sequential:
    # First what is missing: a wrong picture must not stand alone under the label of a text that is gone.
    steps: list[nn.Module] = [ModalityDropout(recipe.modality_dropout)]
    if recipe.mispairing:
        steps.append(Mispairing(layouts, recipe.modalities.index("text"), recipe.mispairing))
    if recipe.noise:
        empty = read_empty(recipe, data.training).inputs()
        steps.append(Noise(layouts, recipe.modalities.index("text"), recipe.noise, empty))
    return nn.Sequential(*steps)


def _remember(
    recipe: FusionRecipe, layouts: Sequence[MemberLayout], data: FusionData, run_dir: Path, *, goes_on: bool
) -> None:
    rows = [
        {**asdict(layout), "sha256": bundle.sha256}
        for layout, bundle in zip(layouts, open_members(recipe).values(), strict=True)
    ]
    known = {"members": rows, "readings": [data.training.key, data.validation.key]}
    text = json.dumps(known, indent=1) + "\n"
    path = run_dir / "members.json"
    if goes_on and path.read_text(encoding="utf-8") != text:
        raise ConfigError(
            f"{run_dir} was begun with other models or data; the members read something else now. Bring them "
            "back, or choose another folder.",
            item=str(run_dir),
        )
    path.write_text(text, encoding="utf-8")


def _write_validation(table: FusionTable, run_dir: Path) -> None:
    arrays: dict[str, Any] = {"present": table.present}
    arrays |= {f"vector_{i}": vector for i, vector in enumerate(table.vectors)}
    arrays |= {f"states_{i}": states for i, states in enumerate(table.states)}
    arrays |= {f"target_{name}": target for name, target in table.targets.items()}
    np.savez_compressed(run_dir / "validation.npz", **arrays)


def _read_validation(run_dir: Path) -> FusionTable:
    with np.load(run_dir / "validation.npz", allow_pickle=False) as stored:
        names = sorted(stored.files, key=lambda name: (len(name), name))
        return FusionTable(
            tuple(stored[name] for name in names if name.startswith("vector_")),
            tuple(stored[name] for name in names if name.startswith("states_")),
            stored["present"],
            {
                name.removeprefix("target_"): stored[name]
                for name in stored.files
                if name.startswith("target_")
            },
        )
