"""Calls of the database: each kind has threads of its own, and none keeps a request waiting for long."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

import anyio
from anyio import CapacityLimiter, to_thread

from emofuse.errors import StoreUnavailableError

__all__ = ["BUSY_S", "Waiting"]

# That the store waits for a lock. A write waits for its turn and then for other processes.
BUSY_S = 2.0
WAIT_S = 2 * BUSY_S + 0.5

Value = TypeVar("Value")
Arguments = TypeVarTuple("Arguments")


class Waiting:
    """Threads for calls that may block, so that those of one kind do not hold up another.

    Args:
        threads: Calls at the same time.
        queue_size: Calls that may wait for a thread; one beyond them is refused at once.
        wait_s: Seconds in which a call returns or is given up.
    """

    def __init__(self, threads: int, queue_size: float = math.inf, wait_s: float = WAIT_S) -> None:
        self._limiter = CapacityLimiter(threads)
        self._most = threads + queue_size
        self._calls = 0
        self._wait_s = wait_s

    async def run(self, work: Callable[[*Arguments], Value], *arguments: *Arguments) -> Value:
        """Call something in a thread.

        Args:
            work: To call; it goes on in its thread when it is given up.
            *arguments: For it.

        Returns:
            What it returns.

        Raises:
            StoreUnavailableError: Too many wait, or it took too long.
        """
        if self._calls >= self._most:
            raise StoreUnavailableError("Too many requests wait for the database. Try again later.")
        self._calls += 1
        try:
            with anyio.fail_after(self._wait_s):
                return await to_thread.run_sync(
                    work, *arguments, limiter=self._limiter, abandon_on_cancel=True
                )
        except TimeoutError as error:
            raise StoreUnavailableError("The database took too long. Try again later.") from error
        finally:
            self._calls -= 1
