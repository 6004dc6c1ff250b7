from emofuse.serve import rate_limit
from emofuse.serve.rate_limit import RateLimit


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_empties_and_refills() -> None:
    clock = Clock()
    limit = RateLimit(2.0, 3, clock)
    assert [limit.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert limit.take("b") == 0
    clock.now += 0.25
    assert limit.take("a") == 0.25  # a refused request takes nothing
    clock.now += 0.25
    assert [limit.take("a"), limit.take("a")] == [0, 0.5]
    clock.now += 1000
    assert [limit.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_rate_zero_lets_everything_pass() -> None:
    limit = RateLimit(0.0, 1)
    assert {limit.take("a") for _ in range(1000)} == {0.0}


def test_clients_seen_longest_ago_are_forgotten() -> None:
    limit = RateLimit(1.0, 1, Clock())
    assert [limit.take("first"), limit.take("first")] == [0, 1]
    for number in range(rate_limit.MAX_CLIENTS - 1):
        limit.take(str(number))
    assert limit.take("first") == 1
    for number in range(rate_limit.MAX_CLIENTS):
        limit.take(f"more {number}")
    assert limit.take("first") == 0
