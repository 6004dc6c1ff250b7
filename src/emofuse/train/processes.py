"""Several processes, on one machine or on many, that train one network."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Callable, Mapping
from subprocess import Popen
from typing import Any, Literal

import lightning
import torch
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.fabric.utilities.distributed import _set_num_threads_if_needed
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.strategies import DDPStrategy, Strategy
from lightning.pytorch.strategies.launchers import _SubprocessScriptLauncher
from torch import distributed

from emofuse.errors import ConfigError, EmofuseError
from emofuse.train.shares import Processes

__all__ = [
    "ProcessFailedError",
    "build_shared_trainer",
    "check_agreement",
    "count_devices",
    "fit_together",
    "is_first",
]

POLL_S, GRACE_S = 0.5, 5.0
NAMES = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK")


def build_shared_trainer(processes: Processes, batch_size: int, **settings: Any) -> lightning.Trainer:
    """A trainer whose processes share each batch.

    Args:
        processes: How many, and where.
        batch_size: Rows of a batch, in all processes together.
        **settings: Of Lightning's trainer.

    Returns:
        The trainer; it knows its rank, the other processes need not have begun.

    Raises:
        ConfigError: There are not as many devices, the batch cannot be shared evenly, nothing names the other
            machines, or torchrun or srun began another number of processes.
    """
    cards = torch.cuda.device_count()
    devices = count_devices(processes.devices, cards)
    whole = devices * processes.num_nodes
    _check_started(processes, whole)
    if batch_size % whole:
        raise ConfigError(
            f"train.batch_size {batch_size} is that of all processes together and cannot be shared evenly by "
            f"{whole}. Choose a multiple of {whole}, or another number of processes.",
            item="train.batch_size",
        )
    try:
        trainer = lightning.Trainer(
            accelerator="cpu" if whole > 1 and not cards else "auto",
            devices=devices,
            num_nodes=processes.num_nodes,
            strategy=_strategy(processes, whole),
            use_distributed_sampler=False,  # the data modules share the batches themselves
            **settings,
        )
        if isinstance(trainer.strategy, DDPStrategy) and trainer.strategy.cluster_environment:
            trainer.strategy.cluster_environment.validate_settings(devices, processes.num_nodes)
    except (MisconfigurationException, RuntimeError, ValueError) as error:
        raise ConfigError(f"These processes cannot train together: {error}", item=str(whole)) from error
    return trainer


def count_devices(devices: int | Literal["auto"], cards: int) -> int:
    """How many processes run on each machine.

    Args:
        devices: As `Processes.devices`.
        cards: Graphics cards of this machine.

    Returns:
        At least 1.

    Raises:
        ConfigError: There are fewer cards, or `devices` is not positive.
    """
    if devices == "auto":
        return max(1, cards)
    if devices < 1:
        raise ConfigError(f"--devices must be at least 1, not {devices}.", item=str(devices))
    if 0 < cards < devices:
        raise ConfigError(
            f"--devices {devices}: the number of graphics cards in this machine is {cards}. Ask for as many "
            "at most.",
            item=str(devices),
        )
    return devices


def _strategy(processes: Processes, whole: int) -> Strategy | Literal["auto"]:
    if processes.strategy == "auto" and whole == 1:
        return "auto"
    return _EndTogether(find_unused_parameters=processes.strategy == "ddp_find_unused_parameters_true")


def _check_started(processes: Processes, whole: int) -> None:
    if processes.num_nodes < 1:
        raise ConfigError(
            f"--num-nodes must be at least 1, not {processes.num_nodes}.", item=str(processes.num_nodes)
        )
    elastic, slurm = TorchElasticEnvironment.detect(), SLURMEnvironment.detect()
    if elastic or slurm:
        begun = int(os.environ["WORLD_SIZE" if elastic else "SLURM_NTASKS"])
        if begun != whole:
            raise ConfigError(
                f"--devices and --num-nodes make {whole}, but {'torchrun' if elastic else 'SLURM'} began "
                f"{begun} processes. Give --devices the processes of each machine, and --num-nodes the "
                "machines.",
                item=str(begun),
            )
        return
    missing = [name for name in NAMES if name not in os.environ]
    if processes.num_nodes > 1 and missing:
        raise ConfigError(
            f"--num-nodes {processes.num_nodes}: nothing names the other machines. Start the command with "
            f"torchrun or srun on each of them, or set {', '.join(NAMES)} there ({', '.join(missing)} "
            "missing).",
            item=str(processes.num_nodes),
        )


class ProcessFailedError(EmofuseError):
    """Another process of a training has ended, or does not answer."""

    code = "process_failed"


def fit_together(trainer: lightning.Trainer, *args: Any, **kwargs: Any) -> None:
    """Lightning's `fit`, with a plain error where another process has failed.

    Args:
        trainer: Any.
        *args: Of `lightning.Trainer.fit`.
        **kwargs: Of the same.

    Raises:
        ProcessFailedError: Another process has ended, or did not answer for half an hour.
    """
    try:
        trainer.fit(*args, **kwargs)
    except RuntimeError as error:
        if trainer.world_size > 1 and (isinstance(error, distributed.DistError) or "gloo" in str(error)):
            raise ProcessFailedError(
                "Another process of this training has ended or does not answer; what it said stands in its "
                f"own output ({str(error).splitlines()[0]}).",
                item=str(trainer.global_rank),
            ) from error
        raise


def is_first() -> bool:
    """Whether this is the process that writes and speaks for all, once there is a trainer."""
    return bool(getattr(rank_zero_only, "rank", 0) == 0)


def check_agreement(facts: Mapping[str, Any]) -> None:
    """Refuse processes that would train on something else than the first.

    Args:
        facts: What must be the same everywhere, by name.

    Raises:
        ConfigError: A process has other facts; raised in all of them.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return
    known: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(known, {name: _shorten(repr(fact)) for name, fact in facts.items()})
    for rank, other in enumerate(known):
        if changed := [name for name in known[0] if other[name] != known[0][name]]:
            raise ConfigError(
                f"Process {rank} has another {changed[0]} ({other[changed[0]]}) than process 0 "
                f"({known[0][changed[0]]}). All need the same recipe, corpora and run folder.",
                item=changed[0],
            )


def _shorten(text: str) -> str:
    return text if len(text) < 20 else hashlib.sha256(text.encode()).hexdigest()[:12]


class _EndTogether(DDPStrategy):
    def _configure_launcher(self) -> None:
        environment = self.cluster_environment
        assert environment is not None
        self._launcher = _Starter(environment, self.num_processes, self._num_nodes)


class _Starter(_SubprocessScriptLauncher):
    """Starts this command again for each further process, and ends them all when one fails.

    Lightning's own would kill this process too, which leaves neither a message nor an exit code.
    """

    def launch(self, function: Callable[..., Any], *args: Any, trainer: Any = None, **kwargs: Any) -> Any:
        if self.cluster_environment.creates_processes_externally:
            return super().launch(function, *args, trainer=trainer, **kwargs)
        self._call_children_scripts()
        _set_num_threads_if_needed(num_processes=self.num_processes)
        over = threading.Event()
        watcher = threading.Thread(target=_watch, args=(self.procs, over), daemon=True)
        watcher.start()
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            if isinstance(error, Exception):
                # Mostly another process failed and closed its connections: then the watcher has the word.
                watcher.join(GRACE_S)
            over.set()
            _end(self.procs)
            raise


def _watch(processes: list[Popen[bytes]], over: threading.Event) -> None:
    while not over.is_set():
        _blame(processes)
        if all(process.returncode == 0 for process in processes):
            return
        over.wait(POLL_S)


def _blame(processes: list[Popen[bytes]]) -> None:
    for rank, process in enumerate(processes, 1):
        if process.poll():
            _end(processes)
            sys.stderr.write(
                f"error[{ProcessFailedError.code}]: Process {rank} of {len(processes) + 1} ended with code "
                f"{process.returncode}; what it said stands above. All others were ended.\n"
            )
            sys.stderr.flush()
            # This process may hang in a collective operation, where no exception reaches it.
            os._exit(process.returncode if process.returncode > 0 else 1)


def _end(processes: list[Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.kill()
