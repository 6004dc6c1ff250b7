"""What the parts of a store have in common."""

from __future__ import annotations

from dataclasses import dataclass

from emofuse.errors import ConfigError
from emofuse.serve.store.database import BUSY_S, Database

__all__ = ["Part", "StoreOptions"]

MAX_DAYS = 36_500


@dataclass(frozen=True, kw_only=True)
class StoreOptions:
    """How long what is kept, and how long a call may wait.

    A change applies to what is stored from then on.

    Attributes:
        history_days: Days for which answers are kept; 0 keeps none.
        correction_days: Days for which corrections are kept; None keeps them for good.
        busy_s: Seconds that a call waits for a database that is busy.

    Raises:
        ConfigError: A negative number.
    """

    history_days: float = 0.0
    correction_days: float | None = None
    busy_s: float = BUSY_S

    def __post_init__(self) -> None:
        for name in ("history_days", "correction_days", "busy_s"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= MAX_DAYS:
                raise ConfigError(f"{name} must be from 0 to {MAX_DAYS}, not {value}.", item=name)


class Part:
    """Methods on one database.

    Args:
        database: Where everything is kept.
        options: How long what is kept.
    """

    def __init__(self, database: Database, options: StoreOptions) -> None:
        self._database = database
        self._options = options
