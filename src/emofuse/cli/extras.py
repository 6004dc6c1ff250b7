"""A clear error where an optional dependency is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from emofuse.errors import MissingExtraError

__all__ = ["needs_extra"]


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Turn a missing module, wherever it is imported inside, into the command that installs it.

    Args:
        extra: Name of the extra that brings the modules.

    Raises:
        MissingExtraError: A module outside emofuse could not be found.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(extra, error.name or "unknown") from error
