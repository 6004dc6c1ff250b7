"""Where a command writes, and how it shows what it was asked."""

from __future__ import annotations

from pathlib import Path

from emofuse.errors import ConfigError

__all__ = ["prepare_folder", "show_model", "show_task"]


def prepare_folder(folder: Path) -> None:
    """Create a folder before any work is done for it.

    Args:
        folder: May exist.

    Raises:
        ConfigError: It cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"Cannot write to {folder}: {error.strerror}. Choose another place.", item=str(folder)
        ) from error


def show_model(model: str) -> str:
    """A model's name or folder as recorded commands show it."""
    # A place on this machine means nothing on another.
    return Path(model).name if Path(model).is_absolute() else model


def show_task(corpus: str, split: str, taxonomy: str | None, labels: str | None) -> list[str]:
    """The options of a recorded command that say what was read; the corpus's place is left open."""
    chosen = [*(["--taxonomy", taxonomy] if taxonomy else []), *(["--labels", labels] if labels else [])]
    return ["--corpus", corpus, "--root", "ROOT", "--split", split, *chosen]
