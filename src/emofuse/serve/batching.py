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
        batch: Items of all jobs in that run.
    """

    results: Sequence[Result]
    queued_s: float
    run_s: float
    batch: int


@dataclass(eq=False)
class _Job(Generic[Kind, Item, Result]):
    kind: Kind
    items: Sequence[Item]
    until: float
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
        self, kind: Kind, items: Sequence[Item], *, deadline_s: float, patient: bool = False
    ) -> Coroutine[Any, Any, Done[Result]]:
        """Put items into the queue at once; if the caller is cancelled, they leave it.

        Args:
            kind: Items of one kind may share a run.
            items: At least one.
            deadline_s: Seconds after which nobody waits for the results any more.
            patient: Join a full queue too, as the next part of a large request that was let in.

        Returns:
            To be awaited: the results, or a DeadlineError when the deadline passed; items that had not begun
            are dropped then.

        Raises:
            OverloadedError: The queue is full.
            UnavailableError: The service stops.
        """
        loop = asyncio.get_running_loop()
        job = _Job[Kind, Item, Result](kind, items, time.monotonic() + deadline_s, loop, loop.create_future())
        with self._condition:
            if self._closed:
                raise UnavailableError("The service is stopping.", retry_after_s=RETRY_S)
            if not patient and self._waiting and self._waiting + len(items) > self._queue_size:
                raise OverloadedError(
                    "Too many requests wait already. Try again later.", retry_after_s=RETRY_S
                )
            self._jobs.append(job)
            self._waiting += len(items)
            self._condition.notify()
        return self._await(job, deadline_s)

    async def _await(self, job: _Job[Kind, Item, Result], deadline_s: float) -> Done[Result]:
        try:
            async with asyncio.timeout(deadline_s):
                return await job.future
        except TimeoutError as error:
            raise DeadlineError(
                f"There was no answer within {deadline_s:g} s. Try again later.", retry_after_s=RETRY_S
            ) from error

    def close(self) -> None:
        """Finish what waits, then stop the threads."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while jobs := self._take():
            start = time.monotonic()
            items = [item for job in jobs for item in job.items]
            try:
                results: Sequence[Result] | BaseException = self._run(jobs[0].kind, items)
            except Exception as error:
                results = error
            spent = time.monotonic() - start
            position = 0
            for job in jobs:
                if isinstance(results, BaseException):
                    _deliver(job, results)
                    continue
                own = results[position : position + len(job.items)]
                position += len(job.items)
                _deliver(job, Done(own, start - job.since, spent, len(items)))

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
                self._waiting -= len(job.items)
            elif not taken or (job.kind == taken[0].kind and count + len(job.items) <= self._batch_size):
                taken.append(job)
                count += self._batch_size if self._alone(job.kind) else len(job.items)
                self._waiting -= len(job.items)
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
