import json
import shutil

import pytest
from tests.conftest import record_checksums

from emofuse.errors import BundleSchemaError
from emofuse.runtime.bundle import list_bundles, load_bundle, read_bundle
from emofuse.runtime.reference import parse_reference

TOKENS = {"cuts": [4, 8], "shares": [0.5, 0.25, 0.25]}
EMOTION = {"labels": ["joy", "fear"], "shares": [0.9, 0.1]}
GOOD = {"split": "validation", "n": 40, "features": {"tokens": TOKENS, "emotion": EMOTION}}


def test_values_fall_into_their_bins():
    tokens, emotion = parse_reference(GOOD).features.values()
    assert [tokens.bin(value) for value in (0, 3.9, 4, 7, 8, 1e9)] == [0, 0, 1, 1, 2, 2]
    assert [emotion.bin(label) for label in ("joy", "fear", "love")] == [0, 1, None]
    assert emotion.bin(3.0) is None
    assert tokens.bin("joy") is None
    assert (tokens.ordered, emotion.ordered) == (True, False)
    assert tokens.names == ("below 4", "4 to 8", "8 and above")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"n": 0}, "whose n"),
        ({"n": 3.5}, "whose n"),
        ({"features": {"x": {"shares": [1]}}}, "either cuts or labels"),
        ({"features": {"x": {**TOKENS, **EMOTION}}}, "either cuts or labels"),
        ({"features": {"x": {**TOKENS, "cuts": [8, 4]}}}, "must rise"),
        ({"features": {"x": {**TOKENS, "cuts": [4, float("nan")]}}}, "must rise"),
        ({"features": {"x": {**TOKENS, "shares": [0.5, 0.5]}}}, "one share for each"),
        ({"features": {"x": {**EMOTION, "shares": [0.5, 0.4]}}}, "sum to 1"),
        ({"features": {"x": {**EMOTION, "shares": [1.5, -0.5]}}}, "sum to 1"),
        ({"features": {"x": {**EMOTION, "labels": ["joy", "joy"]}}}, "occur twice"),
    ],
)
def test_wrong_references_are_named(change, reason):
    with pytest.raises(ValueError, match=f"^reference, .*{reason}"):
        parse_reference({**GOOD, **change})


@pytest.mark.parametrize(
    "reference", [3, {}, {"n": 4, "split": "x"}, {**GOOD, "features": 1}, {**GOOD, "n": -1}]
)
def test_a_bundle_with_a_malformed_reference_is_refused(text_bundle, tmp_path, reference):
    bundle = shutil.copytree(text_bundle, tmp_path / "bundle")
    path = bundle / "bundle.json"
    data = json.loads(path.read_text())
    assert read_bundle(bundle).reference is None  # of bundles before there were any
    path.write_text(json.dumps(data | {"reference": GOOD}))
    record_checksums(bundle)
    assert load_bundle(bundle).reference == parse_reference(GOOD)
    path.write_text(json.dumps(data | {"reference": reference}))
    with pytest.raises(BundleSchemaError, match="lacks or misuses"):
        read_bundle(bundle)


@pytest.mark.parametrize("name", list_bundles())
def test_embedded_references_are_small_and_full(name):
    bundle = load_bundle(name)
    if bundle.kind == "face_detector":
        assert bundle.reference is None
        return
    data = json.loads((bundle.path / "bundle.json").read_text())["reference"]
    assert len(json.dumps(data)) < 4096
    inputs = {"text": {"tokens", "unknown", "continued"}, "fusion": {"abstained"}}
    expected = inputs.get(bundle.kind, {"brightness", "sharpness"})
    answers = {"emotion", "emotion_confidence", "sentiment", "sentiment_confidence"}
    assert set(bundle.reference.features) == expected | answers
    assert bundle.reference.n >= 1000
