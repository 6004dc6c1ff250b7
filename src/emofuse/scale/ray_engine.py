"""Partitions over the machines of a Ray cluster.

Ray reads some of its settings when it is imported, so that happens in functions.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

from emofuse import __version__
from emofuse.errors import ConfigError, EmofuseError, ScoringError
from emofuse.scale.files import Done
from emofuse.scale.places import Place, storage_errors
from emofuse.scale.source import Partition
from emofuse.scale.worker import PartitionScorer, Task

__all__ = ["RayEngine"]

WINDOW = 64  # partitions per slot that are planned at once
TRIES = 10  # of a partition at which workers die
ANSWER_S = 10  # that a cluster has to answer
STORE_BYTES = 100 << 20  # for objects; nothing but descriptions of partitions goes through it


class RayEngine:
    """Scores partitions in actors of one CPU each, on this machine or on many.

    Ray Data hands partitions to the actors as they get free, starts actors that died again, here or on
    another machine, and scores again what they were at. The plan is taken in windows of bounded length.

    Args:
        address: Of the cluster that this machine is part of, `auto` or `host:port`; None starts Ray on this
            machine alone and stops it in the end.
        slots: Most actors at a time; None takes one per CPU.

    Raises:
        ConfigError: Nobody listens at the address.
        ModuleNotFoundError: Ray is not installed.
    """

    def __init__(self, address: str | None = None, slots: int | None = None) -> None:
        self._address, self._slots = address, slots
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        if address is None:
            # What listens for workers of this machine, listens on 127.0.0.1, and to them alone.
            os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        else:
            _check_answers(address)
        import ray.data  # noqa: F401, PLC0415 - see above

    def __call__(self, task: Task, partitions: Iterator[Partition]) -> Iterator[Done]:
        """Score partitions.

        Args:
            task: What to do. All machines must see its input and its folder of parts under the same paths.
            partitions: Which.

        Yields:
            What became of each partition, in the order in which they are done.

        Raises:
            ConfigError: No cluster answers at the address.
            ScoringError: A machine does not see the files or cannot score, or Ray gave up.
            OSError: The input or the folder of the parts cannot be read or written.
        """
        import ray  # noqa: PLC0415 - see above

        window = list(islice(partitions, 1))
        if not window:
            return
        own = not ray.is_initialized()
        if own:
            self._connect()
        try:
            slots = self._slots or max(1, int(ray.cluster_resources().get("CPU", 1)))
            window += islice(partitions, WINDOW * slots - 1)
            while window:
                yield from _score_window(task, window, slots)
                window = list(islice(partitions, WINDOW * slots))
        except ray.exceptions.RayError as error:
            reason = str(error).strip().splitlines()[-1]
            raise ScoringError(
                f"Ray gave up: {reason} What was scored is kept in {task.parts}; go on with --resume."
            ) from error
        finally:
            if own:
                ray.shutdown()

    def _connect(self) -> None:
        import ray.data  # noqa: PLC0415 - see above

        own: dict[str, Any] = {
            "num_cpus": self._slots,
            "include_dashboard": False,
            "object_store_memory": STORE_BYTES,
        }
        try:
            with _silent():
                ray.init(
                    self._address or "local",
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    **({} if self._address else own),
                )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise ConfigError(
                f"No Ray cluster answers at {self._address}: {error}. If it wants a token, set "
                "RAY_AUTH_MODE=token.",
                item=self._address,
            ) from error
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False


class _Slot:
    """Opens the models once and scores one partition after the other.

    Args:
        task: What to do.
        folder: Working folder of the command, that paths may be relative to.
    """

    def __init__(self, task: Task, folder: str) -> None:
        with suppress(OSError):
            os.chdir(folder)
        self._parts = task.parts
        self._failure: Exception | None = None
        # An error that leaves an actor is tried again, or becomes a page of Ray's own text.
        try:
            with storage_errors(task.parts):
                _check_shared(task.parts)
            self._scorer = PartitionScorer(task)
        except (OSError, EmofuseError) as error:
            self._failure = error

    def __call__(self, row: dict[str, Any]) -> dict[str, bytes]:
        try:
            if self._failure:
                raise self._failure
            with storage_errors(self._parts):
                answer: Done | Exception = self._score(pickle.loads(row["partition"]))
        except OSError as error:
            answer = error
        except EmofuseError as error:
            answer = ScoringError(error.message, item=error.item)
        return {"answer": pickle.dumps(answer)}

    def _score(self, partition: Partition) -> Done:
        # Ray itself would try for ever, and does not say how often it has.
        tries = self._parts / f"part-{partition.index:07d}.tries"
        try:
            count = len(tries.read_bytes())
        except FileNotFoundError:
            count = 0
        if count >= TRIES:
            tries.unlink()
            raise ScoringError(
                f"Workers died {TRIES} times at the rows from {partition.first_row}, in {partition.file}, "
                f"for want of memory perhaps. What was scored is kept in {self._parts}; go on with --resume.",
                item=str(partition.file),
            )
        tries.write_bytes(b"." * (count + 1))
        done = self._scorer.score(partition)
        tries.unlink(missing_ok=True)
        return done


def _score_window(task: Task, window: Sequence[Partition], slots: int) -> Iterator[Done]:
    from ray import data  # noqa: PLC0415 - see above

    rows = [{"partition": pickle.dumps(partition)} for partition in window]
    size = min(slots, len(rows))
    answers = data.from_items(rows, override_num_blocks=len(rows)).map(
        _Slot,
        fn_constructor_args=(task, str(Path.cwd())),
        # Not fixed: where a machine is lost, idle actors must make room for what it was at.
        compute=data.ActorPoolStrategy(min_size=1, max_size=size, initial_size=size),
        num_cpus=1,
    )
    for row in answers.iter_rows():
        answer = pickle.loads(row["answer"])
        if isinstance(answer, Exception):
            raise answer
        yield answer


def _check_shared(parts: Place) -> None:
    host = socket.gethostname()
    try:
        begun = json.loads((parts / "job.json").read_bytes())
    except FileNotFoundError:
        raise ScoringError(
            f"{host} does not see {parts}. INPUT and OUT must lie on a file system that all machines of the "
            "cluster share, under the same path.",
            item=str(parts),
        ) from None
    if begun["version"] != __version__:
        raise ScoringError(
            f"{host} has emofuse {__version__}, not {begun['version']}. Install the same on all machines.",
            item=__version__,
        )


def _check_answers(address: str) -> None:
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if "://" in address or not (host and port.isdigit()):
        raise ConfigError(
            f"{address} is neither auto nor HOST:PORT. Call the command on a machine of the cluster, where "
            "auto finds it; Ray Data cannot be led through Ray's client (ray://).",
            item=address,
        )
    try:
        # Ray itself would try for more than a minute.
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_S).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(f"No Ray cluster answers at {address}: {error}.", item=address) from error


@contextmanager
def _silent() -> Iterator[None]:
    # Ray's core greets past `sys.stderr`.
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
