import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emofuse.errors import UnknownMappingError
from emofuse.taxonomy import list_taxonomies, load_mapping, load_taxonomy


def ways():
    for source in list_taxonomies():
        for target in list_taxonomies():
            try:
                load_mapping(source, target)
            except UnknownMappingError:
                continue
            yield source, target


WAYS = sorted(ways())
EMOTIONS = [name for name in list_taxonomies() if name not in ("polarity2", "sentiment3")]


def test_every_emotion_set_reaches_every_other_and_sentiment():
    assert {(a, b) for a in EMOTIONS for b in [*EMOTIONS, "sentiment3"]} <= set(WAYS)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_tables_are_total_and_conserve_mass(source, target):
    matrix = load_mapping(source, target).matrix
    assert matrix.shape == (len(load_taxonomy(source)), len(load_taxonomy(target)))
    assert (matrix >= 0).all()
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-6)


@given(st.sampled_from(WAYS), st.data())
def test_distributions_keep_their_sum_and_agree_with_label_weights(way, data):
    source, target = way
    labels = load_taxonomy(source).labels
    size = len(labels)
    raw = data.draw(st.lists(st.floats(0.001, 1), min_size=size, max_size=size))
    shares = np.array(raw, dtype=np.float64) / sum(raw)
    mapping = load_mapping(source, target)
    mapped = mapping.map_probabilities(shares)
    assert mapped.sum() == pytest.approx(1, abs=1e-5)
    by_label = mapping.map_labels(dict(zip(labels, shares, strict=True)))
    for label, value in zip(load_taxonomy(target).labels, mapped, strict=True):
        assert by_label.get(label, 0.0) == pytest.approx(value, abs=1e-5)


@given(st.integers(0, 6))
def test_one_to_one_sets_round_trip(index):
    there, back = load_mapping("fer7", "ekman7"), load_mapping("ekman7", "fer7")
    one_hot = np.eye(7, dtype=np.float32)[index]
    assert np.array_equal(back.map_probabilities(there.map_probabilities(one_hot)), one_hot)
