"""Train the models of the recipes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emofuse.train.config import build_config, read_yaml
from emofuse.train.recipe import Recipe
from emofuse.train.shares import EVERY_CARD, Processes

__all__ = ["Processes", "train_recipe"]


def train_recipe(
    path: Path,
    data_root: Path,
    run_dir: Path | None = None,
    *,
    overrides: Sequence[str] = (),
    resume: bool = False,
    processes: Processes = EVERY_CARD,
) -> Path:
    """Train whatever a recipe file describes.

    Args:
        path: YAML recipe.
        data_root: Folder that holds the corpora.
        run_dir: Where the run is kept; None takes `runs/<name>`.
        overrides: `key.sub=value` strings.
        resume: Go on from the last finished epoch.
        processes: That share the batches; whatever their number, the recipe's batch size is that of a step.

    Returns:
        Path of the best checkpoint.

    Raises:
        ConfigError: The recipe is malformed, the folder holds a run already, or the processes cannot train
            together.
        DatasetError: A corpus is missing or malformed.
    """
    data = read_yaml(path, overrides)
    folder = run_dir or Path("runs") / str(data.get("name", path.stem))
    if data.get("task") == "face_detector":
        from emofuse.train.face_detection import DetectorRecipe, train_detector  # noqa: PLC0415 - needs OpenCV

        return train_detector(
            build_config(DetectorRecipe, data), data_root, folder, resume=resume, processes=processes
        )
    if data.get("task") == "fusion":
        from emofuse.train.fusion.recipe import FusionRecipe  # noqa: PLC0415 - as below
        from emofuse.train.fusion.training import train_fusion  # noqa: PLC0415

        return train_fusion(
            build_config(FusionRecipe, data), data_root, folder, resume=resume, processes=processes
        )
    from emofuse.train.trainer import train  # noqa: PLC0415 - Lightning takes seconds to import

    return train(build_config(Recipe, data), data_root, folder, resume=resume, processes=processes)
