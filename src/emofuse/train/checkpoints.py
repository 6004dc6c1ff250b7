"""What a run leaves behind: two epochs, logs, and what it cost."""

from __future__ import annotations

import csv
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import lightning
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger

__all__ = ["CpuTime", "StopForGood", "build_loggers", "keep_best_and_last", "read_effort", "read_history"]


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
    best = _Movable(folder, filename="best", monitor=monitor, mode=mode, enable_version_counter=False)
    last = _Movable(folder, filename="last", enable_version_counter=False)
    return [best, last]


class _Movable(ModelCheckpoint):
    """Knows its epochs again after the run's folder was moved."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        folder = Path(str(self.dirpath))

        def here(path: str) -> str:
            return str(folder / Path(path).name) if path else path

        moved = {
            "dirpath": self.dirpath,
            "best_model_path": here(state_dict["best_model_path"]),
            "last_model_path": here(state_dict["last_model_path"]),
            "kth_best_model_path": here(state_dict["kth_best_model_path"]),
            "best_k_models": {here(path): score for path, score in state_dict["best_k_models"].items()},
        }
        super().load_state_dict(state_dict | moved)


class StopForGood(EarlyStopping):
    """Early stopping that a resumed run does not forget."""

    def on_fit_start(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        """Stop at once where the run had stopped."""
        trainer.should_stop = self.wait_count >= self.patience


def build_loggers(run_dir: Path) -> list[Logger]:
    """Loggers that write `logs/version_N/metrics.csv` and TensorBoard's event files beside it.

    Args:
        run_dir: Folder of the run; a resumed run gets the next N.

    Returns:
        Two loggers.
    """
    table = CSVLogger(run_dir, name="logs")
    return [table, TensorBoardLogger(run_dir, name="logs", version=table.version)]


class CpuTime(lightning.Callback):
    """Adds up the processor time of a run over all its parts, and keeps it in `effort.json`.

    Of several processes the first is measured and counted as often as there are processes.
    """

    def __init__(self, run_dir: Path) -> None:
        self.path = run_dir / "effort.json"
        self.seconds, self.epochs, self.processes = 0.0, 0, 1
        self.since = time.process_time()

    def setup(self, trainer: lightning.Trainer, *_: Any, **__: Any) -> None:
        """Count the processes."""
        self.processes = trainer.world_size

    def on_train_epoch_end(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        """Write what was spent so far."""
        self.epochs = trainer.current_epoch + 1
        self._write(trainer, finished=False)

    def on_fit_end(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        """Note that the run came to its end; one that was killed never gets here."""
        self._write(trainer, finished=True)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "seconds": self.seconds + self.processes * (time.process_time() - self.since),
            "epochs": self.epochs,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting."""
        self.seconds, self.epochs = state_dict["seconds"], state_dict["epochs"]

    def _write(self, trainer: lightning.Trainer, *, finished: bool) -> None:
        if trainer.is_global_zero:
            hours = self.state_dict()["seconds"] / 3600
            effort = {"cpu_hours": hours, "epochs": self.epochs, "finished": finished}
            self.path.write_text(json.dumps(effort) + "\n", encoding="utf-8")


def read_effort(run_dir: Path) -> dict[str, Any] | None:
    """What a run cost: `cpu_hours`, `epochs`, and whether it `finished`; None if it was not recorded."""
    path = run_dir / "effort.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def read_history(run_dir: Path) -> list[dict[str, float]]:
    """What a run logged, an entry for each epoch.

    Args:
        run_dir: Folder of the run.

    Returns:
        `epoch`, 0-based, and the mean of each value logged in it, such as `train/loss` and `val/score`, in
        order of the epochs. Where a resumed run repeated an epoch, its later log counts.
    """
    epochs: dict[int, dict[str, float]] = {}
    for path in sorted(run_dir.glob("logs/version_*/metrics.csv"), key=lambda own: int(own.parts[-2][8:])):
        with path.open(encoding="utf-8", newline="") as file:
            epochs |= _average(list(csv.DictReader(file)))
    return [epochs[epoch] for epoch in sorted(epochs)]


def _average(rows: Sequence[dict[str, str]]) -> dict[int, dict[str, float]]:
    found: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for name, cell in row.items():
            if cell and name not in {"epoch", "step"}:
                found[int(row["epoch"])][name].append(float(cell))
    return {
        epoch: {"epoch": epoch, **{name: round(sum(v) / len(v), 5) for name, v in sorted(own.items())}}
        for epoch, own in found.items()
    }
