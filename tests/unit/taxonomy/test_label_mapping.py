import json
from importlib.resources import files

import numpy as np
import pytest

from emofuse.errors import ConfigError, UnknownLabelError, UnknownMappingError, UnknownTaxonomyError
from emofuse.taxonomy import LabelMapping, build_mapping, load_mapping, load_taxonomy

TABLES = sorted((files("emofuse.taxonomy") / "mappings").iterdir(), key=lambda entry: entry.name)
ROWS = {"negative": {"negative": 1.0}, "positive": {"positive": 1.0}}
DATA = {"source": "polarity2", "target": "sentiment3", "rows": ROWS}


@pytest.mark.parametrize("entry", TABLES, ids=lambda entry: entry.name)
def test_every_file_is_sound_bears_its_name_and_states_its_reasons(entry):
    data = json.loads(entry.read_text(encoding="utf-8"))
    mapping = build_mapping(data, entry.name)
    assert entry.name == f"{mapping.source.name}__{mapping.target.name}.json"
    assert data["note"].endswith(".")
    loaded = load_mapping(mapping.source.name, mapping.target.name)
    assert np.array_equal(loaded.matrix, mapping.matrix)


def test_goemotions_follows_its_official_ekman_groups():
    groups = {
        "anger": {"anger", "annoyance", "disapproval"},
        "disgust": {"disgust"},
        "fear": {"fear", "nervousness"},
        "sadness": {"sadness", "disappointment", "embarrassment", "grief", "remorse"},
        "surprise": {"surprise", "realization", "confusion", "curiosity"},
        "neutral": {"neutral"},
    }
    groups["joy"] = set(load_taxonomy("goemotions28").labels).difference(*groups.values())
    assert len(groups["joy"]) == 12
    mapping = load_mapping("goemotions28", "ekman7")
    for group, members in groups.items():
        assert all(mapping.map_labels({label: 1.0}) == {group: 1.0} for label in members)


def test_ambiguous_emotions_lean_to_neither_side():
    mapping = load_mapping("goemotions28", "sentiment3")
    for label in ("confusion", "curiosity", "realization", "surprise"):
        assert mapping.map_labels({label: 1.0}) == {"negative": 0.25, "neutral": 0.5, "positive": 0.25}
    counts = (mapping.matrix == 1).sum(axis=0)
    assert counts.tolist() == [11, 1, 12]


@pytest.mark.parametrize(
    ("source", "target", "label", "expected"),
    [
        ("emotion6", "ekman7", "love", {"joy": 1.0}),
        ("plutchik8", "ekman7", "trust", {"joy": 0.5, "neutral": 0.5}),
        ("plutchik8", "ekman7", "anticipation", {"joy": 0.5, "neutral": 0.5}),
        ("ekman7", "basic4", "neutral", {"happy": 0.25, "sad": 0.25, "angry": 0.25, "fear": 0.25}),
        ("ekman7", "basic4", "surprise", {"happy": 0.5, "fear": 0.5}),
        ("ekman7", "emotion6", "disgust", {"anger": 1.0}),
        ("ekman7", "sentiment3", "surprise", {"negative": 0.25, "neutral": 0.5, "positive": 0.25}),
        ("sentiment3", "polarity2", "neutral", {"negative": 0.5, "positive": 0.5}),
        ("polarity2", "sentiment3", "negative", {"negative": 1.0}),
    ],
)
def test_questionable_rows(source, target, label, expected):
    assert load_mapping(source, target).map_labels({label: 1.0}) == expected


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


def test_unknown_set():
    with pytest.raises(UnknownTaxonomyError):
        load_mapping("ekman7", "ekman9")


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ({"negative": {"negative": 1.0}}, "differ in .*positive"),
        ({**ROWS, "mixed": {"neutral": 1.0}}, "differ in .*mixed"),
        ({**ROWS, "negative": {"bad": 1.0}}, "'negative' goes to 'bad'"),
        ({**ROWS, "negative": {"negative": 0.9}}, "'negative' must .* sum to 1"),
        ({**ROWS, "negative": {}}, "'negative' must .* sum to 1"),
        ({**ROWS, "negative": {"negative": 1.5, "neutral": -0.5}}, "'negative' must be >= 0"),
        ({**ROWS, "negative": {"negative": float("nan")}}, "'negative' must be >= 0"),
    ],
)
def test_bad_tables_are_refused(rows, reason):
    with pytest.raises(ConfigError, match=rf"x\.json.*{reason}") as caught:
        build_mapping({**DATA, "rows": rows}, "x.json")
    assert caught.value.item == "x.json"


@pytest.mark.parametrize("key", DATA)
def test_a_missing_key_is_refused(key):
    with pytest.raises(ConfigError, match=rf"x\.json: the key '{key}'"):
        build_mapping({name: value for name, value in DATA.items() if name != key}, "x.json")


def test_a_table_of_an_unknown_set_is_refused():
    with pytest.raises(ConfigError, match=r"x\.json.*'sentiment4'"):
        build_mapping({**DATA, "target": "sentiment4"}, "x.json")


def test_identity():
    assert np.array_equal(load_mapping("fer7", "fer7").matrix, np.eye(7))


def test_loaded_mappings_are_shared_and_cannot_be_written():
    mapping = load_mapping("fer7", "ekman7")
    assert load_mapping("fer7", "ekman7") is mapping
    with pytest.raises(ValueError, match="read-only"):
        mapping.matrix[0, 0] = 0.5


def test_a_mapping_copies_the_table_it_is_given():
    table = np.eye(2)
    mapping = LabelMapping(load_taxonomy("polarity2"), load_taxonomy("polarity2"), table)
    table[0] = 0.5
    assert np.array_equal(mapping.matrix, np.eye(2))
    assert mapping.matrix.dtype == np.float32
