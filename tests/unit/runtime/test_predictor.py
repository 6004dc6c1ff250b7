import json
import threading
from math import inf, nan
from types import MappingProxyType

import numpy as np
import pytest
from tests.conftest import (
    bright_square,
    build_face_bundle,
    build_text_bundle,
    find_bright,
    record_checksums,
)

from emofuse import FaceBox, Predictor, Sample, load_bundle
from emofuse.errors import BundleSchemaError, ConfigError, UnknownModelError, UnknownTaxonomyError
from emofuse.runtime.reader import SampleReader
from emofuse.types import Emotion, Face, Modality, Prediction


@pytest.fixture
def predictor(text_bundle, face_bundle, pool_bundle):
    return Predictor.load([text_bundle, face_bundle, pool_bundle], detector=find_bright)


@pytest.fixture
def with_scene(text_bundle, face_bundle, scene_bundle, wide_pool_bundle):
    bundles = [text_bundle, face_bundle, scene_bundle, wide_pool_bundle]
    return Predictor.load(bundles, detector=find_bright)


def values(prediction):
    return np.array(list(prediction.emotion.probabilities.values()))


def test_text_alone(predictor):
    [prediction] = predictor.predict([Sample(id="a", text="the day is happy")])
    assert prediction.id == "a"
    assert prediction.error is None
    assert prediction.emotion.taxonomy == "ekman7"
    assert sum(prediction.emotion.probabilities.values()) == pytest.approx(1)
    assert prediction.emotion.confidence == max(prediction.emotion.probabilities.values())
    assert [m.modality for m in prediction.modalities] == [Modality.TEXT]
    assert prediction.modalities[0].weight == 1
    assert prediction.modalities[0].emotion == prediction.emotion
    assert prediction.modalities[0].sentiment == prediction.sentiment
    assert prediction.conflict is None
    assert prediction.models == {"tiny_text": "9.9.9", "tiny_pool": "9.9.9"}


def test_fine_emotions_are_those_above_their_threshold(predictor):
    [prediction] = predictor.predict([Sample(text="happy")])
    assert prediction.fine_emotions
    shown = list(prediction.fine_emotions.values())
    assert shown == sorted(shown, reverse=True)
    assert min(shown) >= 0.5


def test_face_alone_and_its_box(predictor):
    [prediction] = predictor.predict([Sample(image=bright_square())])
    [face] = prediction.faces
    assert (face.box.x, face.box.y, face.box.width, face.box.height) == (30, 20, 64, 64)
    assert [m.model for m in prediction.modalities] == ["tiny_face"]
    np.testing.assert_allclose(list(face.emotion.probabilities.values()), values(prediction), rtol=1e-5)


def test_both_are_fused(predictor):
    text, image = "sad day", bright_square()
    alone = predictor.predict([Sample(text=text), Sample(image=image)])
    [fused] = predictor.predict([Sample(text=text, image=image)])
    product = values(alone[0]) * values(alone[1])
    np.testing.assert_allclose(values(fused), product / product.sum(), rtol=1e-4)
    assert sum(m.weight for m in fused.modalities) == pytest.approx(1)
    assert 0 <= fused.conflict <= 1


def test_photo_without_a_face_leaves_the_text(predictor):
    empty = np.zeros((50, 50, 3), np.uint8)
    both, alone = predictor.predict([Sample(text="happy", image=empty), Sample(image=empty)])
    assert [w.code for w in both.warnings] == ["no_face"]
    np.testing.assert_array_equal(values(both), values(predictor.predict([Sample(text="happy")])[0]))
    assert alone.emotion is None
    assert alone.error.code == "no_face"


def test_bad_text_with_a_good_face(predictor):
    [prediction] = predictor.predict([Sample(text="  ", image=bright_square())])
    assert [m.modality for m in prediction.modalities] == [Modality.FACE]
    assert [w.code for w in prediction.warnings] == ["empty_text"]


def test_a_hundred_with_three_bad_ones(predictor, tmp_path):
    samples = [Sample(text=f"happy day {i}") for i in range(100)]
    samples[7] = Sample()
    samples[50] = Sample(image=tmp_path / "missing.jpg")
    samples[99] = Sample(text="\x00")
    predictions = predictor.predict(samples)
    assert [p.id for p in predictions] == [str(i) for i in range(100)]
    bad = {p.id: p.error.code for p in predictions if p.error}
    assert bad == {"7": "empty_sample", "50": "image_not_found", "99": "empty_text"}


def test_results_do_not_depend_on_the_batch(predictor):
    texts = ["happy", "sad the day", "angry plain day is the happy", "happy " * 30, "sad"]
    together = predictor.predict([Sample(text=text) for text in texts * 60])
    for text, prediction in zip(texts, together, strict=False):
        [alone] = predictor.predict([Sample(text=text)])
        np.testing.assert_allclose(values(prediction), values(alone), atol=1e-6)


@pytest.mark.parametrize(
    ("sample", "held"),
    [
        (Sample(text="happy"), 1024),
        (Sample(text="happy " * 1000), 44),
        (Sample(text="happy", image=np.zeros((50, 50, 3), np.uint8)), 256),
        (Sample(), 1024),
        (Sample(text=7), 1024),
    ],
)
def test_what_fits_into_memory_is_read_together(predictor, monkeypatch, sample, held):
    sizes = []
    read = SampleReader.read
    monkeypatch.setattr(SampleReader, "read", lambda own, chunk: sizes.append(len(chunk)) or read(own, chunk))
    names = [prediction.id for prediction in predictor.predict([sample] * (2 * held + 1))]
    assert sizes == [held, held, 1]
    assert names == [str(i) for i in range(2 * held + 1)]


def test_long_text_is_windowed_with_a_warning(predictor):
    prediction = predictor.predict([Sample(text="happy sad " * 10), Sample(text="happy " * 500)])
    assert [[w.code for w in p.warnings] for p in prediction] == [["text_windowed"], ["text_sampled"]]


def test_several_faces_weigh_by_area(pool_bundle, face_bundle):
    image = bright_square()
    image[:10, 100:110] = 220

    def two(picture):
        return [FaceBox(100, 0, 10, 10), *find_bright(picture[:, :95])]

    predictor = Predictor.load([face_bundle, pool_bundle], detector=two)
    [prediction] = predictor.predict([Sample(image=image)])
    large, small = (np.array(list(f.emotion.probabilities.values())) for f in prediction.faces)
    areas = [face.box.width * face.box.height for face in prediction.faces]
    assert areas == [64 * 64, 100]
    pooled = (areas[0] * large + areas[1] * small) / sum(areas)
    np.testing.assert_allclose(values(prediction), pooled, rtol=1e-4)


def test_a_photo_without_a_face_still_counts(with_scene):
    empty = np.full((50, 70, 3), 90, np.uint8)
    both, alone = with_scene.predict([Sample(text="happy", image=empty), Sample(image=empty)])
    assert [m.modality for m in both.modalities] == [Modality.TEXT, Modality.SCENE]
    assert [m.modality for m in alone.modalities] == [Modality.SCENE]
    assert [w.code for w in alone.warnings] == ["no_face"]
    assert alone.faces == ()


def test_three_modalities(with_scene):
    image = bright_square()
    [fused] = with_scene.predict([Sample(text="sad day", image=image)])
    assert [m.modality for m in fused.modalities] == [Modality.TEXT, Modality.FACE, Modality.SCENE]
    product = np.prod([list(m.emotion.probabilities.values()) for m in fused.modalities], axis=0)
    np.testing.assert_allclose(values(fused), product / product.sum(), rtol=1e-4)
    assert sum(m.weight for m in fused.modalities) == pytest.approx(1)
    assert set(fused.models) == {"tiny_text", "tiny_face", "tiny_scene", "tiny_pool"}


def test_a_crop_is_no_scene(text_bundle, face_bundle, scene_bundle, wide_pool_bundle):
    bundles = [text_bundle, face_bundle, scene_bundle, wide_pool_bundle]
    [prediction] = Predictor.load(bundles, crop=True).predict([Sample(image=bright_square())])
    assert [m.modality for m in prediction.modalities] == [Modality.FACE]


def test_crop_takes_the_whole_picture(face_bundle):
    [prediction] = Predictor.load([face_bundle], crop=True).predict([Sample(image=bright_square())])
    assert (prediction.faces[0].box.width, prediction.faces[0].box.height) == (160, 120)


def test_other_taxonomy(text_bundle):
    [prediction] = Predictor.load([text_bundle], taxonomy="unified5").predict([Sample(text="happy")])
    assert list(prediction.emotion.probabilities) == ["angry", "sad", "happy", "neutral", "fear"]


def test_unknown_names_list_the_valid_ones(text_bundle):
    with pytest.raises(UnknownTaxonomyError, match="ekman7"):
        Predictor.load(taxonomy="ekman9")
    with pytest.raises(UnknownModelError, match="face_detector"):
        Predictor.load(["nobody"])
    with pytest.raises(ConfigError, match="one text model"):
        Predictor.load([text_bundle, text_bundle])


def test_abstention_says_why(predictor, pool_bundle):
    limit = load_bundle(pool_bundle).thresholds["abstain"]
    predictions = predictor.predict([Sample(text=text) for text in ("happy", "sad", "the the the the")])
    assert {p.abstained for p in predictions} == {True, False}
    for prediction in predictions:
        assert prediction.abstained == (prediction.emotion.confidence < limit)
        assert (prediction.reason is not None) == prediction.abstained


@pytest.mark.parametrize(
    "sides",
    [
        (1, 1, 0, 0),
        (1, 1, -5, 5),
        (nan, 1, 5, 5),
        (1, 1, nan, 5),
        (1, 1, inf, 5),
        (900, 1, 5, 5),
        (1, -9, 5, 5),
    ],
)
def test_boxes_that_show_nothing_are_no_faces(pool_bundle, face_bundle, sides):
    def detector(picture):
        return [FaceBox(*sides), *find_bright(picture)]

    image, dark = bright_square(), np.zeros((120, 160, 3), np.uint8)
    lit, unlit = Predictor.load([face_bundle, pool_bundle], detector=detector).predict(
        [Sample(image=image), Sample(image=dark)]
    )
    assert [face.box.width for face in lit.faces] == [64]
    assert unlit.error.code == "no_face"


def test_a_model_with_other_emotions_only_is_mapped(tmp_path):
    folder = build_text_bundle(tmp_path / "b", {"emotion6": "softmax"})
    [prediction] = Predictor.load([folder]).predict([Sample(text="happy")])
    assert next(iter(prediction.emotion.probabilities)) == "anger"
    assert sum(prediction.sentiment.probabilities.values()) == pytest.approx(1)
    assert prediction.fine_emotions == {}


def test_a_model_without_emotions_says_so(tmp_path):
    folder = build_text_bundle(tmp_path / "b", {"sentiment3": "softmax"})
    with pytest.raises(BundleSchemaError, match="emotion head"):
        Predictor.load([folder]).predict([Sample(text="happy")])


def test_no_samples(predictor):
    assert predictor.predict([]) == []


def test_threads_share_one_predictor(predictor):
    expected = values(predictor.predict([Sample(text="happy")])[0])
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(predictor.predict([Sample(text="happy")])[0]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    for prediction in results:
        np.testing.assert_array_equal(values(prediction), expected)


def test_a_text_opens_no_face_model(text_bundle, tmp_path):
    # A face bundle whose model is broken: opening it would raise.
    folder = build_face_bundle(tmp_path / "built")
    (folder / "model.onnx").write_bytes(b"broken")
    record_checksums(folder)
    predictor = Predictor.load([text_bundle, folder], detector=find_bright)
    assert predictor.predict([Sample(text="happy")])[0].error is None
    with pytest.raises(BundleSchemaError, match="cannot be opened"):
        predictor.predict([Sample(image=bright_square())])


def test_json_form_is_plain_and_versioned(predictor):
    [prediction] = predictor.predict([Sample(id="x", text="happy", image=bright_square())])
    form = prediction.to_dict()
    assert list(form) == [
        "schema",
        "id",
        "emotion",
        "sentiment",
        "category",
        "fine_emotions",
        "modalities",
        "faces",
        "conflict",
        "abstained",
        "reason",
        "models",
        "warnings",
        "error",
    ]
    assert form["schema"] == "emofuse.prediction/1"
    assert set(form["emotion"]) == {"label", "confidence", "taxonomy", "probabilities"}
    assert set(form["sentiment"]) == {"label", "confidence", "taxonomy", "probabilities", "mixed"}
    assert set(form["faces"][0]["box"]) == {"x", "y", "width", "height", "score", "landmarks"}
    assert form["modalities"][0]["modality"] == "text"


def test_error_form():
    form = Prediction(id="x").to_dict()
    assert form["emotion"] is None


def test_json_line_is_the_form_rounded():
    emotion = Emotion("joy", 2 / 3, "ekman7", MappingProxyType({"joy": 2 / 3, "fear": 1e-7}))
    face = Face(FaceBox(0, -1, 5.1234567, np.float64(1 / 3)), emotion)
    prediction = Prediction(id="é\ud800", emotion=emotion, faces=(face,), conflict=0.1 + 0.2)
    form = prediction.to_dict()
    assert form["emotion"]["probabilities"] == {"joy": 0.666667, "fear": 0.0}
    assert list(form["faces"][0]["box"].values()) == [0, -1, 5.123457, 0.333333, 1.0, None]
    assert form["conflict"] == 0.3
    line = prediction.to_json()
    assert line.startswith(
        b'{"schema":"emofuse.prediction/1","id":"\xc3\xa9\\ud800","emotion":{"label":"joy",'
    )
    assert b'"box":{"x":0,"y":-1,"width":5.123457,"height":0.333333,"score":1.0,"landmarks":null}' in line
    assert json.loads(line)["faces"] == form["faces"]


@pytest.mark.parametrize("name", ["text_bilstm", "text_bilstm_open", "text_bert_bilstm"])
def test_an_answer_is_the_same_to_the_last_bit_in_any_company(name):
    words = [
        "the",
        "day",
        "is",
        "so",
        "happy",
        "and",
        "I",
        "never",
        "saw",
        "such",
        "a",
        "sad",
        "angry",
        "plain",
        "thing",
        "before",
    ]
    texts = [" ".join(words[i % 5 : i % 5 + 1 + i % 7]) + " !" * (i % 3) for i in range(60)]
    predictor = Predictor.load([name], threads=1)
    together = predictor.predict(Sample(id="", text=text) for text in texts)
    for text, answer in list(zip(texts, together, strict=True))[::4]:
        assert predictor.predict([Sample(id="", text=text)]) == [answer]
