"""The files of a bundle beside its model."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emofuse.errors import ConfigError
from emofuse.export.model_card import render_model_card

__all__ = ["clear_bundle", "code_revision", "update_manifest", "write_bundle"]

FILES = {"model.onnx", "bundle.json", "tokenizer.json", "MODEL_CARD.md", "SHA256SUMS"}


def write_bundle(bundle_dir: Path, manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Write everything of a bundle but its `model.onnx`, which must be there already if it has one.

    Args:
        bundle_dir: Bundle folder.
        manifest: Content of `bundle.json`.
        files: Further files by name.
    """
    content = {
        **files,
        "bundle.json": (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode(),
        "MODEL_CARD.md": render_model_card(manifest).encode(),
    }
    for name, data in content.items():
        (bundle_dir / name).write_bytes(data)
    summed = sorted(content) + [model.name for model in bundle_dir.glob("model.onnx")]
    lines = [f"{hashlib.sha256((bundle_dir / name).read_bytes()).hexdigest()}  {name}\n" for name in summed]
    (bundle_dir / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def update_manifest(bundle_dir: Path, changes: Mapping[str, Any]) -> None:
    """Change what `bundle.json` says; the model stays as it is.

    Args:
        bundle_dir: A bundle.
        changes: Key -> new value.
    """
    manifest = json.loads((bundle_dir / "bundle.json").read_text(encoding="utf-8"))
    tokenizer = bundle_dir / "tokenizer.json"
    files = {tokenizer.name: tokenizer.read_bytes()} if tokenizer.exists() else {}
    write_bundle(bundle_dir, {**manifest, **changes}, files)


def clear_bundle(bundle_dir: Path) -> None:
    """Make a folder ready for a bundle: create it, or remove the bundle in it.

    Args:
        bundle_dir: Folder to write to.

    Raises:
        ConfigError: The folder holds files that belong to no bundle.
    """
    bundle_dir.mkdir(parents=True, exist_ok=True)
    files = list(bundle_dir.iterdir())
    if foreign := sorted(file.name for file in files if file.name not in FILES and not _is_members(file)):
        raise ConfigError(
            f"{bundle_dir} holds other files, such as {foreign[0]}. Export to a folder of its own.",
            item=str(bundle_dir),
        )
    for file in files:
        if file.is_dir():
            shutil.rmtree(file)
        else:
            file.unlink()


def _is_members(entry: Path) -> bool:
    # The models that a fusion carries; nobody's folder that only has the same name.
    return entry.name == "members" and all((own / "bundle.json").is_file() for own in entry.iterdir())


def code_revision() -> str:
    """Short hash of the checked-out code, or "unknown" outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
