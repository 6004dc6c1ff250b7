"""What must hold for any batch: order, size and neighbours change nothing; the JSON form is plain and total."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import WORDS, bright_square, find_bright

from emofuse import Predictor, Sample

TOLERANCE = 1e-6  # float32 kernels may add in another order for another batch size

words = st.lists(st.sampled_from([*WORDS[3:], "😂", "unheard"]), min_size=0, max_size=30).map(" ".join)
texts = st.none() | words | st.text(max_size=20)
images = (
    st.none() | st.sampled_from([16, 40, 64]).map(bright_square) | st.just(np.zeros((30, 30, 3), np.uint8))
)
samples = st.builds(lambda text, image: Sample(text=text, image=image), texts, images)
batches = st.lists(samples, min_size=1, max_size=12).map(
    lambda batch: [Sample(id=f"s{i}", text=s.text, image=s.image) for i, s in enumerate(batch)]
)


@pytest.fixture(scope="module")
def predictor(text_bundle, face_bundle):
    return Predictor.load([text_bundle, face_bundle], detector=find_bright, threads=1)


def flat(form, path=""):
    """Every leaf of a JSON form by its path."""
    if isinstance(form, dict):
        return {k: v for key, value in form.items() for k, v in flat(value, f"{path}/{key}").items()}
    if isinstance(form, list):
        return {k: v for key, value in enumerate(form) for k, v in flat(value, f"{path}/{key}").items()}
    return {path: form}


def leaves(prediction):
    return flat(prediction.to_dict())


def assert_same(one, other):
    left, right = leaves(one), leaves(other)
    assert left.keys() == right.keys()
    for path, value in left.items():
        expected = pytest.approx(right[path], abs=2 * TOLERANCE) if isinstance(value, float) else right[path]
        assert value == expected, path


@given(batch=batches)
def test_list_in_list_out_in_order(predictor, batch):
    assert [p.id for p in predictor.predict(iter(batch))] == [sample.id for sample in batch]


@given(batch=batches, data=st.data())
def test_the_order_of_a_batch_changes_nothing(predictor, batch, data):
    order = data.draw(st.permutations(range(len(batch))))
    straight = predictor.predict(batch)
    shuffled = predictor.predict([batch[i] for i in order])
    for position, i in enumerate(order):
        assert_same(shuffled[position], straight[i])


@given(batch=batches)
def test_the_size_of_a_batch_changes_nothing(predictor, batch):
    for sample, together in zip(batch, predictor.predict(batch), strict=True):
        assert_same(predictor.predict([sample])[0], together)


@given(text=words.filter(bool))
def test_a_part_that_cannot_be_read_equals_one_that_is_absent(predictor, text):
    alone, beside_nothing = predictor.predict([Sample(text=text), Sample(text=text, image=b"no picture")])
    assert alone.to_dict()["emotion"] == beside_nothing.to_dict()["emotion"]
    assert [m.weight for m in beside_nothing.modalities] == [1.0]


@given(sample=samples)
def test_the_answer_is_a_distribution_or_an_error_and_plain_json(predictor, sample):
    [prediction] = predictor.predict([sample])
    assert (prediction.error is None) == (prediction.emotion is not None)
    form = json.loads(json.dumps(prediction.to_dict(), allow_nan=False))
    assert form == prediction.to_dict()
    if prediction.error is None:
        for part in (prediction, *prediction.modalities):
            assert sum(part.emotion.probabilities.values()) == pytest.approx(1, abs=1e-5)
            assert sum(part.sentiment.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert sum(m.weight for m in prediction.modalities) == pytest.approx(1)
