"""Train a face detector on canvases of photographs that a reference detector has labelled."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import Any, Literal

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
from emofuse.train.schedule import warmup_cosine

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
        parts = detection_loss(self.network(images), boxes, learn, self.recipe.scenes.canvas_px)
        total = parts["score"] + BOX_WEIGHT * parts["box"] + LANDMARK_WEIGHT * parts["landmarks"]
        values = {f"{stage}/{name}": value for name, value in parts.items()}
        self.log_dict({**values, f"{stage}/loss": total}, prog_bar=stage == "train", batch_size=len(images))
        return total

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
        return DataLoader(scenes, batch_size=self.recipe.train.batch_size, collate_fn=collate_scenes)


def train_detector(
    recipe: DetectorRecipe,
    data_root: Path,
    run_dir: Path,
    *,
    resume: bool = False,
    devices: int | Literal["auto"] = "auto",
) -> Path:
    """Train a detector and keep the epoch with the lowest validation loss.

    Args:
        recipe: What to train.
        data_root: Folder with the photographs and the reference detector.
        run_dir: Gets the label caches, `recipe.yaml`, `logs/` and `checkpoints/`.
        resume: Go on from `last.ckpt` when there is one.
        devices: As for `emofuse.train.trainer.train`.

    Returns:
        Path of the best checkpoint.

    Raises:
        ConfigError: `run_dir` holds a run already and `resume` is False.
        CorpusNotFoundError: Photographs or reference detector are missing.
    """
    last = run_dir / "checkpoints" / "last.ckpt"
    if last.exists() and not resume:
        raise ConfigError(f"{run_dir} already holds a run. Add --resume to go on with it.", item=str(run_dir))
    run_dir.mkdir(parents=True, exist_ok=True)
    (run_dir / "recipe.yaml").write_text(yaml.safe_dump(_plain(recipe), sort_keys=False), encoding="utf-8")
    lightning.seed_everything(recipe.seed, verbose=False)
    training, validation = (_labelled(recipe, data_root, run_dir, split) for split in ("train", "dev"))
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    trainer = lightning.Trainer(
        devices=devices,
        use_distributed_sampler=False,
        max_epochs=recipe.train.epochs,
        precision=recipe.train.precision,
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
    model = DetectorTraining(recipe)
    data = _SceneData(training, validation, recipe)
    trainer.fit(model, data, ckpt_path=last if last.exists() else None, weights_only=True)
    return run_dir / "checkpoints" / "best.ckpt"


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
