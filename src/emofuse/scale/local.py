"""Partitions over the cores of this machine."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from multiprocessing.connection import wait as wait_for_any

from emofuse.errors import ScoringError
from emofuse.scale.files import Done
from emofuse.scale.source import Partition
from emofuse.scale.worker import PartitionScorer, Task

__all__ = ["score_here"]

WAITING = 2  # partitions per worker that are planned ahead

_scorer: PartitionScorer


def score_here(task: Task, partitions: Iterator[Partition], workers: int) -> Iterator[Done]:
    """Score partitions in processes of one thread each.

    Args:
        task: What to do.
        partitions: Which; taken as workers get free.
        workers: Number of processes; with one, or with a single partition, this process does the work.

    Yields:
        What became of each partition, in the order in which they are done.

    Raises:
        ScoringError: A worker was killed.
    """
    first = list(islice(partitions, 2))
    if workers == 1 or len(first) < 2:
        scorer = PartitionScorer(task) if first else None
        for partition in chain(first, partitions):
            if scorer:
                yield scorer.score(partition)
        return
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin, (task,))
    waiting: set[Future[Done]] = set()
    try:
        for partition in chain(first, partitions):
            waiting.add(pool.submit(_score, partition))
            if len(waiting) >= WAITING * workers:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    except BrokenProcessPool as error:
        raise ScoringError(
            "A worker was killed, perhaps for want of memory. Take fewer --workers, and go on with --resume."
        ) from error
    except BaseException:
        # Whoever interrupts does not wait for partitions that are under way.
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(task: Task) -> None:
    global _scorer  # noqa: PLW0603 - one per process, set before any work reaches it
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    _scorer = PartitionScorer(task)


def _end_with(sentinel: int) -> None:
    # A worker whose parent was killed would wait for work for ever.
    wait_for_any([sentinel])
    os._exit(1)


def _score(partition: Partition) -> Done:
    return _scorer.score(partition)
