"""Run a recipe: data, network, Lightning, checkpoints."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import lightning
import numpy as np
import torch

from emofuse.errors import ConfigError
from emofuse.preprocess import WordPieceTokenizer
from emofuse.runtime.bundle import load_bundle
from emofuse.train.augment import ImageAugment
from emofuse.train.classifier import Classifier, EmotionNetwork
from emofuse.train.data import ClassifierData, batch_examples, read_texts
from emofuse.train.encoders import build_encoder
from emofuse.train.encoders.face import FaceEncoder
from emofuse.train.encoders.minilm import MiniLm, count_units
from emofuse.train.encoders.text import BiLstmEncoder, MiniLmBiLstmEncoder
from emofuse.train.persons import PersonPairing
from emofuse.train.pruning import prune_feed_forward
from emofuse.train.recipe import Recipe
from emofuse.train.runs import begin_run, best_of, build_trainer, fit, read_run_recipe, read_weights
from emofuse.train.shares import EVERY_CARD, Processes
from emofuse.train.start import find_start, is_bundle, load_start
from emofuse.train.targets import head_sizes
from emofuse.train.tokenizer import write_tokenizer
from emofuse.train.validation import write_validation
from emofuse.train.vectors import load_vectors

__all__ = ["load_run", "train"]

SETTLE_FACES = 256
PRUNE_TEXTS = 3000


def train(
    recipe: Recipe,
    data_root: Path,
    run_dir: Path,
    *,
    resume: bool = False,
    processes: Processes = EVERY_CARD,
    extra: Sequence[lightning.Callback] = (),
) -> Path:
    """Train the network of a recipe and keep its best epoch.

    Args:
        recipe: What to train.
        data_root: Folder that holds the corpora.
        run_dir: Gets `recipe.yaml` (resolved), `tokenizer.json` (text), `validation.npz`,
            `logs/version_N/metrics.csv` and `checkpoints/{best,last}.ckpt`.
        resume: Go on from `last.ckpt` when there is one.
        processes: That share the batches.
        extra: Further Lightning callbacks.

    Returns:
        Path of the best checkpoint.

    Raises:
        ConfigError: `run_dir` holds a run already and `resume` is False, or one of another recipe; the
            recipe cannot be trained, or not by these processes.
        DatasetError: A corpus is missing or malformed.
    """
    if recipe.export.calibration == "kept" and not is_bundle(recipe.init_from or ""):
        raise ConfigError(
            "export.calibration is kept, but init_from names no bundle whose calibration could be kept.",
            item="init_from",
        )
    trainer = build_trainer(recipe.train, run_dir, processes=processes, extra=extra)
    first = trainer.is_global_zero
    goes_on = begin_run(recipe, run_dir, resume=resume, first=first)
    teacher = _remember_teacher(recipe, run_dir, goes_on=goes_on, first=first)
    lightning.seed_everything(recipe.seed, verbose=False)
    with TemporaryDirectory() as scratch:
        own = run_dir if first or goes_on else Path(scratch)
        tokenizer = _prepare_tokenizer(recipe, data_root, own, goes_on=goes_on)
    data = ClassifierData(recipe, data_root, tokenizer)
    if first:
        write_validation(run_dir / "validation.npz", data.validation, data.sizes)
    network = _build_network(recipe, tokenizer, pretrained=not recipe.init_from)
    if goes_on:
        _narrow(network, recipe)
    else:
        _start(network, recipe, tokenizer, data)
    augment = None if recipe.task == "text" else ImageAugment(recipe.augment)
    persons = PersonPairing(recipe.persons, recipe, tokenizer) if recipe.persons and tokenizer else None
    model = Classifier(network, recipe, data.label_weights(), augment=augment, persons=persons)
    facts = {
        "recipe": recipe,
        "teacher": teacher,
        "number of training samples": len(data.training),
        "number of validation samples": len(data.validation),
    }
    return fit(trainer, model, data, run_dir, goes_on=goes_on, facts=facts)


def load_run(run_dir: Path) -> tuple[Recipe, EmotionNetwork, WordPieceTokenizer | None]:
    """Load the network of a run that is exported: its best epoch, or the average that the recipe asks for.

    Args:
        run_dir: A folder that `train` filled.

    Returns:
        The recipe, the network in evaluation mode, and the tokenizer (None for faces).

    Raises:
        ConfigError: The folder holds no finished epoch.
    """
    checkpoint = best_of(run_dir)
    recipe = read_run_recipe(Recipe, run_dir)
    tokenizer = None
    if recipe.task == "text":
        tokenizer = WordPieceTokenizer.from_file(run_dir / "tokenizer.json")
    network = _build_network(recipe, tokenizer, pretrained=False)
    _narrow(network, recipe)
    weights = read_weights(checkpoint)
    if recipe.export.average:
        last = read_weights(run_dir / "checkpoints" / "last.ckpt")
        weights = {
            name: (value + last[name]) / 2 if value.is_floating_point() else value
            for name, value in weights.items()
        }
    network.load_state_dict(weights)
    return recipe, network.eval(), tokenizer


def _build_network(
    recipe: Recipe, tokenizer: WordPieceTokenizer | None, *, pretrained: bool
) -> EmotionNetwork:
    vocabulary = len(tokenizer) if tokenizer else 0
    encoder = build_encoder(recipe, vocabulary=vocabulary, pretrained=pretrained)
    return EmotionNetwork(encoder, head_sizes(recipe.heads))


def _start(
    network: EmotionNetwork, recipe: Recipe, tokenizer: WordPieceTokenizer | None, data: ClassifierData
) -> None:
    if recipe.init_from:
        load_start(network, recipe.init_from)
    if recipe.encoder.vectors and tokenizer is not None and isinstance(network.encoder, BiLstmEncoder):
        rows = load_vectors(recipe.encoder, tokenizer, data.training, recipe.seed)
        with torch.no_grad():
            network.encoder.words.weight.copy_(torch.from_numpy(rows))
    if isinstance(network.encoder, FaceEncoder) and not recipe.init_from:
        random = np.random.default_rng(recipe.seed)
        chosen = random.choice(len(data.training), min(SETTLE_FACES, len(data.training)), replace=False)
        network.encoder.settle(torch.from_numpy(np.stack([data.training[i].inputs for i in chosen])))
    if isinstance(network.encoder, MiniLmBiLstmEncoder):
        _prune(network.encoder.backbone, recipe, data)


def _prune(backbone: MiniLm, recipe: Recipe, data: ClassifierData) -> None:
    units = count_units(recipe.encoder.feed_forward)
    random = np.random.default_rng(recipe.seed)
    chosen = random.permutation(len(data.training))[:PRUNE_TEXTS]
    batches = batch_examples([data.training[i] for i in chosen], recipe.train.batch_size)
    prune_feed_forward(backbone, units, [torch.from_numpy(batch) for _, batch in batches])


def _narrow(network: EmotionNetwork, recipe: Recipe) -> None:
    if isinstance(network.encoder, MiniLmBiLstmEncoder):
        network.encoder.backbone.narrow(count_units(recipe.encoder.feed_forward))


def _prepare_tokenizer(
    recipe: Recipe, data_root: Path, run_dir: Path, *, goes_on: bool
) -> WordPieceTokenizer | None:
    if recipe.task != "text":
        return None
    path = run_dir / "tokenizer.json"
    if recipe.init_from and not goes_on:
        # Its weights belong to its vocabulary.
        path.write_bytes((find_start(recipe.init_from) / "tokenizer.json").read_bytes())
    if recipe.init_from or goes_on:
        return WordPieceTokenizer.from_file(path)
    return write_tokenizer(recipe.tokenizer, read_texts(recipe, data_root), path)


def _remember_teacher(recipe: Recipe, run_dir: Path, *, goes_on: bool, first: bool) -> str | None:
    if recipe.distill is None:
        return None
    note = run_dir / "teacher.sha256"
    digest = hashlib.sha256(load_bundle(recipe.distill.teacher).model_path.read_bytes()).hexdigest()
    if goes_on and note.exists() and note.read_text(encoding="utf-8") != digest:
        raise ConfigError(
            f"{run_dir} was begun with another teacher in the place of {recipe.distill.teacher}. Bring that "
            "back, or choose another folder.",
            item=str(run_dir),
        )
    if first:
        note.write_text(digest, encoding="utf-8")
    return digest
