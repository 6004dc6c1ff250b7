from types import SimpleNamespace

import numpy as np
import pytest

from emofuse.errors import EmptyTextError
from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.text_model import TextModel


class CodePoints:
    """One token per character."""

    def encode(self, text):
        return [ord(character) for character in text]


class FirstLabelSession:
    """The logit of the first label is the number of letters `a`; remembers every batch."""

    def __init__(self):
        self.batches = []

    def run(self, output_names, input_feed):
        ids = input_feed["input_ids"]
        self.batches.append(ids)
        sizes = {"ekman7": 7, "goemotions28": 28, "sentiment3": 3}
        found = (ids == ord("a")).sum(axis=1)
        logits = [np.zeros((len(ids), sizes[name]), np.float32) for name in output_names]
        for values in logits:
            values[:, 0] = found
        return logits


@pytest.fixture
def model(text_bundle):
    return TextModel(load_bundle(text_bundle), FirstLabelSession(), CodePoints())


def test_batches_hold_texts_of_one_length_and_never_more_than_allowed(model):
    model.predict(["ab", "b", "ba", "a"] * 10)
    shapes = [batch.shape for batch in model._session.batches]
    assert sorted(shapes) == sorted([(8, 3), (8, 3), (4, 3), (8, 4), (8, 4), (4, 4)])


def test_special_tokens_stand_around_the_text(model):
    model.predict(["ab"])
    assert model._session.batches[0][0].tolist() == [1, ord("a"), ord("b"), 2]


def test_windows_weigh_by_their_tokens(model):
    # 15 tokens in windows of 10 become 7 and 8; only the second holds letters `a`.
    [reading] = model.predict(["b" * 7 + "a" * 8])
    assert [notice.code for notice in reading.notices] == ["text_windowed"]
    lengths = np.array([9, 10])  # with both special tokens
    first = np.array([1 / 3, np.exp(8) / (np.exp(8) + 2)])
    expected = (lengths * first).sum() / lengths.sum()
    assert reading.probabilities["sentiment3"][0] == pytest.approx(expected, rel=1e-5)


def test_a_text_that_cannot_be_read_keeps_its_place(model):
    before, error, after = model.predict(["a", " ", "a"])
    assert isinstance(error, EmptyTextError)
    np.testing.assert_array_equal(before.probabilities["ekman7"], after.probabilities["ekman7"])


def test_no_texts(model):
    assert model.predict([]) == []


class DeepSession(FirstLabelSession):
    """Also gives, as state of each token and as their mean, the token's id."""

    def get_outputs(self):
        return [SimpleNamespace(name=name) for name in ("ekman7", "embeddings", "states")]

    def run(self, output_names, input_feed):
        states = input_feed["input_ids"].astype(np.float32)[:, :, None]
        given = {"states": states, "embeddings": states.mean(axis=1)}
        plain = [name for name in output_names if name not in given]
        logits = dict(zip(plain, super().run(plain, input_feed), strict=True))
        return [(given | logits)[name] for name in output_names]


def test_a_long_text_has_the_states_of_all_windows_and_their_mean(text_bundle):
    model = TextModel(load_bundle(text_bundle), DeepSession(), CodePoints())
    short, long = model.predict(["ab", "b" * 7 + "a" * 8], deep=True)
    assert short.states.ravel().tolist() == [1, ord("a"), ord("b"), 2]
    assert short.embedding == pytest.approx(short.states.mean())
    ids = [1, *[ord("b")] * 7, 2, 1, *[ord("a")] * 8, 2]
    assert long.states.ravel().tolist() == ids
    assert long.embedding == pytest.approx(np.mean(ids), rel=1e-5)
    assert set(long.probabilities) == set(model.bundle.outputs)
    [shallow] = model.predict(["ab"])
    assert shallow.embedding is None
    assert shallow.states is None
