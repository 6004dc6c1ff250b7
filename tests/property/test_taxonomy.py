import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

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


def weights(*shape):
    return hnp.arrays(np.float64, shape, elements=st.floats(0, 10, width=32))


WAYS = sorted(ways())
EMOTIONS = [name for name in list_taxonomies() if name not in ("polarity2", "sentiment3")]
ONE_TO_ONE = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "joy",
    "sad": "sadness",
    "surprise": "surprise",
    "neutral": "neutral",
}


def test_every_emotion_set_reaches_every_other_and_sentiment():
    assert {(a, b) for a in EMOTIONS for b in [*EMOTIONS, "sentiment3"]} <= set(WAYS)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_tables_are_total_and_conserve_mass(source, target):
    matrix = load_mapping(source, target).matrix
    assert matrix.dtype == np.float32
    assert matrix.shape == (len(load_taxonomy(source)), len(load_taxonomy(target)))
    assert (matrix >= 0).all()
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-6)


@given(st.sampled_from(WAYS), st.integers(1, 4), st.data())
def test_probabilities_keep_their_mass_row_by_row(way, batch, data):
    mapping = load_mapping(*way)
    values = data.draw(weights(batch, len(mapping.source)))
    mapped = mapping.map_probabilities(values)
    assert mapped.shape == (batch, len(mapping.target))
    assert (mapped >= 0).all()
    np.testing.assert_allclose(mapped.sum(axis=1), values.sum(axis=1), rtol=1e-5, atol=1e-6)
    for row, alone in zip(mapped, values, strict=True):
        np.testing.assert_allclose(mapping.map_probabilities(alone), row, rtol=1e-5, atol=1e-6)


@given(st.sampled_from(WAYS), st.data())
def test_label_weights_agree_with_probabilities(way, data):
    mapping = load_mapping(*way)
    values = data.draw(weights(len(mapping.source)))
    by_label = mapping.map_labels(dict(zip(mapping.source.labels, values.tolist(), strict=True)))
    assert all(weight > 0 for weight in by_label.values())
    assert sum(by_label.values()) == pytest.approx(values.sum(), rel=1e-5, abs=1e-6)
    mapped = [by_label.get(label, 0.0) for label in mapping.target.labels]
    np.testing.assert_allclose(mapped, mapping.map_probabilities(values), rtol=1e-5, atol=1e-6)


@given(st.sampled_from(WAYS), st.data())
def test_labels_left_out_weigh_nothing(way, data):
    mapping = load_mapping(*way)
    few = data.draw(st.dictionaries(st.sampled_from(mapping.source.labels), st.floats(0.01, 1)))
    all_of_them = {label: few.get(label, 0.0) for label in mapping.source.labels}
    assert mapping.map_labels(few) == pytest.approx(mapping.map_labels(all_of_them))


@given(st.sampled_from(list_taxonomies()), st.data())
def test_the_way_to_itself_changes_nothing(name, data):
    mapping = load_mapping(name, name)
    values = data.draw(weights(len(mapping.source)))
    assert np.array_equal(mapping.map_probabilities(values), values)
    labels = {
        label: value for label, value in zip(mapping.source.labels, values.tolist(), strict=True) if value
    }
    assert mapping.map_labels(labels) == labels


@given(weights(7))
def test_one_to_one_sets_keep_every_weight_with_its_label(values):
    there, back = load_mapping("fer7", "ekman7"), load_mapping("ekman7", "fer7")
    mapped = there.map_probabilities(values)
    for label, value in zip(there.source.labels, values, strict=True):
        assert mapped[there.target.index(ONE_TO_ONE[label])] == value
    assert np.array_equal(back.map_probabilities(mapped), values)


@given(st.permutations(range(7)))
def test_one_to_one_sets_keep_the_top_label(ranks):
    there, back = load_mapping("fer7", "ekman7"), load_mapping("ekman7", "fer7")
    shares = (np.array(ranks, dtype=np.float32) + 1) / 28
    top = there.source.labels[shares.argmax()]
    mapped = there.map_probabilities(shares)
    assert there.target.labels[mapped.argmax()] == ONE_TO_ONE[top]
    assert back.target.labels[back.map_probabilities(mapped).argmax()] == top
