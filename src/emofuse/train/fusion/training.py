"""Train a fusion, over models that stay as they are or that learn along."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

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
from emofuse.train.fusion.tuning import TunedFusion, TunedMember, open_tuned
from emofuse.train.runs import begin_run, best_of, build_trainer, fit, read_run_recipe, read_weights
from emofuse.train.shares import EVERY_CARD, Processes
from emofuse.train.targets import head_sizes

__all__ = ["load_fusion", "load_tuned", "train_fusion"]

TUNED = "backbone."


def train_fusion(
    recipe: FusionRecipe,
    data_root: Path,
    run_dir: Path,
    *,
    resume: bool = False,
    processes: Processes = EVERY_CARD,
    extra: Sequence[lightning.Callback] = (),
) -> Path:
    """Train a fusion and keep its best epoch.

    The members read each corpus once; their readings are kept beside the run, in `features/`, for the next
    fusion of the same models. Members with a run of their own then learn along, from the texts and faces
    themselves.

    Args:
        recipe: What to train.
        data_root: Folder that holds the corpora.
        run_dir: Gets what `emofuse.train.trainer.train` writes, and `members.json`.
        resume: Go on from `last.ckpt` when there is one.
        processes: As for `emofuse.train.train_recipe`.
        extra: Further Lightning callbacks.

    Returns:
        Path of the best checkpoint.

    Raises:
        ConfigError: `run_dir` holds a run already and `resume` is False, or one of another recipe; members
            learn along in several processes.
        DatasetError: A corpus is missing or malformed.
    """
    recipe = _name_labels(recipe, data_root)
    trainer = build_trainer(recipe.train, run_dir, processes=processes, extra=extra)
    if trainer.world_size > 1 and any(member.run for member in recipe.members):
        raise ConfigError(
            "Members with a `run` learn along in one process only: which of them a sample passes through is "
            "another matter in each process. Take --devices 1, or leave out the runs.",
            item=recipe.name,
        )
    first = trainer.is_global_zero
    goes_on = begin_run(recipe, run_dir, resume=resume, first=first)
    lightning.seed_everything(recipe.seed, verbose=False)
    checksums = _checksums(recipe)  # a run that is not there is to be missed before the corpora are read
    data = FusionData(recipe, data_root, cache=run_dir.parent / "features")
    layouts = layouts_of(recipe, data.training)
    rows = [asdict(layout) | checksums[layout.name] for layout in layouts]
    known = {"members": rows, "readings": [data.training.key, data.validation.key]}
    _remember(known, run_dir, goes_on=goes_on, first=first)
    network = _build_network(recipe, layouts)
    network.settle(data.training.inputs())
    if isinstance(network, TunedFusion):
        data.training, data.validation = network.prepare(data.training), network.prepare(data.validation)
    if first:
        _write_validation(data.validation, run_dir)
    augment = _build_augmentation(recipe, layouts, data)
    model = Classifier(network, recipe, data.label_weights(), augment=augment)
    return fit(trainer, model, data, run_dir, goes_on=goes_on, facts={"recipe": recipe, **known})


def load_fusion(run_dir: Path) -> tuple[FusionRecipe, FusionNetwork, FusionTable]:
    """Load the best epoch of a fusion's run.

    Args:
        run_dir: A folder that `train_fusion` filled.

    Returns:
        The recipe, the head's network in evaluation mode, and the validation samples; of a member that
        learned along, they hold what its network takes.

    Raises:
        ConfigError: The folder holds no finished epoch, or a member was replaced since.
    """
    weights = read_weights(best_of(run_dir))
    recipe = read_run_recipe(FusionRecipe, run_dir)
    members = json.loads((run_dir / "members.json").read_text(encoding="utf-8"))["members"]
    now = _checksums(recipe)
    if changed := [own["name"] for own in members if own | now.get(own["name"], {"sha256": ""}) != own]:
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
    network.load_state_dict({key: value for key, value in weights.items() if not key.startswith(TUNED)})
    return recipe, network.eval(), _read_validation(run_dir)


def load_tuned(run_dir: Path) -> dict[int, TunedMember]:
    """Load the members that learned along, as the best epoch left them.

    Args:
        run_dir: A folder that `train_fusion` filled.

    Returns:
        Position of the member -> its network in evaluation mode; empty where all stayed as they were.

    Raises:
        ConfigError: The folder holds no finished epoch, or a run of a member is gone or another one.
    """
    weights = read_weights(best_of(run_dir))
    tuned = open_tuned(read_run_recipe(FusionRecipe, run_dir))
    own = {key.removeprefix(TUNED): value for key, value in weights.items() if key.startswith(TUNED)}
    nn.ModuleDict({str(index): member for index, member in tuned.items()}).load_state_dict(own)
    for member in tuned.values():
        member.eval()
    return tuned


def _build_network(recipe: FusionRecipe, layouts: Sequence[MemberLayout]) -> FusionNetwork:
    if any(member.run for member in recipe.members):
        return TunedFusion(recipe, layouts)
    return FusionNetwork(recipe.head, layouts, head_sizes(recipe.heads))


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


def _remember(known: Mapping[str, Any], run_dir: Path, *, goes_on: bool, first: bool) -> None:
    text = json.dumps(known, indent=1) + "\n"
    path = run_dir / "members.json"
    if goes_on and path.read_text(encoding="utf-8") != text:
        raise ConfigError(
            f"{run_dir} was begun with other models or data; the members read something else now. Bring them "
            "back, or choose another folder.",
            item=str(run_dir),
        )
    if first:
        path.write_text(text, encoding="utf-8")


def _checksums(recipe: FusionRecipe) -> dict[str, dict[str, str]]:
    sums = {name: {"sha256": bundle.sha256} for name, bundle in open_members(recipe).items()}
    for name, member in zip(sums, recipe.members, strict=True):
        if member.run:
            checkpoint = best_of(Path(member.run))
            sums[name]["run_sha256"] = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    return sums


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
