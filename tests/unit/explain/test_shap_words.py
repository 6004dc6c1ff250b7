import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from emofuse.errors import StoppedError
from emofuse.explain.shap_words import ShapExplainer

WORDS = 10


class Reader:
    """Knows only whether the answer is wanted."""

    def __init__(self, wanted=True):
        self.wanted = wanted

    def check_wanted(self):
        if not self.wanted:
            raise StoppedError("called off")


def play(masks):
    time.sleep(0.005)  # other threads get their turn
    return np.asarray(masks[:, 0] * (1 + masks[:, 1] * masks[:, 2]) - masks[:, 3:].prod(axis=1), np.float32)


def test_figures_are_the_same_whoever_asks_at_the_same_time():
    alone = ShapExplainer(Reader()).weigh(play, WORDS)

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _: ShapExplainer(Reader()).weigh(play, WORDS), range(4)))

    assert alone.sum() == pytest.approx(1)
    for values in together:
        np.testing.assert_array_equal(values, alone)


def test_who_waits_for_another_can_call_it_off():
    entered, go = Event(), Event()

    def hold(masks):
        entered.set()
        go.wait(30)
        return play(masks)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ShapExplainer(Reader()).weigh, hold, WORDS)
        entered.wait(30)
        with pytest.raises(StoppedError):
            ShapExplainer(Reader(wanted=False)).weigh(play, WORDS)
        go.set()
        assert first.result().sum() == pytest.approx(1)
