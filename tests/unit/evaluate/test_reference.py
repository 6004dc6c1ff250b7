import numpy as np
import pytest
from tests.conftest import build_fusion_bundle

from emofuse.evaluate.reference import (
    answer_values,
    count_reference,
    reference_of_fusion,
    reference_of_model,
)
from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.reference import parse_reference


def shares(reference, feature):
    found = parse_reference(reference).features[feature]
    return {name: share for name, share in zip(found.names, found.shares, strict=True) if share}


def test_features_are_counted_into_their_bins():
    reference = count_reference([{"tokens": 3}, {"tokens": 4}, {"tokens": 500}, {"emotion": "joy"}])
    assert (reference["n"], reference["split"]) == (4, "validation")
    assert set(reference["features"]) == {"tokens", "emotion"}
    third = pytest.approx(1 / 3, abs=1e-4)
    assert shares(reference, "tokens") == {"below 4": third, "4 to 8": third, "96 and above": third}
    assert shares(reference, "emotion") == {"joy": 1}


def test_answers_are_named_as_predictions_show_them():
    # ferplus8: neutral happiness surprise sadness anger disgust fear contempt.
    [row] = answer_values({"ferplus8": np.eye(8, dtype=np.float32)[:1]}, ["ferplus8"])
    assert row == {
        "emotion": "neutral",
        "emotion_confidence": 1,
        "sentiment": "neutral",
        "sentiment_confidence": 1,
    }
    [row] = answer_values({"sentiment3": np.array([[0.25, 0.25, 0.5]], dtype=np.float32)}, ["sentiment3"])
    assert row == {"sentiment": "positive", "sentiment_confidence": 0.5}
    assert answer_values({"own:mine": np.ones((2, 1), np.float32)}, ["own:mine"]) == [{}, {}]


def test_a_model_is_counted_by_what_it_gets_and_gives(text_bundle):
    bundle = load_bundle(text_bundle)
    logits = {name: np.zeros((2, len(own.thresholds)), np.float32) for name, own in bundle.outputs.items()}
    logits["ekman7"][:, 3] = 9
    inputs = [np.array([1, 7, 8, 2]), np.array([1, 7, 8, 9, 3, 0, 2])]
    reference = reference_of_model(bundle, inputs, logits)
    assert shares(reference, "tokens") == {"below 4": 0.5, "4 to 8": 0.5}
    assert shares(reference, "unknown") == {"below 0.0001": 0.5, "0.2 to 0.5": 0.5}
    assert shares(reference, "emotion") == {"joy": 1}
    assert shares(reference, "emotion_confidence") == {"0.95 and above": 1}
    assert shares(reference, "sentiment_confidence") == {"below 0.35": 1}


def test_a_fusion_is_counted_by_its_answers(tmp_path, text_bundle, scene_bundle):
    bundle = load_bundle(
        build_fusion_bundle(tmp_path / "fusion", text_bundle, scene_bundle, keeps_alone=True)
    )
    logits = np.zeros((4, 7), np.float32)
    logits[0, 0] = 9
    reference = reference_of_fusion(bundle, {"ekman7": logits})
    assert shares(reference, "abstained") == {"no": 0.25, "yes": 0.75}
    assert shares(reference, "emotion") == {"anger": 1}
