"""Requests that arrive together share a run; too many are refused at once.

Threads take jobs from one bounded queue. Whichever becomes free takes all jobs of one kind that wait at that
moment, up to the batch size: under light load nobody waits for company, under heavy load batches fill by
themselves.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Any, Generic, TypeVar

from emofuse.errors import DeadlineError, OverloadedError, UnavailableError

__all__ = ["Batcher", "Done"]

Kind = TypeVar("Kind")
Item = TypeVar("Item")
Result = TypeVar("Result")
RETRY_S = 1.0


@dataclass(frozen=True)
class Done(Generic[Result]):
    """What became of the items of one job.

    Attributes:
        results: One per item, in order.
        queued_s: Seconds between submission and the start of the run.
        run_s: Seconds of the run, which other jobs may have shared.
    """

    results: Sequence[Result]
    queued_s: float
    run_s: float


@dataclass(eq=False)
class _Job(Generic[Kind, Item, Result]):
    kind: Kind
    items: Sequence[Item]
    until: float
    places: int
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Done[Result]]
    since: float = field(default_factory=time.monotonic)


class Batcher(Generic[Kind, Item, Result]):
    """Runs items of many callers in shared batches on a few threads.

    Args:
        run: Called in one of the threads with a kind and items of that kind; gives one result per item.
        threads: How many runs go on at the same time.
        batch_size: Most items in a run; a job of more is run alone.
        queue_size: Most items that wait; a job that finds the queue empty is taken whatever its size.
        alone: Whether jobs of a kind gain nothing from company, and each is run by itself.
    """

    def __init__(
        self,
        run: Callable[[Kind, Sequence[Item]], Sequence[Result]],
        *,
        threads: int,
        batch_size: int,
        queue_size: int,
        alone: Callable[[Kind], bool] = lambda kind: False,
    ) -> None:
        self._run = run
        self._alone = alone
        self._batch_size = batch_size
        self._queue_size = queue_size
        self._jobs: deque[_Job[Kind, Item, Result]] = deque()
        self._waiting = 0
        self._condition = Condition()
        self._closed = False
        self._threads = [Thread(target=self._work, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Items in the queue."""
        return self._waiting

    @property
    def full(self) -> bool:
        """Whether another job would be refused."""
        return self._waiting >= self._queue_size

    def submit(
        self, kind: Kind, items: Sequence[Item], *, until: float, patient: bool = False
    ) -> Coroutine[Any, Any, Done[Result]]:
        """Put items into the queue at once; if the caller is cancelled, they leave it at once.

        Args:
            kind: Items of one kind may share a run.
            items: At least one.
            until: Second of `time.monotonic` after which nobody waits for the results any more.
            patient: Join a full queue too and take nobody's place in it, as the next part of a large request
                that was let in.

        Returns:
            To be awaited: the results, or a DeadlineError when the deadline passed; items that had not begun
            are dropped then.

        Raises:
            OverloadedError: The queue is full.
            UnavailableError: The service stops.
        """
        loop = asyncio.get_running_loop()
        places = 0 if patient else len(items)
        job = _Job[Kind, Item, Result](kind, items, until, places, loop, loop.create_future())
        with self._condition:
            if self._closed:
                raise UnavailableError("The service is stopping.", retry_after_s=RETRY_S)
            if places and self._waiting and self._waiting + places > self._queue_size:
                raise OverloadedError(
                    "Too many requests wait already. Try again later.", retry_after_s=RETRY_S
                )
            self._jobs.append(job)
            self._waiting += places
            self._condition.notify()
        return self._await(job)

    async def _await(self, job: _Job[Kind, Item, Result]) -> Done[Result]:
        try:
            async with asyncio.timeout(job.until - time.monotonic()):
                return await job.future
        except TimeoutError as error:
            raise DeadlineError(
                "There was no answer in time. Try again later.", retry_after_s=RETRY_S
            ) from error
        finally:
            self._forget(job)

    def _forget(self, job: _Job[Kind, Item, Result]) -> None:
        with self._condition:
            if job in self._jobs:
                self._jobs.remove(job)
                self._waiting -= job.places

    def close(self) -> None:
        """Finish what waits, then stop the threads."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while jobs := self._take():
            if self._run_together(jobs):
                continue
            # What one brought must not fail the others.
            for job in jobs:
                self._run_together([job])

    def _run_together(self, jobs: Sequence[_Job[Kind, Item, Result]]) -> bool:
        start = time.monotonic()
        items = [item for job in jobs for item in job.items]
        try:
            results = self._run(jobs[0].kind, items)
        except Exception as error:
            if len(jobs) > 1:
                return False
            _deliver(jobs[0], error)
            return True
        spent = time.monotonic() - start
        position = 0
        for job in jobs:
            own = results[position : position + len(job.items)]
            position += len(job.items)
            _deliver(job, Done(own, start - job.since, spent))
        return True

    def _take(self) -> list[_Job[Kind, Item, Result]]:
        with self._condition:
            while True:
                while not self._jobs and not self._closed:
                    self._condition.wait()
                taken = self._pick()
                if taken or self._closed:
                    return taken

    def _pick(self) -> list[_Job[Kind, Item, Result]]:
        taken: list[_Job[Kind, Item, Result]] = []
        kept: deque[_Job[Kind, Item, Result]] = deque()
        count, now = 0, time.monotonic()
        while self._jobs:
            job = self._jobs.popleft()
            if job.future.done() or now > job.until:
                self._waiting -= job.places
            elif not taken or (job.kind == taken[0].kind and count + len(job.items) <= self._batch_size):
                taken.append(job)
                count += self._batch_size if self._alone(job.kind) else len(job.items)
                self._waiting -= job.places
            else:
                kept.append(job)
            if count >= self._batch_size:
                break
        kept.extend(self._jobs)
        self._jobs = kept
        return taken


def _deliver(job: _Job[Kind, Item, Result], outcome: Done[Result] | BaseException) -> None:
    def settle() -> None:
        if job.future.done():
            return
        if isinstance(outcome, BaseException):
            job.future.set_exception(outcome)
        else:
            job.future.set_result(outcome)

    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        job.loop.call_soon_threadsafe(settle)
