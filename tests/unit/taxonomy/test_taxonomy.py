import json
from importlib.resources import files

import pytest

from emofuse.errors import ConfigError, UnknownLabelError, UnknownTaxonomyError
from emofuse.taxonomy import build_taxonomy, list_taxonomies, load_taxonomy

# Bundles and probability vectors depend on these orders.
LABELS = {
    "basic4": "happy sad angry fear",
    "ekman7": "anger disgust fear joy sadness surprise neutral",
    "emotion6": "sadness joy love anger fear surprise",
    "fer7": "angry disgust fear happy sad surprise neutral",
    "ferplus8": "neutral happiness surprise sadness anger disgust fear contempt",
    "goemotions28": "admiration amusement anger annoyance approval caring confusion curiosity desire "
    "disappointment disapproval disgust embarrassment excitement fear gratitude grief joy love nervousness "
    "optimism pride realization relief remorse sadness surprise neutral",
    "plutchik8": "anger anticipation disgust fear joy sadness surprise trust",
    "polarity2": "negative positive",
    "sentiment3": "negative neutral positive",
    "unified5": "angry sad happy neutral fear",
}
DATA = {"name": "x", "labels": ["a", "b"], "description": "", "source": ""}


def test_every_set_is_there_in_its_order():
    assert {name: " ".join(load_taxonomy(name).labels) for name in list_taxonomies()} == LABELS


def test_names_are_sorted():
    assert list_taxonomies() == sorted(LABELS)


def test_the_list_is_the_callers_own():
    list_taxonomies().clear()
    assert list_taxonomies() == sorted(LABELS)


@pytest.mark.parametrize("name", LABELS)
def test_every_file_bears_its_name_and_says_where_it_comes_from(name):
    taxonomy = load_taxonomy(name)
    assert taxonomy.name == name
    assert taxonomy.description
    assert taxonomy.source


def test_loaded_once():
    assert load_taxonomy("ekman7") is load_taxonomy("ekman7")


def test_length_index_and_unknown_label():
    taxonomy = load_taxonomy("ekman7")
    assert len(taxonomy) == 7
    assert taxonomy.index("joy") == 3
    with pytest.raises(UnknownLabelError, match="anger, disgust") as caught:
        taxonomy.index("glee")
    assert caught.value.item == "glee"


def test_unknown_set_lists_the_valid_ones():
    with pytest.raises(UnknownTaxonomyError, match="basic4, ekman7"):
        load_taxonomy("ekman9")


@pytest.mark.parametrize("labels", [["one"], ["twice", "twice"], ["full", ""]])
def test_bad_labels_are_refused(labels):
    with pytest.raises(ConfigError, match=rf"x\.json.*{labels[0]}"):
        build_taxonomy({**DATA, "labels": labels}, "x.json")


@pytest.mark.parametrize("key", DATA)
def test_a_missing_key_is_refused(key):
    with pytest.raises(ConfigError, match=rf"x\.json: the key '{key}'"):
        build_taxonomy({name: value for name, value in DATA.items() if name != key}, "x.json")


def test_the_folder_holds_label_sets_alone():
    for entry in (files("emofuse.taxonomy") / "sets").iterdir():
        assert set(json.loads(entry.read_text(encoding="utf-8"))) == set(DATA)
