"""Whose work is still waited for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Turns"]


class Turns:
    """One piece of work for each visitor at a time, which ends when the visitor wants it no more."""

    def __init__(self) -> None:
        self._waited_for: dict[str | None, object] = {}

    @contextmanager
    def take(self, visitor: str | None) -> Iterator[Callable[[], bool]]:
        """Begin work; what was begun before for the same visitor is over.

        Args:
            visitor: Whose.

        Yields:
            What the work asks again and again: whether it is over.
        """
        own = object()
        self._waited_for[visitor] = own
        try:
            yield lambda: self._waited_for.get(visitor) is not own
        finally:
            if self._waited_for.get(visitor) is own:
                del self._waited_for[visitor]

    def end(self, visitor: str | None) -> None:
        """Call off what was begun, if anything was.

        Args:
            visitor: For whom.
        """
        self._waited_for.pop(visitor, None)
