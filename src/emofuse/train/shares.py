"""How several processes share one batch, so that their number changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

__all__ = ["EVERY_CARD", "Processes", "own_rows", "weigh_share"]

S = TypeVar("S", bound=Sequence[Any])


@dataclass(frozen=True, kw_only=True)
class Processes:
    """What a training is shared among.

    Attributes:
        devices: Graphics cards of each machine, or processes where there are none; "auto" takes every card,
            or one process without any.
        num_nodes: Machines.
        strategy: `ddp` gives every process the whole network and sums the gradients;
            `ddp_find_unused_parameters_true` also allows parameters without a gradient; `auto` is `ddp` for
            several processes.
    """

    devices: int | Literal["auto"] = "auto"
    num_nodes: int = 1
    strategy: Literal["auto", "ddp", "ddp_find_unused_parameters_true"] = "auto"


EVERY_CARD = Processes()


def own_rows(rows: S, rank: int, ranks: int) -> S:
    """What one of several processes works on.

    Args:
        rows: Of the whole batch.
        rank: Of the process, 0-based.
        ranks: Number of processes.

    Returns:
        Every n-th row; all rows of a batch with fewer rows than processes.
    """
    return rows[rank::ranks] if len(rows) >= ranks else rows  # type: ignore[return-value]


def weigh_share(own: int, whole: int, ranks: int) -> float:
    """What a mean over the own rows counts.

    Args:
        own: Rows of this process.
        whole: Rows of the whole batch.
        ranks: Number of processes.

    Returns:
        The factor with which the mean over the processes of their means is the mean over the whole batch.
    """
    return own * ranks / whole if whole >= ranks else 1.0
