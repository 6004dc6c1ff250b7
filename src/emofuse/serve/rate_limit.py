"""How many requests a client may send: a bucket of tokens each, refilled at a steady rate."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

__all__ = ["RateLimit"]

MAX_CLIENTS = 10_000


class RateLimit:
    """Counts requests in this process, for the clients seen last.

    Args:
        rate_per_s: Tokens that a bucket gains a second; 0 lets everything pass.
        burst: Tokens that a bucket holds.
        clock: Seconds that never go back.
    """

    def __init__(self, rate_per_s: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> float:
        """Take a token.

        Args:
            client: Whose.

        Returns:
            0, or the seconds until there is one.
        """
        if not self._rate_per_s:
            return 0.0
        now = self._clock()
        tokens, since = self._buckets.pop(client, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - since) * self._rate_per_s)
        short = max(0.0, 1 - tokens) / self._rate_per_s
        self._buckets[client] = (tokens if short else tokens - 1, now)
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return short
