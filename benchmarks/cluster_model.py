"""A discrete-event model of a scoring job on a cluster.

A driver plans partitions, some ahead of the workers; these start, take one after the other, read it, score it
and write it; the driver merges the parts. A partition whose worker dies is done again by another. All workers
share the storage.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Any

import simpy

__all__ = ["ACTIVITIES", "Cluster", "Job", "Run", "simulate"]

# Where the time of the workers goes. `planning` and `dispatch` wait for the driver, `stragglers` is scoring
# beyond what an even machine takes, `tail` waits for the last part, and `failures` is work lost with a worker
# and the time until there is another.
ACTIVITIES = (
    "planning",
    "starting",
    "dispatch",
    "storage",
    "scoring",
    "stragglers",
    "failures",
    "tail",
    "merging",
)


@dataclass(frozen=True)
class Job:
    """What is to be scored.

    Attributes:
        items: Texts or photos.
        partition_items: Items of a partition; the last one has what is left.
        score_s: Seconds a core of even speed takes for an item.
        read_bytes: Bytes read for an item.
        write_bytes: Bytes written for an item.
        list_s: Seconds that the driver lists the input before any worker starts.
        plan_s: Seconds that the driver then takes to plan each partition.
        merge_s: Seconds that the driver merges after the last part.
    """

    items: int
    partition_items: int
    score_s: float
    read_bytes: float = 0.0
    write_bytes: float = 0.0
    list_s: float = 0.0
    plan_s: float = 0.0
    merge_s: float = 0.0

    @property
    def partitions(self) -> int:
        """How many partitions."""
        return math.ceil(self.items / self.partition_items)


@dataclass(frozen=True)
class Cluster:
    """What scores it. The defaults are a cluster on which nothing goes wrong and nothing waits.

    Attributes:
        workers: Slots, of one core each.
        start_s: Seconds of an even machine until a worker has loaded its models.
        join_s: Least and most seconds until a machine is there, evenly spread.
        ahead: Partitions for each worker that the driver plans ahead.
        window: Partitions for each worker that are planned, then scored, before any others; 0 for no windows.
            Workers start anew for each window.
        dispatch_s: Seconds the driver is busy to hand out a partition; one at a time.
        latency_s: Seconds each partition travels besides.
        speed_sigma: Standard deviation of the logarithm of the speed of a machine, whose mean is 1.
        slow_share: Share of partitions that meet a slow moment, 0–1.
        slow_factor: How many times longer these take.
        failure_mean_s: Mean seconds between two failures of a worker, exponential.
        replace_s: Seconds until a machine is there again after a failure.
        storage_bytes_per_s: What the storage gives all workers together.
        link_bytes_per_s: What one worker can move at most.
    """

    workers: int
    start_s: float = 0.0
    join_s: tuple[float, float] = (0.0, 0.0)
    ahead: int = 1
    window: int = 0
    dispatch_s: float = 0.0
    latency_s: float = 0.0
    speed_sigma: float = 0.0
    slow_share: float = 0.0
    slow_factor: float = 1.0
    failure_mean_s: float = math.inf
    replace_s: float = 0.0
    storage_bytes_per_s: float = math.inf
    link_bytes_per_s: float = math.inf


@dataclass
class Run:
    """How it went.

    Attributes:
        makespan_s: Seconds from the start of the driver to the end of the merge.
        failures: Workers that died.
        finished: How often each partition was finished.
        begun: How often each partition was handed out.
        spent_s: Activity -> seconds of all workers together; they add up to workers × makespan.
    """

    makespan_s: float = 0.0
    failures: int = 0
    finished: list[int] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)
    spent_s: dict[str, float] = field(default_factory=lambda: dict.fromkeys(ACTIVITIES, 0.0))

    def add(self, other: Run) -> None:
        """Let another run follow."""
        self.makespan_s += other.makespan_s
        self.failures += other.failures
        self.finished += other.finished
        self.begun += other.begun
        self.spent_s = {name: own + other.spent_s[name] for name, own in self.spent_s.items()}


class _Storage:
    """A bandwidth that all transfers share evenly, none faster than its own link.

    All that are under way move at the same rate, so it suffices to count the bytes that one there from the
    beginning would have moved: a transfer ends when that count has grown by its size.
    """

    def __init__(self, env: simpy.Environment, cluster: Cluster) -> None:
        self.env, self.cluster = env, cluster
        self.crowded = cluster.workers * cluster.link_bytes_per_s > cluster.storage_bytes_per_s
        self.moved, self.counted_at, self.number = 0.0, 0.0, 0
        self.waiting: list[tuple[float, int, simpy.Event]] = []
        self.timer: simpy.Event | None = None

    def alone_s(self, size: float) -> float:
        """Seconds of a transfer that nothing slows down."""
        return size / self.cluster.link_bytes_per_s

    def move(self, size: float) -> Generator[simpy.Event, None, None]:
        """Transfer that many bytes."""
        self._count()
        self.number += 1
        done = self.env.event()
        heapq.heappush(self.waiting, (self.moved + size, self.number, done))
        self._wake_at_next()
        try:
            yield done
        except simpy.Interrupt:  # the worker died
            self._count()
            self.waiting = [entry for entry in self.waiting if entry[2] is not done]
            heapq.heapify(self.waiting)
            self._wake_at_next()
            raise

    def _rate(self) -> float:
        return min(
            self.cluster.link_bytes_per_s, self.cluster.storage_bytes_per_s / max(len(self.waiting), 1)
        )

    def _count(self) -> None:
        self.moved += self._rate() * (self.env.now - self.counted_at)
        self.counted_at = self.env.now

    def _wake_at_next(self) -> None:
        self.timer = None
        if self.waiting:
            left = max(self.waiting[0][0] - self.moved, 0.0)
            self.timer = self.env.timeout(left / self._rate())
            self.timer.callbacks.append(self._finish_first)

    def _finish_first(self, timer: simpy.Event) -> None:
        if timer is not self.timer:  # another transfer has come or gone since
            return
        self._count()
        end, _, done = heapq.heappop(self.waiting)
        self.moved = end
        done.succeed()
        self._wake_at_next()


class _Scoring:
    """One job under way."""

    def __init__(self, job: Job, cluster: Cluster, drawn: random.Random) -> None:
        self.job, self.cluster, self.random = job, cluster, drawn
        self.env = simpy.Environment()
        self.storage = _Storage(self.env, cluster)
        self.pending = deque(range(job.partitions))
        self.left = job.partitions
        self.driver_free_at = 0.0
        # When the latest partitions were taken: the driver plans no more than that many ahead.
        self.taken_at: deque[float] = deque(maxlen=cluster.ahead * cluster.workers)
        self.all_done, self.returned = self.env.event(), self.env.event()
        self.run = Run(begun=[0] * job.partitions, finished=[0] * job.partitions)
        # What a worker does outside a partition, and since when.
        self.state = [("starting", 0.0)] * cluster.workers

    def simulate(self) -> Run:
        run, workers = self.run, self.cluster.workers
        for worker in range(workers):
            self.env.process(self._worker(worker))
        if self.left:
            self.env.run(until=self.all_done)
        for worker in range(workers):
            self._turn_to(worker, "tail")
        run.spent_s["planning"] += workers * self.job.list_s
        run.makespan_s = self.job.list_s + self.env.now
        return run

    def _turn_to(self, worker: int, activity: str) -> None:
        before, since = self.state[worker]
        self.run.spent_s[before] += self.env.now - since
        self.state[worker] = (activity, self.env.now)

    def _worker(self, worker: int) -> Generator[simpy.Event, Any, None]:
        """The lives of one slot, one after the other."""
        wait_s = self.random.uniform(*self.cluster.join_s)
        while True:
            yield self.env.timeout(wait_s)
            life = self.env.process(self._live(worker))
            if not math.isinf(self.cluster.failure_mean_s):
                yield self.env.timeout(self.random.expovariate(1 / self.cluster.failure_mean_s))
                life.interrupt()
            yield life
            self.run.failures += 1
            wait_s = self.cluster.replace_s

    def _live(self, worker: int) -> Generator[simpy.Event, Any, None]:
        """Start, and score until the end of the job or of the worker."""
        cluster, env = self.cluster, self.env
        sigma = cluster.speed_sigma
        speed = self.random.lognormvariate(-(sigma**2) / 2, sigma) if sigma else 1.0
        partition = None
        try:
            yield env.timeout(cluster.start_s / speed)
            while True:
                self._turn_to(worker, "tail")
                while not self.pending:
                    yield self.returned
                partition = self.pending.popleft()
                self.run.begun[partition] += 1
                self._turn_to(worker, "failures")  # until it is finished
                yield from self._score(worker, partition, speed)
                partition = None
        except simpy.Interrupt:
            self._turn_to(worker, "failures")
            if partition is not None:
                self.pending.append(partition)
                self.returned.succeed()
                self.returned = env.event()

    def _score(self, worker: int, partition: int, speed: float) -> Generator[simpy.Event, None, None]:
        """Ask the driver, read, score and write."""
        job, cluster, env, storage = self.job, self.cluster, self.env, self.storage
        items = self._items(partition)
        plan_s, dispatch_s = self._wait_for_driver(partition)
        slow = self.random.random() < cluster.slow_share
        even_s = items * job.score_s
        score_s = even_s / speed * (cluster.slow_factor if slow else 1.0)
        read_bytes, written_bytes = items * job.read_bytes, items * job.write_bytes
        if storage.crowded:
            began = env.now
            yield env.timeout(plan_s + dispatch_s)
            yield from storage.move(read_bytes)
            yield env.timeout(score_s)
            yield from storage.move(written_bytes)
            storage_s = env.now - began - plan_s - dispatch_s - score_s
        else:  # nothing on the way depends on the others, and one event is faster than four
            storage_s = storage.alone_s(read_bytes + written_bytes)
            yield env.timeout(plan_s + dispatch_s + storage_s + score_s)
        spent = {
            "planning": plan_s,
            "dispatch": dispatch_s,
            "storage": storage_s,
            "scoring": even_s,
            "stragglers": score_s - even_s,
        }
        self._finish(worker, partition, spent)

    def _wait_for_driver(self, partition: int) -> tuple[float, float]:
        """Seconds from now until a partition is planned and handed out, by what they are spent on."""
        now, handing_s, taken_at = self.env.now, self.cluster.dispatch_s, self.taken_at
        again = self.run.begun[partition] > 1
        plan_s = 0.0 if again else self.job.plan_s
        # What was lost with a worker is known only now.
        earliest = now if again else taken_at[0] if len(taken_at) == taken_at.maxlen else 0.0
        self.driver_free_at = max(self.driver_free_at, earliest) + plan_s + handing_s
        wait_s = max(self.driver_free_at - now, 0.0)
        taken_at.append(now + wait_s)
        share = plan_s / (plan_s + handing_s) if plan_s else 0.0
        return wait_s * share, wait_s * (1 - share) + self.cluster.latency_s

    def _finish(self, worker: int, partition: int, spent: dict[str, float]) -> None:
        for activity, seconds in spent.items():
            self.run.spent_s[activity] += seconds
        self.state[worker] = ("tail", self.env.now)
        self.run.finished[partition] += 1
        self.left -= 1
        if not self.left:
            self.all_done.succeed()

    def _items(self, partition: int) -> int:
        size = self.job.partition_items
        return min(size, self.job.items - partition * size)


def simulate(job: Job, cluster: Cluster, seed: int) -> Run:
    """Run a job once.

    Args:
        job: What is to be scored.
        cluster: What scores it.
        seed: Of all that is drawn; the same seed gives the same run.

    Returns:
        How it went.
    """
    drawn, total = random.Random(seed), Run(makespan_s=job.merge_s)
    total.spent_s["merging"] = cluster.workers * job.merge_s
    size = cluster.window * cluster.workers * job.partition_items or job.items
    for first in range(0, job.items, size):
        part = replace(job, items=min(size, job.items - first), merge_s=0.0)
        if cluster.window:
            part = replace(
                part, list_s=part.partitions * job.plan_s + (0 if first else job.list_s), plan_s=0.0
            )
        there = cluster if not first else replace(cluster, join_s=(0.0, 0.0))
        total.add(_Scoring(part, there, drawn).simulate())
    return total
