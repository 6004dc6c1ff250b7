"""Turn finished runs into bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emofuse.errors import ConfigError

__all__ = ["export_any"]


def export_any(
    run_dir: Path, bundle_dir: Path, *, int8: bool | None = None, data_root: Path | None = None
) -> dict[str, Any]:
    """Export a run of any task, or an ensemble of bundles.

    Args:
        run_dir: A folder that `emofuse train` filled, or the recipe file of an ensemble.
        bundle_dir: Bundle folder to write.
        int8: False keeps float32; True demands that the recipe names a kind of int8; None follows it.

        data_root: Folder that holds the corpora; ensembles only.

    Returns:
        The manifest of the bundle.

    Raises:
        ConfigError: No finished run there, the recipe names no quantisation, or an ensemble lacks the data
            root.
    """
    from emofuse.train.config import read_yaml  # noqa: PLC0415 - an extra

    if run_dir.is_file():
        return _export_ensemble(read_yaml(run_dir), run_dir, bundle_dir, data_root)
    task = read_yaml(run_dir / "recipe.yaml")["task"]
    if task == "fusion":
        from emofuse.export.fusion import export_fusion  # noqa: PLC0415

        return export_fusion(run_dir, bundle_dir)
    if task == "face_detector":
        from emofuse.export.detector import export_detector  # noqa: PLC0415

        return export_detector(run_dir, bundle_dir)
    from emofuse.export.exporter import export_run  # noqa: PLC0415
    from emofuse.train.recipe import read_recipe  # noqa: PLC0415

    if int8 and read_recipe(run_dir / "recipe.yaml").export.quantize == "none":
        raise ConfigError(
            "The recipe names no quantisation. Set export.quantize in it to a kind of int8.",
            item=str(run_dir),
        )
    return export_run(run_dir, bundle_dir, quantize="none" if int8 is False else None)


def _export_ensemble(
    data: dict[str, Any], path: Path, bundle_dir: Path, data_root: Path | None
) -> dict[str, Any]:
    from emofuse.export.ensemble import EnsembleRecipe, export_ensemble  # noqa: PLC0415
    from emofuse.train.config import build_config  # noqa: PLC0415

    if data.get("task") != "ensemble" or data_root is None:
        raise ConfigError(
            f"{path} is a recipe. Train it first and export its run; only the recipe of an ensemble is "
            "exported itself, with --data-root for its calibration.",
            item=str(path),
        )
    return export_ensemble(build_config(EnsembleRecipe, data), data_root, bundle_dir)
