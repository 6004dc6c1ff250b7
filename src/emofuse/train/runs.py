"""A run's folder: its recipe, its trainer, its checkpoints."""

from __future__ import annotations

import dataclasses
import hashlib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import lightning
import torch
import yaml
from lightning.pytorch import callbacks
from lightning.pytorch.utilities import rank_zero_info

from emofuse.errors import ConfigError
from emofuse.train.checkpoints import CpuTime, StopForGood, build_loggers, keep_best_and_last
from emofuse.train.config import build_config
from emofuse.train.processes import build_shared_trainer, check_agreement, fit_together
from emofuse.train.recipe import Precision, TrainConfig
from emofuse.train.shared_norm import share_norms
from emofuse.train.shares import Processes

__all__ = [
    "begin_run",
    "best_of",
    "build_trainer",
    "choose_precision",
    "fit",
    "read_run_recipe",
    "read_weights",
]

R = TypeVar("R")


def begin_run(recipe: Any, run_dir: Path, *, resume: bool, first: bool = True) -> bool:
    """Make a folder ready for a run, and keep the recipe in it.

    Args:
        recipe: A recipe dataclass.
        run_dir: Folder of the run.
        resume: Go on with a run that is there.
        first: Whether this is the process that writes.

    Returns:
        Whether there is a finished epoch to go on from.

    Raises:
        ConfigError: The folder holds a run already and `resume` is False, or one of another recipe.
    """
    goes_on = (run_dir / "checkpoints" / "last.ckpt").exists()
    if goes_on and not resume:
        raise ConfigError(
            f"{run_dir} already holds a run. Add --resume to go on with it, or choose another folder.",
            item=str(run_dir),
        )
    if goes_on:
        _refuse_changes(recipe, run_dir)
    if not first:
        return goes_on
    run_dir.mkdir(parents=True, exist_ok=True)
    plain = dataclasses.asdict(recipe)
    plain["corpora"] = list(plain["corpora"])
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    # Other processes may read it in this moment.
    unfinished = run_dir / "recipe.yaml.part"
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(run_dir / "recipe.yaml")
    return goes_on


def read_run_recipe(kind: type[R], run_dir: Path) -> R:
    """The recipe of a run.

    Args:
        kind: Its dataclass.
        run_dir: Folder of the run.

    Returns:
        The recipe, overrides included.
    """
    return build_config(kind, yaml.safe_load((run_dir / "recipe.yaml").read_text(encoding="utf-8")))


def build_trainer(
    config: TrainConfig,
    run_dir: Path,
    *,
    processes: Processes,
    extra: Sequence[lightning.Callback] = (),
) -> lightning.Trainer:
    """The trainer of a run: the best and the last epoch are kept, everything is logged.

    Args:
        config: Optimisation.
        run_dir: Folder of the run.
        processes: As for `emofuse.train.train_recipe`.
        extra: Further Lightning callbacks.

    Returns:
        The trainer.

    Raises:
        ConfigError: See `build_shared_trainer`.
    """
    average = [callbacks.EMAWeightAveraging(decay=config.ema)] if config.ema else []
    stop = [StopForGood("val/score", patience=config.patience, mode="max")]
    # Two loader workers would only fight for the cores: the data are in memory already.
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    # The scores are those of all processes already.
    warnings.filterwarnings("ignore", message=".*sync_dist=True.*")
    return build_shared_trainer(
        processes,
        config.batch_size,
        max_epochs=config.epochs,
        precision=choose_precision(config.precision),
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


def choose_precision(wanted: Precision) -> Precision:
    """The precision of a training on this machine.

    Args:
        wanted: By the recipe.

    Returns:
        `32-true` for `bf16-mixed` where there is neither a graphics card nor a processor with instructions
        for bfloat16, on which LSTMs fail and all else is slow; what is wanted anywhere else.
    """
    if wanted != "bf16-mixed" or torch.cuda.is_available():
        return wanted
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            torch.nn.LSTM(1, 1)(torch.zeros(1, 1, 1))
    except RuntimeError:
        rank_zero_info("This processor has no bfloat16: training in float32.")
        return "32-true"
    return wanted


def fit(
    trainer: lightning.Trainer,
    model: lightning.LightningModule,
    data: lightning.LightningDataModule,
    run_dir: Path,
    *,
    goes_on: bool,
    facts: Mapping[str, Any],
) -> Path:
    """Train to the end, in all processes.

    Args:
        trainer: Of the run.
        model: With a `network`, whose batch norms are shared where there are several processes.
        data: Its batches.
        run_dir: Folder of the run.
        goes_on: Start from the last finished epoch.
        facts: What must be the same in all processes, by name.

    Returns:
        Path of the best checkpoint.

    Raises:
        ConfigError: A process has other facts than the first.
        ProcessFailedError: Another process has ended, or does not answer.
    """
    last = run_dir / "checkpoints" / "last.ckpt" if goes_on else None
    begun = hashlib.sha256(last.read_bytes()).hexdigest() if last else None
    trainer.callbacks.insert(0, _Agreement({**facts, "last checkpoint": begun}))  # type: ignore[attr-defined]
    if trainer.world_size > 1:
        share_norms(model.network)  # type: ignore[arg-type]
    fit_together(trainer, model, data, ckpt_path=last, weights_only=True)
    return run_dir / "checkpoints" / "best.ckpt"


class _Agreement(lightning.Callback):
    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.facts = facts

    def setup(self, *_: Any, **__: Any) -> None:
        check_agreement(self.facts)


def best_of(run_dir: Path) -> Path:
    """The best checkpoint of a run.

    Args:
        run_dir: Folder of the run.

    Returns:
        Its path.

    Raises:
        ConfigError: No epoch was finished.
    """
    path = run_dir / "checkpoints" / "best.ckpt"
    if not path.exists():
        raise ConfigError(f"{run_dir} holds no finished epoch. Run `emofuse train` first.", item=str(run_dir))
    return path


def read_weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    """Weights of the network in a checkpoint, by name."""
    loaded = torch.load(checkpoint, map_location="cpu", weights_only=True)
    prefix = "network."
    return {
        key.removeprefix(prefix): value
        for key, value in loaded["state_dict"].items()
        if key.startswith(prefix)
    }


def _refuse_changes(recipe: Any, run_dir: Path) -> None:
    stored = read_run_recipe(type(recipe), run_dir)
    before, now = (_flatten(dataclasses.asdict(own)) for own in (stored, recipe))
    changed = sorted(key for key in before | now if before.get(key) != now.get(key))
    if changed and changed != ["train.epochs"]:
        raise ConfigError(
            f"{run_dir} was begun with another recipe; it differs in {', '.join(changed)}. Resume it as it "
            "was, or choose another folder.",
            item=str(run_dir),
        )


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
