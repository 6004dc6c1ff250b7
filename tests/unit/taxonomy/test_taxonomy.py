import pytest

from emofuse.errors import ConfigError, UnknownLabelError, UnknownTaxonomyError
from emofuse.taxonomy import build_taxonomy, list_taxonomies, load_taxonomy

SETS = {
    "basic4": 4,
    "ekman7": 7,
    "emotion6": 6,
    "fer7": 7,
    "ferplus8": 8,
    "goemotions28": 28,
    "plutchik8": 8,
    "polarity2": 2,
    "sentiment3": 3,
    "unified5": 5,
}


def test_every_set_is_there_with_its_size():
    assert {name: len(load_taxonomy(name)) for name in list_taxonomies()} == SETS


def test_orders_that_files_depend_on():
    assert load_taxonomy("ekman7").labels == (
        "anger",
        "disgust",
        "fear",
        "joy",
        "sadness",
        "surprise",
        "neutral",
    )
    assert load_taxonomy("sentiment3").labels == ("negative", "neutral", "positive")
    assert load_taxonomy("fer7").labels[0] == "angry"
    assert load_taxonomy("ferplus8").labels[0] == "neutral"
    assert load_taxonomy("goemotions28").labels[27] == "neutral"


def test_index_and_unknown_label():
    taxonomy = load_taxonomy("ekman7")
    assert taxonomy.index("joy") == 3
    with pytest.raises(UnknownLabelError, match="anger, disgust"):
        taxonomy.index("glee")


def test_unknown_set_lists_the_valid_ones():
    with pytest.raises(UnknownTaxonomyError, match="basic4, ekman7"):
        load_taxonomy("ekman9")


@pytest.mark.parametrize("labels", [["one"], ["a", "a"], ["a", ""]])
def test_bad_labels_are_refused(labels):
    with pytest.raises(ConfigError, match=r"x\.json"):
        build_taxonomy({"name": "x", "labels": labels, "description": "", "source": ""}, "x.json")
