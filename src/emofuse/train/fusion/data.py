"""What the members say about a corpus, read once and kept, and the batches of a fusion."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from emofuse.datasets import shows_crops
from emofuse.errors import ConfigError
from emofuse.runtime.bundle import ModelBundle, load_bundle
from emofuse.runtime.evidence import MAX_STATES, ModelReading, feature_vector
from emofuse.runtime.model_set import ModelSet
from emofuse.runtime.reader import SampleReader
from emofuse.taxonomy import load_taxonomy
from emofuse.train.data import Batch, read_samples
from emofuse.train.fusion.augment import empty_samples
from emofuse.train.fusion.network import FusionInputs, MemberLayout
from emofuse.train.fusion.recipe import FusionRecipe
from emofuse.train.recipe import CorpusConfig
from emofuse.train.shares import own_rows, weigh_share
from emofuse.train.targets import head_sizes, target_vectors, weigh_labels
from emofuse.types import FloatArray, ImageSource, Modality, Sample

__all__ = ["FusionData", "FusionTable", "layouts_of", "open_members", "read_empty", "read_table"]

CHUNK = 64


@dataclass(frozen=True, eq=False)
class FusionTable:
    """Samples as a fusion sees them.

    Attributes:
        vectors: One (n, size) float32 per member.
        states: One (n, up to 64, width) float16 per member, or empty.
        present: (n, modalities) float32.
        targets: Output -> (n, labels) float32, NaN where unlabelled.
        key: Name of everything that the readings depend on.
        samples: What was read; empty in a table that was kept.
    """

    vectors: tuple[FloatArray, ...]
    states: tuple[Any, ...]
    present: FloatArray
    targets: Mapping[str, FloatArray]
    key: str = ""
    samples: tuple[Sample, ...] = ()

    def __len__(self) -> int:
        return len(self.present)

    def inputs(self, rows: Any = slice(None)) -> FusionInputs:
        """Some rows, all unless told, as tensors."""
        return FusionInputs(
            tuple(torch.from_numpy(vector[rows]) for vector in self.vectors),
            tuple(torch.from_numpy(states[rows].astype(np.float32)) for states in self.states),
            torch.from_numpy(self.present[rows]),
        )


def open_members(recipe: FusionRecipe) -> dict[str, ModelBundle]:
    """The bundles of a recipe's members.

    Args:
        recipe: Names them.

    Returns:
        Name -> bundle, in the order of the recipe.

    Raises:
        UnknownModelError: No such bundle.
        ConfigError: A bundle reads another modality than the recipe says, or two share a name.
    """
    bundles: dict[str, ModelBundle] = {}
    for member in recipe.members:
        bundle = load_bundle(member.model)
        if bundle.kind != member.modality:
            raise ConfigError(
                f"{bundle.name} reads {bundle.kind}, not {member.modality}. Correct the member.",
                item=member.model,
            )
        if bundle.name in bundles:
            raise ConfigError(f"Two members are named {bundle.name}.", item=bundle.name)
        bundles[bundle.name] = bundle
    return bundles


def read_table(
    recipe: FusionRecipe,
    corpus: CorpusConfig,
    data_root: Path,
    *,
    training: bool,
    cache: Path | None = None,
) -> FusionTable:
    """Let the members read a split of a paired corpus.

    Args:
        recipe: The fusion.
        corpus: The corpus; `share` and `limit` apply to its training split.
        data_root: Folder that holds the corpora.
        training: Read the training split, else the validation split.
        cache: Folder in which the members' readings are kept for the next fusion, or None.

    Returns:
        The samples that at least one member could read and that have a label.

    Raises:
        DatasetError: The corpus is missing or malformed.
    """
    samples = read_samples(corpus, data_root, recipe.seed, training=training)
    bundles = open_members(recipe)
    key = _key(recipe, corpus, samples)
    file = cache / f"{key}.npz" if cache else None
    if file is not None and file.exists():
        with np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    else:
        arrays = _read(recipe, samples, bundles, crops=bool(shows_crops(corpus.name)))
        for index, name in enumerate(bundles):
            if f"vector_{index}" not in arrays:
                raise ConfigError(
                    f"{name} could read none of {len(samples)} samples of the corpus.", item=name
                )
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            # A run may be killed at any time, and several may write at once.
            unfinished = file.with_suffix(f".{socket.gethostname()}.{os.getpid()}.npz")
            np.savez(unfinished, **arrays)
            unfinished.replace(file)
    count = len(recipe.members)
    targets = {
        name: np.full((len(samples), size), np.nan, dtype=np.float32)
        for name, size in head_sizes(recipe.heads).items()
    }
    for row, sample in enumerate(samples):
        for name, vector in target_vectors(recipe.heads, corpus.heads, sample).items():
            targets[name][row] = vector
    kept = arrays["present"].any(axis=1)
    kept &= np.any([~np.isnan(target[:, 0]) for target in targets.values()], axis=0)
    return FusionTable(
        tuple(arrays[f"vector_{i}"][kept] for i in range(count)),
        tuple(arrays[f"states_{i}"][kept] for i in range(count)) if recipe.looks_at_states else (),
        arrays["present"][kept],
        {name: target[kept] for name, target in targets.items()},
        key,
        tuple(sample for sample, own in zip(samples, kept, strict=True) if own),
    )


def read_empty(recipe: FusionRecipe, like: FusionTable) -> FusionTable:
    """Let the members read texts and pictures that hold nothing.

    Args:
        recipe: The fusion.
        like: Of its training data; shows the width of the members' vectors and states.

    Returns:
        One row for each of `emofuse.train.fusion.augment.empty_samples`, unlabelled. A member that read
        nothing has zeros and is absent.
    """
    samples = empty_samples(recipe.seed)
    crops = any(shows_crops(corpus.name) for corpus in recipe.corpora)
    arrays = _read(recipe, samples, open_members(recipe), crops=crops)
    vectors, states = [], []
    for index, vector in enumerate(like.vectors):
        vectors.append(arrays.get(f"vector_{index}", np.zeros((len(samples), vector.shape[1]), np.float32)))
    for index, own in enumerate(like.states):
        length = own.shape[1]
        found = arrays.get(f"states_{index}", np.zeros((len(samples), 1, own.shape[2]), np.float16))
        states.append(np.pad(found, ((0, 0), (0, max(0, length - found.shape[1])), (0, 0)))[:, :length])
    return FusionTable(tuple(vectors), tuple(states), arrays["present"], {})


def layouts_of(recipe: FusionRecipe, table: FusionTable) -> list[MemberLayout]:
    """What stands where in the members' vectors.

    Args:
        recipe: The fusion.
        table: Of its training data; shows the width of embeddings and states.

    Returns:
        One layout per member in order.
    """
    layouts = []
    modalities = recipe.modalities
    for index, (name, member) in enumerate(zip(open_members(recipe), recipe.members, strict=True)):
        sizes = {part: _width(part) for part in member.gives if part != "embedding"}
        rest = table.vectors[index].shape[1] - sum(sizes.values())
        parts, begin = {}, 0
        for part in member.gives:
            end = begin + sizes.get(part, rest)
            parts[part] = (begin, end)
            begin = end
        states = table.states[index].shape[2] if table.states else 0
        layouts.append(MemberLayout(name, modalities.index(member.modality), parts, states))
    return layouts


def _width(taxonomy: str) -> int:
    labels = len(load_taxonomy(taxonomy))
    return labels if labels > 2 else 1


def _key(recipe: FusionRecipe, corpus: CorpusConfig, samples: Sequence[Sample]) -> str:
    """What the members' readings depend on, as a name for them."""
    digest = hashlib.sha256()
    bundles = [*open_members(recipe).values(), load_bundle("face_detector")]
    facts = [
        [(bundle.path / "SHA256SUMS").read_text(encoding="utf-8") for bundle in bundles],
        [member.gives for member in recipe.members],
        bool(shows_crops(corpus.name)),
        recipe.looks_at_states,
    ]
    digest.update(json.dumps(facts).encode())
    for sample in samples:
        digest.update(repr((sample.id, sample.text, _print_of(sample.image))).encode(errors="surrogatepass"))
    return digest.hexdigest()[:24]


def _print_of(image: ImageSource | None) -> object:
    if isinstance(image, str | os.PathLike):
        path = Path(image)
        return (str(path), path.stat().st_size, path.stat().st_mtime_ns) if path.is_file() else str(path)
    return hashlib.sha256(image).hexdigest() if isinstance(image, bytes) else None


def _read(
    recipe: FusionRecipe,
    samples: Sequence[Sample],
    bundles: Mapping[str, ModelBundle],
    *,
    crops: bool,
) -> dict[str, Any]:
    by_modality: dict[Modality, tuple[ModelBundle, ...]] = dict.fromkeys(Modality, ())
    for bundle in bundles.values():
        by_modality[Modality(bundle.kind)] += (bundle,)
    models = ModelSet(None, detector=None, threads=None, members=by_modality)
    reader = SampleReader(models, crop=crops)
    deep = recipe.looks_at_states or any("embedding" in member.gives for member in recipe.members)
    present = np.zeros((len(samples), len(recipe.modalities)), dtype=np.float32)
    vectors: list[dict[int, FloatArray]] = [{} for _ in bundles]
    states: list[dict[int, FloatArray]] = [{} for _ in bundles]
    names = list(bundles)
    for start in range(0, len(samples), CHUNK):
        for row, reading in enumerate(reader.read(samples[start : start + CHUNK], deep=deep), start):
            for modality, evidence in reading.evidence.items():
                present[row, recipe.modalities.index(modality)] = 1
                for own in evidence.readings:
                    index = names.index(own.model)
                    vectors[index][row] = feature_vector(own, recipe.members[index].gives)
                    if recipe.looks_at_states:
                        states[index][row] = _states_of(own)
    arrays: dict[str, Any] = {"present": present}
    for index in range(len(names)):
        if not vectors[index]:
            continue
        arrays[f"vector_{index}"] = _fill(vectors[index], len(samples)).astype(np.float32)
        if recipe.looks_at_states:
            arrays[f"states_{index}"] = _fill(states[index], len(samples)).astype(np.float16)
    return arrays


def _states_of(reading: ModelReading) -> FloatArray:
    if reading.states is None:
        raise ConfigError(
            f"The graph of {reading.model} gives no states. Export it again.", item=reading.model
        )
    return reading.states[:MAX_STATES]


def _fill(found: Mapping[int, FloatArray], count: int) -> FloatArray:
    # Rows without a reading stay zero, and so do states beyond the last.
    shape = np.max([array.shape for array in found.values()], axis=0)
    filled = np.zeros((count, *shape), dtype=np.float32)
    for row, array in found.items():
        filled[row, : len(array)] = array
    return filled


class FusionData(lightning.LightningDataModule):
    """Training and validation batches of a fusion; the order depends on seed and epoch alone."""

    def __init__(self, recipe: FusionRecipe, data_root: Path, *, cache: Path | None = None) -> None:
        super().__init__()
        self.recipe = recipe
        self.training = self._join(
            [
                read_table(recipe, corpus, data_root, training=True, cache=cache)
                for corpus in recipe.corpora
                if corpus.train
            ]
        )
        self.validation = self._join(
            [
                read_table(recipe, corpus, data_root, training=False, cache=cache)
                for corpus in recipe.corpora
                if corpus.validation
            ]
        )

        for part, table in (("training", self.training), ("validation", self.validation)):
            for head, target in table.targets.items():
                if np.isnan(target[:, 0]).all():
                    raise ConfigError(
                        f"No {part} sample is labelled for {head}. Check the splits and heads of the corpora "
                        "in the recipe.",
                        item=head,
                    )

    def _join(self, tables: Sequence[FusionTable]) -> FusionTable:
        if len(tables) == 1:
            return tables[0]
        if not tables:
            raise ConfigError("A fusion needs a corpus with a training split.", item=self.recipe.name)
        members = range(len(self.recipe.members))
        return FusionTable(
            tuple(np.concatenate([table.vectors[i] for table in tables]) for i in members),
            tuple(_stack([table.states[i] for table in tables]) for i in members if tables[0].states),
            np.concatenate([table.present for table in tables]),
            {name: np.concatenate([table.targets[name] for table in tables]) for name in tables[0].targets},
            "+".join(table.key for table in tables),
            tuple(sample for table in tables for sample in table.samples),
        )

    def label_weights(self) -> dict[str, FloatArray]:
        """Weight of each label of the outputs that ask for it; see `ClassifierData.label_weights`."""
        weights = {}
        for head, config in self.recipe.heads.items():
            if config.class_weights != "none":
                targets = self.training.targets[head]
                weights[head] = weigh_labels(targets[~np.isnan(targets[:, 0])], config.class_weights)
        return weights

    def train_dataloader(self) -> DataLoader[Any]:
        """Batches of the current epoch."""
        epoch = self.trainer.current_epoch if self.trainer else 0
        order = np.random.default_rng(self.recipe.seed * 1000 + epoch).permutation(len(self.training))
        return self._loader(self.training, order)

    def val_dataloader(self) -> DataLoader[Any]:
        """Batches of the validation splits; with `mispairing` also of their texts with the next pictures."""
        table = self.validation
        if self.recipe.mispairing:
            table = self._join([table, self._mispair(table)])
        return self._loader(table, np.arange(len(table)))

    def _mispair(self, table: FusionTable) -> FusionTable:
        kept = [member.modality == "text" for member in self.recipe.members]
        rolled = np.roll(table.present, 1, axis=0)
        text = self.recipe.modalities.index("text")
        rolled[:, text] = table.present[:, text]
        return FusionTable(
            tuple(v if own else np.roll(v, 1, axis=0) for own, v in zip(kept, table.vectors, strict=True)),
            tuple(s if own else np.roll(s, 1, axis=0) for own, s in zip(kept, table.states, strict=False)),
            rolled,
            table.targets,
        )

    def _loader(self, table: FusionTable, order: Any) -> DataLoader[Any]:
        size = self.recipe.train.batch_size
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        if len(batches) > 1 and len(batches[-1]) == 1:
            batches.pop()  # a batch norm cannot learn from one sample
        rank, ranks = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        return DataLoader(_Batches(table, batches, rank, ranks), batch_size=None)


def _stack(states: Sequence[Any]) -> Any:
    longest = max(own.shape[1] for own in states)
    return np.concatenate([np.pad(own, ((0, 0), (0, longest - own.shape[1]), (0, 0))) for own in states])


class _Batches(Dataset[Batch]):
    def __init__(self, table: FusionTable, batches: Sequence[Any], rank: int, ranks: int) -> None:
        self.table, self.batches = table, batches
        self.rank, self.ranks = rank, ranks

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Batch:
        whole = self.batches[index]
        rows = own_rows(whole, self.rank, self.ranks)
        targets = {name: target[rows] for name, target in self.table.targets.items()}
        return Batch(
            self.table.inputs(rows),
            {name: torch.from_numpy(np.nan_to_num(target)) for name, target in targets.items()},
            {name: torch.from_numpy(~np.isnan(target[:, 0])) for name, target in targets.items()},
            weigh_share(len(rows), len(whole), self.ranks),
            copied=len(whole) < self.ranks,
        )
