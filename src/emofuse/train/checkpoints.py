"""What a run leaves behind: two epochs, and logs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger

__all__ = ["build_loggers", "keep_best_and_last"]


def keep_best_and_last(run_dir: Path, *, monitor: str, mode: Literal["min", "max"]) -> list[ModelCheckpoint]:
    """Callbacks that write `checkpoints/best.ckpt` and `checkpoints/last.ckpt` after each epoch.

    Args:
        run_dir: Folder of the run.
        monitor: Logged value that picks the best epoch.
        mode: Whether the value should be small or large.

    Returns:
        Two callbacks; `save_last` of one would write the last epoch only when it is also the best.
    """
    folder = run_dir / "checkpoints"
    best = ModelCheckpoint(folder, filename="best", monitor=monitor, mode=mode, enable_version_counter=False)
    last = ModelCheckpoint(folder, filename="last", enable_version_counter=False)
    return [best, last]


def build_loggers(run_dir: Path) -> list[Logger]:
    """Loggers that write `logs/version_N/metrics.csv` and TensorBoard's event files beside it.

    Args:
        run_dir: Folder of the run; a resumed run gets the next N.

    Returns:
        Two loggers.
    """
    table = CSVLogger(run_dir, name="logs")
    return [table, TensorBoardLogger(run_dir, name="logs", version=table.version)]
