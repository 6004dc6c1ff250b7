"""Train a face detector on canvases of photographs that a reference detector has labelled."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lightning
import numpy as np
import torch
import yaml
from lightning.pytorch import callbacks
from torch import Tensor
from torch.utils.data import DataLoader

from emofuse.errors import ConfigError
from emofuse.train.checkpoints import CpuTime, build_loggers, keep_best_and_last
from emofuse.train.config import build_config
from emofuse.train.face_detection.labels import Photos, find_photos, label_photos
from emofuse.train.face_detection.losses import detection_loss
from emofuse.train.face_detection.network import FaceDetectorNetwork
from emofuse.train.face_detection.recipe import DetectorRecipe
from emofuse.train.face_detection.scenes import Scenes, collate_scenes
from emofuse.train.processes import build_shared_trainer
from emofuse.train.runs import choose_precision, fit
from emofuse.train.schedule import warmup_cosine
from emofuse.train.shares import EVERY_CARD, Processes

__all__ = ["DetectorTraining", "load_detector_run", "train_detector"]

LANDMARK_WEIGHT = 1.0
BOX_WEIGHT = 2.0
VALIDATION_SEED = 1_000_000


class DetectorTraining(lightning.LightningModule):
    """Trains a `FaceDetectorNetwork`; validation is the loss on fixed canvases."""

    def __init__(self, recipe: DetectorRecipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.network = FaceDetectorNetwork(recipe.channels)

    def training_step(self, batch: Any, _: int) -> Tensor:
        """One step on a batch of canvases."""
        return self._loss(batch, "train")

    def validation_step(self, batch: Any, _: int) -> None:
        """Loss on canvases that no weight was fitted to."""
        self._loss(batch, "val")

    def _loss(self, batch: Any, stage: str) -> Tensor:
        images, boxes, learn = batch
        average = self._average if stage == "train" else float
        side = self.recipe.scenes.canvas_px
        parts = detection_loss(self.network(images), boxes, learn, side, average=average)
        total = parts["score"] + BOX_WEIGHT * parts["box"] + LANDMARK_WEIGHT * parts["landmarks"]
        values = {f"{stage}/{name}": value for name, value in parts.items()}
        shared = stage == "train"  # every process validates on everything
        self.log_dict(
            {**values, f"{stage}/loss": total}, prog_bar=shared, batch_size=len(images), sync_dist=shared
        )
        return total

    def _average(self, own: int) -> float:
        return float(self.trainer.strategy.reduce(torch.tensor(float(own), device=self.device)))

    def configure_optimizers(self) -> Any:
        """AdamW, linear warm-up, cosine to zero."""
        config = self.recipe.train
        optimizer = torch.optim.AdamW(self.parameters(), lr=config.lr, weight_decay=config.weight_decay)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: warmup_cosine(step, steps, config.warmup)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class _SceneData(lightning.LightningDataModule):
    def __init__(self, training: Photos, validation: Photos, recipe: DetectorRecipe) -> None:
        super().__init__()
        self.training, self.validation, self.recipe = training, validation, recipe

    def train_dataloader(self) -> DataLoader[Any]:
        if self.trainer is None:
            return self._loader(Scenes(self.training, self.recipe, 0))
        rank, ranks = self.trainer.global_rank, self.trainer.world_size
        return self._loader(
            Scenes(self.training, self.recipe, self.trainer.current_epoch, rank=rank, ranks=ranks)
        )

    def val_dataloader(self) -> DataLoader[Any]:
        return self._loader(Scenes(self.validation, self.recipe, VALIDATION_SEED))

    def _loader(self, scenes: Scenes) -> DataLoader[Any]:
        size = self.recipe.train.batch_size // scenes.ranks
        return DataLoader(scenes, batch_size=size, collate_fn=collate_scenes)


def train_detector(
    recipe: DetectorRecipe,
    data_root: Path,
    run_dir: Path,
    *,
    resume: bool = False,
    processes: Processes = EVERY_CARD,
) -> Path:
    """Train a detector and keep the epoch with the lowest validation loss.

    Args:
        recipe: What to train.
        data_root: Folder with the photographs and the reference detector.
        run_dir: Gets the label caches, `recipe.yaml`, `logs/` and `checkpoints/`.
        resume: Go on from `last.ckpt` when there is one.
        processes: As for `emofuse.train.train_recipe`.

    Returns:
        Path of the best checkpoint.

    Raises:
        ConfigError: `run_dir` holds a run already and `resume` is False, or the processes cannot train
            together.
        CorpusNotFoundError: Photographs or reference detector are missing.
    """
    last = run_dir / "checkpoints" / "last.ckpt"
    if last.exists() and not resume:
        raise ConfigError(f"{run_dir} already holds a run. Add --resume to go on with it.", item=str(run_dir))
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    trainer = build_shared_trainer(
        processes,
        recipe.train.batch_size,
        max_epochs=recipe.train.epochs,
        precision=choose_precision(recipe.train.precision),
        gradient_clip_val=recipe.train.clip,
        callbacks=[
            CpuTime(run_dir),
            *keep_best_and_last(run_dir, monitor="val/loss", mode="min"),
            callbacks.EMAWeightAveraging(decay=recipe.train.ema),
        ],
        logger=build_loggers(run_dir),
        default_root_dir=run_dir,
        reload_dataloaders_every_n_epochs=1,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    if first := trainer.is_global_zero:
        run_dir.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(_plain(recipe), sort_keys=False)
        (run_dir / "recipe.yaml").write_text(text, encoding="utf-8")
    lightning.seed_everything(recipe.seed, verbose=False)
    with TemporaryDirectory() as scratch:
        # Of processes that begin together, only the first writes the run's cache.
        known = all((run_dir / f"{split}.labels.npz").exists() for split in ("train", "dev"))
        folder = run_dir if first or known else Path(scratch)
        training, validation = (_labelled(recipe, data_root, folder, split) for split in ("train", "dev"))
        model = DetectorTraining(recipe)
        data = _SceneData(training, validation, recipe)
        facts = {"recipe": recipe, "number of photographs": (len(training), len(validation))}
        return fit(trainer, model, data, run_dir, goes_on=last.exists(), facts=facts)


def load_detector_run(run_dir: Path) -> tuple[DetectorRecipe, FaceDetectorNetwork]:
    """Load the best detector of a run.

    Args:
        run_dir: A folder that `train_detector` filled.

    Returns:
        The recipe, and the network in evaluation mode.

    Raises:
        ConfigError: The run has no finished epoch.
    """
    checkpoint = run_dir / "checkpoints" / "best.ckpt"
    if not checkpoint.exists():
        raise ConfigError(f"{run_dir} holds no finished epoch.", item=str(run_dir))
    recipe = build_config(DetectorRecipe, yaml.safe_load((run_dir / "recipe.yaml").read_text("utf-8")))
    model = DetectorTraining(recipe)
    model.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"])
    return recipe, model.network.eval()


def _labelled(recipe: DetectorRecipe, data_root: Path, run_dir: Path, split: str) -> Photos:
    paths = find_photos(data_root / recipe.photos, split)
    return label_photos(paths, data_root / recipe.reference, run_dir / split, score=recipe.ignore_score)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain(dataclasses.asdict(value))
    return value.item() if isinstance(value, np.generic) else value
