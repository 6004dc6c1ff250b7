import asyncio
import threading
import time
from collections.abc import Sequence

import pytest

from emofuse.errors import DeadlineError, OverloadedError, UnavailableError
from emofuse.serve.batching import Batcher


class Gate:
    """Doubles numbers once it is opened, and remembers what came together."""

    def __init__(self, *, open_: bool = True) -> None:
        self.opened, self.begun = threading.Event(), threading.Event()
        self.runs: list[tuple[str, list[int]]] = []
        if open_:
            self.opened.set()

    def __call__(self, kind: str, items: Sequence[int]) -> list[int]:
        self.begun.set()
        self.opened.wait(5)
        self.runs.append((kind, list(items)))
        if -1 in items:
            raise ValueError("bad item")
        return [2 * item for item in items]


async def hold(batcher: Batcher[str, int, int], gate: Gate) -> asyncio.Task:
    """Occupy the only thread."""
    task = asyncio.create_task(batcher.submit("a", [0], until=time.monotonic() + 5))
    await asyncio.to_thread(gate.begun.wait, 5)
    return task


def test_each_caller_gets_its_own_results() -> None:
    batcher = Batcher(Gate(), threads=2, batch_size=4, queue_size=100)

    async def run() -> list:
        jobs = [batcher.submit("a", [i, i + 1], until=time.monotonic() + 5) for i in range(30)]
        return [list(done.results) for done in await asyncio.gather(*jobs)]

    assert asyncio.run(run()) == [[2 * i, 2 * i + 2] for i in range(30)]
    batcher.close()


def test_what_waits_shares_a_run_by_kind_and_size() -> None:
    gate = Gate(open_=False)
    batcher = Batcher(gate, threads=1, batch_size=3, queue_size=100)

    async def run() -> None:
        first = await hold(batcher, gate)
        rest = [
            asyncio.create_task(batcher.submit(kind, [i], until=time.monotonic() + 5))
            for i, kind in enumerate("abaaba", 1)
        ]
        await asyncio.sleep(0)
        gate.opened.set()
        await asyncio.gather(first, *rest)

    asyncio.run(run())
    batcher.close()
    assert gate.runs == [("a", [0]), ("a", [1, 3, 4]), ("b", [2, 5]), ("a", [6])]


def test_what_gains_nothing_from_company_is_run_alone() -> None:
    gate = Gate(open_=False)
    batcher = Batcher(gate, threads=1, batch_size=3, queue_size=100, alone="b".__eq__)

    async def run() -> None:
        first = await hold(batcher, gate)
        rest = [
            asyncio.create_task(batcher.submit(kind, [i], until=time.monotonic() + 5))
            for i, kind in enumerate("baba", 1)
        ]
        await asyncio.sleep(0)
        gate.opened.set()
        await asyncio.gather(first, *rest)

    asyncio.run(run())
    batcher.close()
    assert gate.runs == [("a", [0]), ("b", [1]), ("a", [2, 4]), ("b", [3])]


def test_a_full_queue_refuses_at_once_but_takes_the_patient() -> None:
    gate = Gate(open_=False)
    batcher = Batcher(gate, threads=1, batch_size=1, queue_size=2)

    async def run() -> None:
        first = await hold(batcher, gate)
        rest = [asyncio.create_task(batcher.submit("a", [i], until=time.monotonic() + 5)) for i in (1, 2)]
        await asyncio.sleep(0)
        assert batcher.waiting == 2
        with pytest.raises(OverloadedError) as refused:
            await batcher.submit("a", [3], until=time.monotonic() + 5)
        assert refused.value.retry_after_s
        patient = asyncio.create_task(batcher.submit("a", [4], until=time.monotonic() + 5, patient=True))
        await asyncio.sleep(0)
        assert batcher.waiting == 2
        gate.opened.set()
        await asyncio.gather(first, *rest, patient)

    asyncio.run(run())
    batcher.close()
    assert [items for _, items in gate.runs] == [[0], [1], [2], [4]]


def test_late_and_cancelled_jobs_leave_the_queue() -> None:
    gate = Gate(open_=False)
    batcher = Batcher(gate, threads=1, batch_size=1, queue_size=10)

    async def run() -> None:
        first = await hold(batcher, gate)
        cancelled = asyncio.create_task(batcher.submit("a", [1], until=time.monotonic() + 5))
        await asyncio.sleep(0)
        cancelled.cancel()
        with pytest.raises(DeadlineError):
            await batcher.submit("a", [2], until=time.monotonic() + 0.01)
        await asyncio.gather(cancelled, return_exceptions=True)
        assert batcher.waiting == 0
        last = asyncio.create_task(batcher.submit("a", [3], until=time.monotonic() + 5))
        await asyncio.sleep(0)
        gate.opened.set()
        await asyncio.gather(first, last)

    asyncio.run(run())
    batcher.close()
    assert [items for _, items in gate.runs] == [[0], [3]]
    assert batcher.waiting == 0


def test_an_error_reaches_the_one_who_brought_it_and_no_other() -> None:
    gate = Gate(open_=False)
    batcher = Batcher(gate, threads=1, batch_size=8, queue_size=10)

    async def run() -> None:
        first = await hold(batcher, gate)
        until = time.monotonic() + 5
        jobs = [asyncio.create_task(batcher.submit("a", [item], until=until)) for item in (1, -1, 3)]
        await asyncio.sleep(0)
        gate.opened.set()
        good, bad, other = await asyncio.gather(*jobs, return_exceptions=True)
        assert (list(good.results), list(other.results)) == ([2], [6])
        assert isinstance(bad, ValueError)
        await first

    asyncio.run(run())
    batcher.close()
    assert [items for _, items in gate.runs] == [[0], [1, -1, 3], [1], [-1], [3]]


def test_closing_finishes_what_waits_and_refuses_more() -> None:
    gate = Gate(open_=False)
    batcher = Batcher(gate, threads=1, batch_size=1, queue_size=10)

    async def run() -> None:
        jobs = [
            await hold(batcher, gate),
            *(asyncio.create_task(batcher.submit("a", [i], until=time.monotonic() + 5)) for i in (1, 2)),
        ]
        await asyncio.sleep(0)
        closing = asyncio.create_task(asyncio.to_thread(batcher.close))
        await asyncio.sleep(0.05)
        with pytest.raises(UnavailableError):
            await batcher.submit("a", [9], until=time.monotonic() + 5)
        gate.opened.set()
        await asyncio.gather(*jobs, closing)

    asyncio.run(run())
    assert [items for _, items in gate.runs] == [[0], [1], [2]]
