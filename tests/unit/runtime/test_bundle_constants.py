import pytest

from emofuse.runtime.bundle_constants import KINDS, check_constants

GOOD = {
    "text": {
        "preprocessing": {
            "max_tokens": 8,
            "max_windows": 1,
            "prefix_ids": [1],
            "suffix_ids": [2],
            "emoji": "keep",
            "max_batch": 1,
        }
    },
    "face": {"preprocessing": {"size_px": 48, "max_batch": 1}},
    "scene": {"preprocessing": {"size_px": 160, "max_batch": 1}},
    "face_detector": {"preprocessing": {"input_px": 320}, "thresholds": {"score": 0.5, "iou": 0.4}},
    "fusion": {
        "thresholds": {"abstain": 0.4, "mixed": 0.3, "opposed": 0.6},
        "parameters": {"weights": {"text": 1, "face": 2}},
    },
}

# Kind, part, key, a wrong value.
WRONG = [
    ("text", "preprocessing", "max_batch", 0),
    ("text", "preprocessing", "max_windows", "4"),
    ("text", "preprocessing", "max_tokens", 2),
    ("text", "preprocessing", "emoji", "drop"),
    ("text", "preprocessing", "exact_alone", 1),
    ("face", "preprocessing", "size_px", 48.0),
    ("face_detector", "preprocessing", "input_px", -1),
    ("face_detector", "thresholds", "score", 1),
    ("face_detector", "thresholds", "iou", 1.5),
    ("fusion", "thresholds", "mixed", -0.1),
    ("fusion", "thresholds", "abstain", float("nan")),
]


@pytest.mark.parametrize("kind", KINDS)
def test_good_constants_pass_and_none_may_be_missing(kind):
    check_constants({"kind": kind, **GOOD[kind]})
    for part, constants in GOOD[kind].items():
        for key in constants:
            rest = {name: value for name, value in constants.items() if name != key}
            with pytest.raises(KeyError, match=key):
                check_constants({"kind": kind, **GOOD[kind], part: rest})


@pytest.mark.parametrize(("kind", "part", "key", "value"), WRONG)
def test_wrong_values_are_named(kind, part, key, value):
    changed = {**GOOD[kind], part: {**GOOD[kind][part], key: value}}
    with pytest.raises(ValueError, match=f"^{key}, which"):
        check_constants({"kind": kind, **changed})


@pytest.mark.parametrize("weights", [{"text": 0}, {"face": float("inf")}, {"smell": 1}])
def test_fusion_weights_are_positive_and_of_known_modalities(weights):
    with pytest.raises(ValueError, match=r"^weights, where"):
        check_constants({"kind": "fusion", **GOOD["fusion"], "parameters": {"weights": weights}})
