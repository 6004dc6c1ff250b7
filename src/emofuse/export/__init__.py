"""Turn finished runs into bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emofuse.errors import ConfigError

__all__ = ["export_any"]


def export_any(run_dir: Path, bundle_dir: Path, *, int8: bool | None = None) -> dict[str, Any]:
    """Export a run of any task.

    Args:
        run_dir: A folder that `emofuse train` filled.
        bundle_dir: Bundle folder to write.
        int8: False keeps float32; True demands that the recipe names a kind of int8; None follows it.

    Returns:
        The manifest of the bundle.

    Raises:
        ConfigError: No finished run there, or the recipe names no quantisation.
    """
    from emofuse.train.recipe import read_yaml  # noqa: PLC0415 - imports torch's neighbours

    if read_yaml(run_dir / "recipe.yaml")["task"] == "face_detector":
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
