"""Training data in memory: batches without padding for text, augmented crops for faces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from emofuse.datasets import hash_share, load_adapter
from emofuse.errors import ConfigError, CorpusFormatError, EmptyTextError
from emofuse.preprocess import (
    WordPieceTokenizer,
    load_image,
    normalize_text,
    prepare_crop,
    prepare_scene,
    spell_emoji,
    split_windows,
)
from emofuse.train.distill import add_teacher
from emofuse.train.recipe import CorpusConfig, Recipe
from emofuse.train.rehearsal import draw_texts
from emofuse.train.shares import own_rows, weigh_share
from emofuse.train.synonyms import add_synonyms
from emofuse.train.targets import head_sizes, target_vectors, weigh_labels
from emofuse.types import FloatArray, Sample

__all__ = [
    "Batch",
    "ClassifierData",
    "Example",
    "batch_examples",
    "input_px",
    "prepare_input",
    "read_examples",
    "read_samples",
    "read_texts",
]

FACE_PX = 48


@dataclass(frozen=True, eq=False)
class Example:
    """One training item.

    Attributes:
        inputs: (length,) int32 token ids, a (48, 48) uint8 grey crop, or a (side, side, 3) uint8 RGB picture.
        targets: Head -> (labels,) float32; heads without a label are absent.
    """

    inputs: Any
    targets: Mapping[str, FloatArray]


class Batch(NamedTuple):
    """What one step sees.

    Attributes:
        inputs: What the network takes: (batch, length) int64 ids, (batch, 48, 48) uint8 crops, (batch, side,
            side, 3) uint8 pictures, or several tensors.
        targets: Head -> (batch, labels) float32, zeros where unlabelled.
        labelled: Head -> (batch,) bool.
        share: What a mean over these rows counts beside those of other processes.
        copied: Every process has the same rows.
    """

    inputs: Any
    targets: Mapping[str, Tensor]
    labelled: Mapping[str, Tensor]
    share: float = 1.0
    copied: bool = False


def input_px(recipe: Recipe) -> int:
    """Side of the pictures that a face or scene recipe learns from, px."""
    return FACE_PX if recipe.task == "face" else recipe.encoder.image_px


def read_texts(recipe: Recipe, data_root: Path) -> Iterator[str]:
    """Normalised training texts of every corpus, for learning a vocabulary."""
    for corpus in recipe.corpora:
        if corpus.train:
            for sample in read_samples(corpus, data_root, recipe.seed, training=True):
                if (text := _text_of(recipe, sample)) is not None:
                    yield text


def read_examples(
    recipe: Recipe, data_root: Path, *, training: bool, tokenizer: WordPieceTokenizer | None
) -> list[Example]:
    """Read the training or validation split of every corpus of a recipe.

    Args:
        recipe: Names the corpora, their splits and heads.
        data_root: Folder that the corpora's roots are relative to.
        training: True for the training splits, False for the validation splits.
        tokenizer: For text recipes; None for faces.

    Returns:
        Labelled examples; texts without a visible character and unlabelled samples are left out. Of a text
        beyond the recipe's `max_tokens`, one of the windows in which a prediction reads it, at random.
    """
    examples: list[Example] = []
    for corpus in recipe.corpora:
        split = corpus.train if training else corpus.validation
        if split is None:
            continue
        samples = read_samples(corpus, data_root, recipe.seed, training=training)
        if training and recipe.augment.synonyms:
            samples = add_synonyms(samples, recipe.augment.synonyms, recipe.seed)
        targets = [target_vectors(recipe.heads, corpus.heads, sample) for sample in samples]
        if training and recipe.distill:
            targets = add_teacher(recipe, recipe.distill, samples, targets)
        examples += _encode(recipe, samples, targets, tokenizer)
    if training and recipe.distill and recipe.distill.rehearsal and tokenizer is not None:
        samples = draw_texts(tokenizer, recipe.distill.rehearsal, recipe.seed)
        targets = add_teacher(recipe, recipe.distill, samples, [{}] * len(samples))
        examples += _encode(recipe, samples, targets, tokenizer)
    return examples


def read_samples(corpus: CorpusConfig, data_root: Path, seed: int, *, training: bool) -> list[Sample]:
    """Read a corpus as a recipe wants it.

    Args:
        corpus: Splits, labels, share and limit.
        data_root: Folder that the corpus's root is relative to.
        seed: Draws the samples where a limit leaves some out.
        training: Read the training split; else the validation split, of which nothing is left out but samples
            with other labels.

    Returns:
        The samples in file order.

    Raises:
        DatasetError: The corpus is missing or malformed.
    """
    split = corpus.train if training else corpus.validation
    samples = list(load_adapter(corpus.name).iter_samples(data_root / corpus.root, split or ""))
    if chosen := set(corpus.labels):
        samples = [
            sample
            for sample in samples
            if any(_top_label(sample, taxonomy) in chosen for taxonomy in corpus.heads.values())
        ]
    if training and corpus.share != (0, 1):
        low, high = corpus.share
        # Some corpora draw their splits from the hash of the bare text.
        samples = [own for own in samples if low <= hash_share(f"share:{own.text or own.id}") < high]
    if not training or corpus.limit is None or len(samples) <= corpus.limit:
        return samples
    kept = np.random.default_rng(seed).choice(len(samples), corpus.limit, replace=False)
    return [samples[i] for i in sorted(kept)]


def _top_label(sample: Sample, taxonomy: str) -> str | None:
    labels = sample.labels.get(taxonomy)
    return max(labels, key=lambda label: labels[label]) if labels else None


def batch_examples(examples: Sequence[Example], size: int) -> list[tuple[list[int], NDArray[Any]]]:
    """Batches of examples whose inputs have one shape.

    Args:
        examples: Encoded examples.
        size: Most of a batch.

    Returns:
        Rows of `examples`, and their inputs as a graph takes them.
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, example in enumerate(examples):
        groups.setdefault(example.inputs.shape, []).append(index)
    batches = []
    for group in groups.values():
        for start in range(0, len(group), size):
            rows = group[start : start + size]
            stacked = np.stack([examples[i].inputs for i in rows])
            batches.append((rows, stacked if stacked.dtype == np.uint8 else stacked.astype(np.int64)))
    return batches


def _encode(
    recipe: Recipe,
    samples: Sequence[Sample],
    targets: Sequence[Mapping[str, FloatArray]],
    tokenizer: WordPieceTokenizer | None,
) -> list[Example]:
    random = np.random.default_rng(recipe.seed)
    examples = []
    for sample, target in zip(samples, targets, strict=True):
        if target and (inputs := prepare_input(recipe, sample, tokenizer, random)) is not None:
            examples.append(Example(inputs, target))
    return examples


def prepare_input(
    recipe: Recipe, sample: Sample, tokenizer: WordPieceTokenizer | None, random: np.random.Generator
) -> Any:
    """What the network of a recipe takes of a sample.

    Args:
        recipe: Of the network.
        sample: With a text, or a picture for a face or scene recipe.
        tokenizer: For text recipes; None for pictures.
        random: Draws the window of a text beyond the recipe's `max_tokens`.

    Returns:
        As `Example.inputs`; None for a text without a visible character.

    Raises:
        CorpusFormatError: The sample has no picture.
    """
    if tokenizer is None:
        return _picture_of(recipe, sample)
    if (text := _text_of(recipe, sample)) is None:
        return None
    prefix, suffix = tokenizer.frame()
    ids = tokenizer.encode(text)
    room = recipe.tokenizer.max_tokens - len(prefix) - len(suffix)
    windows, _ = split_windows(ids, room, max_windows=len(ids))
    window = windows[random.integers(len(windows))]
    return np.array([*prefix, *window, *suffix], dtype=np.int32)


def _text_of(recipe: Recipe, sample: Sample) -> str | None:
    try:
        text, _ = normalize_text(sample.text or "")
    except EmptyTextError:
        return None
    return spell_emoji(text) if recipe.tokenizer.emoji == "spell" else text


def _picture_of(recipe: Recipe, sample: Sample) -> Any:
    if sample.image is None:
        raise CorpusFormatError(
            f"Sample {sample.id} has no image; a {recipe.task} recipe needs one.", item=sample.id
        )
    image, _ = load_image(sample.image)
    prepare = prepare_crop if recipe.task == "face" else prepare_scene
    return prepare(image, size_px=input_px(recipe))


class _Examples(Dataset[Example]):
    def __init__(self, examples: Sequence[Example]) -> None:
        self.examples = examples

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> Example:
        return self.examples[index]


class _SameShapeBatches(Sampler[list[int]]):
    """Batches of examples whose inputs have one shape, so that nothing is ever padded.

    They are the same in all processes; each then takes its rows.
    """

    def __init__(self, examples: Sequence[Example], batch_size: int, seed: int | None) -> None:
        self.batch_size = batch_size
        self.seed = seed
        self.groups: dict[tuple[int, ...], list[int]] = {}
        for index, example in enumerate(examples):
            self.groups.setdefault(example.inputs.shape, []).append(index)

    def __len__(self) -> int:
        return sum(-(-len(group) // self.batch_size) for group in self.groups.values())

    def __iter__(self) -> Iterator[list[int]]:
        random = None if self.seed is None else np.random.default_rng(self.seed)
        batches = []
        for group in self.groups.values():
            order = np.asarray(group) if random is None else random.permutation(group)
            batches += [
                order[i : i + self.batch_size].tolist() for i in range(0, len(order), self.batch_size)
            ]
        if random is not None:
            random.shuffle(batches)
        return iter(batches)


class ClassifierData(lightning.LightningDataModule):
    """Training and validation batches of a recipe; the order depends on seed and epoch alone."""

    def __init__(self, recipe: Recipe, data_root: Path, tokenizer: WordPieceTokenizer | None) -> None:
        super().__init__()
        self.recipe = recipe
        self.sizes = head_sizes(recipe.heads)
        self.training = read_examples(recipe, data_root, training=True, tokenizer=tokenizer)
        self.validation = read_examples(recipe, data_root, training=False, tokenizer=tokenizer)
        for part, examples in (("training", self.training), ("validation", self.validation)):
            labelled = {head for example in examples for head in example.targets}
            missing = [head for head in recipe.heads if head not in labelled]
            if part == "validation" and labelled and recipe.export.calibration == "kept":
                continue
            if missing:
                raise ConfigError(
                    f"No {part} sample is labelled for {', '.join(missing)}. Check the splits, heads and "
                    "labels of the corpora in the recipe.",
                    item=missing[0],
                )

    def label_weights(self) -> dict[str, FloatArray]:
        """Weight of each label of the heads that ask for it, from the training targets.

        Returns:
            Head -> (labels,) float32; a label that never occurs weighs nothing.
        """
        weights = {}
        for head, config in self.recipe.heads.items():
            if config.class_weights != "none":
                own = [example.targets[head] for example in self.training if head in example.targets]
                weights[head] = weigh_labels(np.stack(own), config.class_weights)
        return weights

    def train_dataloader(self) -> DataLoader[Any]:
        """Batches of the current epoch."""
        if self.trainer is None:
            return self._loader(self.training, seed=self.recipe.seed * 1000)
        return self._loader(self.training, seed=self.recipe.seed * 1000 + self.trainer.current_epoch)

    def val_dataloader(self) -> DataLoader[Any]:
        """Batches of the validation splits."""
        return self._loader(self.validation, seed=None)

    def _loader(self, examples: Sequence[Example], seed: int | None) -> DataLoader[Any]:
        batches = _SameShapeBatches(examples, self.recipe.train.batch_size, seed)
        return DataLoader(_Examples(examples), batch_sampler=batches, collate_fn=self._collate)

    def _collate(self, whole: Sequence[Example]) -> Batch:
        rank, ranks = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        examples = own_rows(whole, rank, ranks)
        share = weigh_share(len(examples), len(whole), ranks)
        inputs = torch.from_numpy(np.stack([example.inputs for example in examples]))
        targets, labelled = {}, {}
        for head, size in self.sizes.items():
            absent = np.zeros(size, dtype=np.float32)
            rows = [example.targets.get(head, absent) for example in examples]
            targets[head] = torch.from_numpy(np.stack(rows))
            labelled[head] = torch.tensor([head in example.targets for example in examples])
        inputs = inputs if inputs.dtype == torch.uint8 else inputs.long()
        return Batch(inputs, targets, labelled, share, copied=len(whole) < ranks)
