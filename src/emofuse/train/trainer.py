"""Run a recipe: data, network, Lightning, checkpoints."""

from __future__ import annotations

import dataclasses
import hashlib
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import lightning
import numpy as np
import torch
import yaml
from lightning.pytorch import callbacks

from emofuse.errors import ConfigError
from emofuse.preprocess import WordPieceTokenizer
from emofuse.runtime.bundle import load_bundle
from emofuse.train.checkpoints import CpuTime, StopForGood, build_loggers, keep_best_and_last
from emofuse.train.classifier import Classifier, EmotionNetwork
from emofuse.train.config import build_config
from emofuse.train.data import ClassifierData, read_texts
from emofuse.train.encoders import build_encoder
from emofuse.train.encoders.face import FaceEncoder
from emofuse.train.encoders.text import BiLstmEncoder, MiniLmBiLstmEncoder
from emofuse.train.recipe import Recipe
from emofuse.train.targets import head_sizes
from emofuse.train.tokenizer import write_tokenizer
from emofuse.train.validation import write_validation
from emofuse.train.vectors import load_vectors

__all__ = ["load_run", "train"]

SETTLE_FACES = 256


def train(
    recipe: Recipe,
    data_root: Path,
    run_dir: Path,
    *,
    resume: bool = False,
    devices: int | Literal["auto"] = "auto",
    extra: Sequence[lightning.Callback] = (),
) -> Path:
    """Train the network of a recipe and keep its best epoch.

    Args:
        recipe: What to train.
        data_root: Folder that holds the corpora.
        run_dir: Gets `recipe.yaml` (resolved), `tokenizer.json` (text), `validation.npz`,
            `logs/version_N/metrics.csv` and `checkpoints/{best,last}.ckpt`.
        resume: Go on from `last.ckpt` when there is one.
        devices: Processes, or graphics cards where there are any, that share the batches; "auto" takes every
            card, or one process without any.
        extra: Further Lightning callbacks.

    Returns:
        Path of the best checkpoint.

    Raises:
        ConfigError: `run_dir` holds a run already and `resume` is False, or one of another recipe; the
            recipe cannot be trained.
        DatasetError: A corpus is missing or malformed.
    """
    last = run_dir / "checkpoints" / "last.ckpt"
    if last.exists() and not resume:
        raise ConfigError(
            f"{run_dir} already holds a run. Add --resume to go on with it, or choose another folder.",
            item=str(run_dir),
        )
    goes_on = last.exists()
    if goes_on:
        _refuse_changes(recipe, run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    _remember_teacher(recipe, run_dir, goes_on=goes_on)
    _write_recipe(recipe, run_dir)
    lightning.seed_everything(recipe.seed, verbose=False)
    tokenizer = _prepare_tokenizer(recipe, data_root, run_dir, goes_on=goes_on)
    data = ClassifierData(recipe, data_root, tokenizer)
    write_validation(run_dir / "validation.npz", data.validation, data.sizes)
    network = _build_network(recipe, tokenizer, pretrained=True)
    if not goes_on:
        _start(network, recipe, tokenizer, data)
    _prune(network, recipe)
    model = Classifier(network, recipe, data.label_weights())
    trainer = _build_trainer(recipe, run_dir, devices, extra)
    trainer.fit(model, data, ckpt_path=last if goes_on else None, weights_only=True)
    return run_dir / "checkpoints" / "best.ckpt"


def load_run(run_dir: Path) -> tuple[Recipe, EmotionNetwork, WordPieceTokenizer | None]:
    """Load the network of a run that is exported: its best epoch, or the average that the recipe asks for.

    Args:
        run_dir: A folder that `train` filled.

    Returns:
        The recipe, the network in evaluation mode, and the tokenizer (None for faces).

    Raises:
        ConfigError: The folder holds no finished epoch.
    """
    checkpoint = run_dir / "checkpoints" / "best.ckpt"
    if not checkpoint.exists():
        raise ConfigError(f"{run_dir} holds no finished epoch. Run `emofuse train` first.", item=str(run_dir))
    recipe = build_config(Recipe, yaml.safe_load((run_dir / "recipe.yaml").read_text(encoding="utf-8")))
    tokenizer = None
    if recipe.task == "text":
        tokenizer = WordPieceTokenizer.from_file(run_dir / "tokenizer.json")
    network = _build_network(recipe, tokenizer, pretrained=False)
    _prune(network, recipe)
    weights = _weights(checkpoint)
    if recipe.export.average:
        last = _weights(run_dir / "checkpoints" / "last.ckpt")
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
    return EmotionNetwork(encoder, head_sizes(recipe))


def _start(
    network: EmotionNetwork, recipe: Recipe, tokenizer: WordPieceTokenizer | None, data: ClassifierData
) -> None:
    if recipe.init_from:
        try:
            network.load_state_dict(_weights(_best_of(recipe.init_from)))
        except RuntimeError as error:
            raise ConfigError(
                f"The run {recipe.init_from} holds another network than this recipe: {error}",
                item=recipe.init_from,
            ) from error
    if recipe.encoder.vectors and tokenizer is not None and isinstance(network.encoder, BiLstmEncoder):
        rows = load_vectors(recipe.encoder, tokenizer, data.training, recipe.seed)
        with torch.no_grad():
            network.encoder.words.weight.copy_(torch.from_numpy(rows))
    if isinstance(network.encoder, FaceEncoder) and not recipe.init_from:
        random = np.random.default_rng(recipe.seed)
        chosen = random.choice(len(data.training), min(SETTLE_FACES, len(data.training)), replace=False)
        network.encoder.settle(torch.from_numpy(np.stack([data.training[i].inputs for i in chosen])))


def _prune(network: EmotionNetwork, recipe: Recipe) -> None:
    if recipe.encoder.feed_forward < 1 and isinstance(network.encoder, MiniLmBiLstmEncoder):
        network.encoder.backbone.prune_feed_forward(recipe.encoder.feed_forward)


def _prepare_tokenizer(
    recipe: Recipe, data_root: Path, run_dir: Path, *, goes_on: bool
) -> WordPieceTokenizer | None:
    if recipe.task != "text":
        return None
    path = run_dir / "tokenizer.json"
    if recipe.init_from and not goes_on:
        # Its weights belong to its vocabulary.
        path.write_bytes((_best_of(recipe.init_from).parents[1] / "tokenizer.json").read_bytes())
    if recipe.init_from or goes_on:
        return WordPieceTokenizer.from_file(path)
    return write_tokenizer(recipe.tokenizer, read_texts(recipe, data_root), path)


def _build_trainer(
    recipe: Recipe,
    run_dir: Path,
    devices: int | Literal["auto"],
    extra: Sequence[lightning.Callback],
) -> lightning.Trainer:
    config = recipe.train
    average = [callbacks.EMAWeightAveraging(decay=config.ema)] if config.ema else []
    stop = [StopForGood("val/score", patience=config.patience, mode="max")]
    # Two loader workers would only fight for the cores: the data are in memory already.
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    # Every process validates on everything, so there is nothing to gather.
    warnings.filterwarnings("ignore", message=".*sync_dist=True.*")
    return lightning.Trainer(
        devices=devices,
        use_distributed_sampler=False,  # the batches are shared out by their own sampler
        max_epochs=config.epochs,
        precision=config.precision,
        callbacks=[
            CpuTime(run_dir),
            *keep_best_and_last(run_dir, monitor="val/score", mode="max"),
            *average,
            *(stop if config.patience else []),
            *extra,
        ],
        logger=build_loggers(run_dir),
        default_root_dir=run_dir,
        reload_dataloaders_every_n_epochs=1,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


def _best_of(run: str) -> Path:
    path = Path(run) / "checkpoints" / "best.ckpt"
    if not path.exists():
        raise ConfigError(f"init_from: {run} holds no finished epoch. Train that recipe first.", item=run)
    return path


def _refuse_changes(recipe: Recipe, run_dir: Path) -> None:
    stored = build_config(Recipe, yaml.safe_load((run_dir / "recipe.yaml").read_text(encoding="utf-8")))
    before, now = (_flatten(dataclasses.asdict(own)) for own in (stored, recipe))
    changed = sorted(key for key in before | now if before.get(key) != now.get(key))
    if changed and changed != ["train.epochs"]:
        raise ConfigError(
            f"{run_dir} was begun with another recipe; it differs in {', '.join(changed)}. Resume it as it "
            "was, or choose another folder.",
            item=str(run_dir),
        )


def _remember_teacher(recipe: Recipe, run_dir: Path, *, goes_on: bool) -> None:
    if recipe.distill is None:
        return
    note = run_dir / "teacher.sha256"
    digest = hashlib.sha256(load_bundle(recipe.distill.teacher).model_path.read_bytes()).hexdigest()
    if goes_on and note.exists() and note.read_text(encoding="utf-8") != digest:
        raise ConfigError(
            f"{run_dir} was begun with another teacher in the place of {recipe.distill.teacher}. Bring that "
            "back, or choose another folder.",
            item=str(run_dir),
        )
    note.write_text(digest, encoding="utf-8")


def _flatten(value: Any, key: str = "") -> dict[str, Any]:
    pairs: Iterable[tuple[Any, Any]]
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list | tuple):
        pairs = enumerate(value)
    else:
        return {key: value}
    flat: dict[str, Any] = {}
    for name, item in pairs:
        flat |= _flatten(item, f"{key}.{name}" if key else str(name))
    return flat


def _write_recipe(recipe: Recipe, run_dir: Path) -> None:
    plain = dataclasses.asdict(recipe)
    plain["corpora"] = list(plain["corpora"])
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    (run_dir / "recipe.yaml").write_text(text, encoding="utf-8")


def _weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    loaded = torch.load(checkpoint, map_location="cpu", weights_only=True)
    prefix = "network."
    return {
        key.removeprefix(prefix): value
        for key, value in loaded["state_dict"].items()
        if key.startswith(prefix)
    }
