import json
import shutil

import numpy as np
import pytest
from tests.conftest import (
    bright_square,
    build_fusion_bundle,
    build_scene_bundle,
    build_text_bundle,
    record_checksums,
)

from emofuse import Predictor, Sample
from emofuse.errors import BundleSchemaError, ConfigError, NoModalityError
from emofuse.evaluate.readers import build_reader
from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.evidence import Evidence, ModelReading, feature_vector
from emofuse.runtime.model_set import ModelSet
from emofuse.types import Modality

TEXT, IMAGE = "sad the day", bright_square()


@pytest.fixture(scope="module")
def fusion(text_bundle, scene_bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fusion") / "tiny_fusion"
    return build_fusion_bundle(folder, text_bundle, scene_bundle, keeps_alone=False)


@pytest.fixture(scope="module")
def faithful(text_bundle, scene_bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fusion") / "tiny_fusion"
    return build_fusion_bundle(folder, text_bundle, scene_bundle, keeps_alone=True)


def values(distribution):
    return np.array(list(distribution.probabilities.values()))


def softmax(logits):
    raised = np.exp(logits - logits.max())
    return raised / raised.sum()


def own(prediction):
    return {part.modality: values(part.emotion) for part in prediction.modalities}


def test_the_graph_answers_with_the_members_that_the_bundle_brings(fusion):
    [prediction] = Predictor.load([fusion]).predict([Sample(text=TEXT, image=IMAGE)])
    parts = own(prediction)
    assert list(parts) == [Modality.TEXT, Modality.SCENE]
    expected = softmax(5 * parts[Modality.TEXT] + 3 * parts[Modality.SCENE])
    np.testing.assert_allclose(values(prediction.emotion), expected, atol=1e-6)
    assert set(prediction.models) == {"tiny_text", "tiny_scene", "tiny_fusion"}


def test_shares_are_shapley_values_of_the_answer(fusion):
    [prediction] = Predictor.load([fusion]).predict([Sample(text=TEXT, image=IMAGE)])
    text, scene = own(prediction).values()
    best = values(prediction.emotion).argmax()
    alone = [softmax(5 * text)[best], softmax(3 * scene)[best]]
    both = softmax(5 * text + 3 * scene)[best]
    worth = np.maximum([(alone[i] - 1 / 7 + both - alone[1 - i]) / 2 for i in (0, 1)], 0)
    shares = [part.weight for part in prediction.modalities]
    np.testing.assert_allclose(shares, worth / worth.sum(), atol=1e-5)


def test_a_modality_alone(fusion, faithful):
    for sample, factor in ((Sample(text=TEXT), 5), (Sample(image=IMAGE), 3)):
        [graph] = Predictor.load([fusion]).predict([sample])
        [itself] = Predictor.load([faithful]).predict([sample])
        [part] = own(graph).values()
        np.testing.assert_allclose(values(graph.emotion), softmax(factor * part), atol=1e-6)
        np.testing.assert_allclose(values(itself.emotion), part, atol=1e-6)
        assert graph.modalities[0].weight == itself.modalities[0].weight == 1


def test_another_text_model_gets_a_pool(fusion, tmp_path):
    other = build_text_bundle(tmp_path / "other", {"emotion6": "softmax"})
    [prediction] = Predictor.load([fusion, other]).predict([Sample(text=TEXT, image=IMAGE)])
    product = np.prod(list(own(prediction).values()), axis=0)
    np.testing.assert_allclose(values(prediction.emotion), product / product.sum(), atol=1e-6)


def test_a_graph_without_a_members_input_is_refused(tmp_path, text_bundle, scene_bundle):
    folder = build_fusion_bundle(tmp_path / "b", text_bundle, scene_bundle, keeps_alone=False)
    data = json.loads((folder / "bundle.json").read_text())
    data["parameters"]["members"][0]["states"] = 4
    (folder / "bundle.json").write_text(json.dumps(data))
    shutil.copytree(folder / "members", tmp_path / "members")
    shutil.rmtree(folder / "members")
    record_checksums(folder)
    shutil.copytree(tmp_path / "members", folder / "members")
    with pytest.raises(BundleSchemaError, match=r"tiny_text\.states"):
        Predictor.load([folder]).predict([Sample(text=TEXT)])


def test_a_member_that_was_replaced_is_named(tmp_path, text_bundle, scene_bundle):
    folder = build_fusion_bundle(tmp_path / "b", text_bundle, scene_bundle, keeps_alone=False)
    shutil.rmtree(folder / "members" / "tiny_text")
    build_text_bundle(folder / "members" / "tiny_text", {"ekman7": "softmax"})
    with pytest.raises(BundleSchemaError, match="trained on another tiny_text"):
        Predictor.load([folder]).predict([Sample(text=TEXT)])


def test_evaluation_looks_at_some_modalities_alone(fusion):
    bundle, sample = load_bundle(fusion), Sample(id="x", text=TEXT, image=IMAGE)
    [both] = build_reader(bundle, crops=False)([sample])
    [text] = build_reader(bundle, ["text"], crops=False)([sample])
    [alone] = build_reader(bundle, crops=False)([Sample(id="x", text=TEXT)])
    np.testing.assert_allclose(text["ekman7"], alone["ekman7"])
    assert not np.allclose(text["ekman7"], both["ekman7"])
    [nothing] = build_reader(bundle, ["scene"], crops=False)([Sample(id="x", text=TEXT)])
    assert nothing.code == "empty_sample"


def test_modalities_that_a_bundle_does_not_read(fusion, text_bundle):
    with pytest.raises(ConfigError, match=r"does not read smell\. Valid: text, scene"):
        build_reader(load_bundle(fusion), ["smell"])
    with pytest.raises(ConfigError, match="no fusion"):
        build_reader(load_bundle(text_bundle), ["text"])


def test_no_modality(fusion):
    models = ModelSet([fusion], detector=None, threads=1)
    reading = ModelReading("tiny_text", {"ekman7": np.full(7, 1 / 7, np.float32)}, ["ekman7"])
    with pytest.raises(NoModalityError):
        models.fusion.fuse({Modality.TEXT: Evidence([reading])}, np.array([[False]]))


def test_feature_vectors():
    reading = ModelReading(
        "m",
        {"sentiment3": np.array([0.2, 0.3, 0.5], np.float32)},
        ["sentiment3"],
        np.array([7.0, 8.0], np.float32),
    )
    np.testing.assert_allclose(feature_vector(reading, ["sentiment3", "embedding"]), [0.2, 0.3, 0.5, 7, 8])
    assert feature_vector(reading, ["polarity2"]).shape == (1,)  # the positive half says it all
    with pytest.raises(BundleSchemaError, match="leads to ekman7"):
        feature_vector(reading, ["ekman7"])
    shallow = ModelReading("m", reading.probabilities, ["sentiment3"])
    with pytest.raises(BundleSchemaError, match="gives no embeddings"):
        feature_vector(shallow, ["embedding"])


def test_models_of_one_modality_are_averaged():
    one, other = (
        ModelReading(name, {"ekman7": np.eye(7, dtype=np.float32)[i]}, ["ekman7"])
        for i, name in enumerate("ab")
    )
    np.testing.assert_allclose(Evidence([one, other]).emotion, [0.5, 0.5, 0, 0, 0, 0, 0])


def test_clear_opposition_is_mixed(text_bundle, tmp_path):
    # The tiny models answer at random; what matters is the rule.
    scene = build_scene_bundle(tmp_path / "s")
    fusion = build_fusion_bundle(tmp_path / "f", text_bundle, scene, keeps_alone=True)
    for prediction in Predictor.load([fusion]).predict(
        [
            Sample(text=text, image=IMAGE)
            for text in ("happy", "sad", "angry plain", "the the", "sad happy day")
        ]
    ):
        parts = [part.sentiment.probabilities for part in prediction.modalities]
        opposed = min(max(p["negative"] for p in parts), max(p["positive"] for p in parts)) >= 0.6
        fused = prediction.sentiment.probabilities
        torn = min(fused["negative"], fused["positive"]) >= 0.3
        assert prediction.sentiment.mixed == (opposed or torn)


def test_a_crop_for_a_fusion_without_faces(faithful):
    both, alone = Predictor.load([faithful], crop=True).predict(
        [Sample(text=TEXT, image=IMAGE), Sample(image=IMAGE)]
    )
    assert [part.modality for part in both.modalities] == [Modality.TEXT]
    assert alone.error.code == "empty_sample"
    assert "chosen models" in alone.error.message


def test_a_chosen_modality_without_a_weight_counts_in_full(scene_bundle, text_bundle, pool_bundle):
    predictor = Predictor.load([scene_bundle, text_bundle, pool_bundle], detector=lambda _: [])
    [prediction] = predictor.predict([Sample(text=TEXT, image=IMAGE)])
    product = np.prod(list(own(prediction).values()), axis=0)
    np.testing.assert_allclose(values(prediction.emotion), product / product.sum(), atol=1e-6)


def test_states_of_a_graph_that_has_none(text_bundle):
    [reading] = ModelSet([text_bundle], detector=None, threads=1).texts()[0].predict([TEXT], deep=True)
    assert reading.embedding is None
    assert reading.states is None
