import numpy as np
import pytest

from emofuse.errors import ConfigError, UnknownLabelError, UnknownMappingError
from emofuse.taxonomy import build_mapping, load_mapping


def test_contempt_goes_to_disgust():
    mapping = load_mapping("ferplus8", "ekman7")
    assert mapping.map_labels({"contempt": 0.5, "disgust": 0.25, "neutral": 0.25}) == {
        "disgust": 0.75,
        "neutral": 0.25,
    }


def test_composition_runs_through_the_hub():
    mapping = load_mapping("emotion6", "unified5")
    assert mapping.map_labels({"love": 1.0}) == {"happy": 1.0}
    assert mapping.map_labels({"surprise": 1.0}) == {"happy": 0.5, "fear": 0.5}


def test_goemotions_has_its_own_sentiment_table():
    assert load_mapping("goemotions28", "sentiment3").map_labels({"desire": 1.0}) == {"positive": 1.0}


def test_unknown_way_lists_the_tables():
    with pytest.raises(UnknownMappingError, match="polarity2 -> sentiment3"):
        load_mapping("sentiment3", "ekman7")


def test_unknown_label():
    with pytest.raises(UnknownLabelError):
        load_mapping("ekman7", "fer7").map_labels({"glee": 1.0})


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ({"negative": {"negative": 1.0}}, "differ in"),
        ({"negative": {"bad": 1.0}, "positive": {"positive": 1.0}}, "no label 'bad'"),
        ({"negative": {"negative": 0.9}, "positive": {"positive": 1.0}}, "sum to 1"),
        ({"negative": {"negative": 1.5, "neutral": -0.5}, "positive": {"positive": 1.0}}, ">= 0"),
    ],
)
def test_bad_tables_are_refused(rows, reason):
    with pytest.raises(ConfigError, match=reason):
        build_mapping({"source": "polarity2", "target": "sentiment3", "rows": rows}, "x.json")


def test_identity():
    assert np.array_equal(load_mapping("fer7", "fer7").matrix, np.eye(7))
