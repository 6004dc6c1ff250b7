"""What every explainer does, whatever it looks at and however it works."""

import json
import subprocess
import sys

import numpy as np
import pytest
from tests.conftest import PHOTOS

from emofuse import Modality, Predictor, Sample
from emofuse.errors import ConfigError, InputError, StoppedError, UnknownLabelError
from emofuse.explain import (
    DEFAULT_METHODS,
    METHODS,
    SampleExplainer,
    SubjectReader,
    build_explainer,
    methods_of,
)
from emofuse.runtime.model_set import ModelSet

MODELS = ["text_bilstm", "face_ferplus_cnn"]
TEXT = "I can't stop  smiling, it is\n<b>wonderful</b> &amp; so good 😂"
PHOTO = PHOTOS / "eileen_collins.jpg"
SAMPLES = {
    Modality.TEXT: Sample(text=TEXT),
    Modality.FACE: Sample(image=PHOTO),
    Modality.SCENE: Sample(image=PHOTO),
}
EVERY = [(name, modality) for modality in Modality for name in methods_of(modality)]


@pytest.fixture(scope="module")
def reader():
    return SubjectReader(ModelSet(MODELS, detector=None, threads=1))


@pytest.fixture(scope="module")
def explanations(reader):
    return {
        (name, modality): build_explainer(name, modality, reader).explain(SAMPLES[modality])
        for name, modality in EVERY
    }


@pytest.mark.parametrize(("name", "modality"), EVERY)
def test_it_says_what_it_explains(explanations, name, modality):
    own = explanations[name, modality]
    assert (own.method, own.modality) == (name, modality)
    assert (own.label, own.taxonomy) == ("joy", "ekman7")
    assert 0 <= own.probability <= 1
    assert own.answer in ("fused", *MODELS, "scene_image")


@pytest.mark.parametrize(("name", "modality"), EVERY)
def test_it_weighs_the_parts_of_its_modality_alone(explanations, name, modality):
    own = explanations[name, modality]
    assert np.isfinite(own.attributions).all()
    assert max(map(abs, own.attributions)) > 0
    if modality is Modality.TEXT:
        assert not own.maps
        assert [word.text for word in own.words] == TEXT.split()
        assert all(TEXT[word.start : word.end] == word.text for word in own.words)
        return
    assert not own.words
    [heat] = own.maps
    assert heat.values.ndim == 2
    assert min(heat.values.shape) >= 2
    assert -512 < heat.x < heat.x + heat.width < 1024


@pytest.mark.parametrize(("name", "modality"), EVERY)
def test_figures_add_up_where_a_base_value_is_given(explanations, name, modality):
    own = explanations[name, modality]
    if name in ("shapley", "shap", "integrated_gradients"):
        assert sum(own.attributions) == pytest.approx(own.probability - own.base_value, abs=0.01)
    else:
        assert own.base_value is None


@pytest.mark.parametrize(("name", "modality"), EVERY)
def test_it_gives_the_same_twice(explanations, reader, name, modality):
    again = build_explainer(name, modality, reader).explain(SAMPLES[modality])
    assert again.to_dict() == explanations[name, modality].to_dict()


@pytest.mark.parametrize(("name", "modality"), EVERY)
def test_it_becomes_json(explanations, name, modality):
    plain = json.loads(json.dumps(explanations[name, modality].to_dict()))
    assert plain["modality"] == modality
    assert [word["text"] for word in plain["words"]] == [w.text for w in explanations[name, modality].words]
    assert len(plain["maps"]) == len(explanations[name, modality].maps)


@pytest.mark.parametrize(("name", "modality"), EVERY)
def test_it_explains_another_label_and_refuses_one_that_is_not_there(reader, name, modality):
    explainer = build_explainer(name, modality, reader)
    other = explainer.explain(SAMPLES[modality], "negative")
    assert (other.label, other.taxonomy) == ("negative", "sentiment3")
    assert other.probability < 0.6
    with pytest.raises(UnknownLabelError, match="sadness"):
        explainer.explain(SAMPLES[modality], "bliss")


@pytest.mark.parametrize(("name", "modality"), EVERY)
def test_a_sample_without_the_modality_is_refused(reader, name, modality):
    lacking = Sample(image=PHOTO) if modality is Modality.TEXT else Sample(text=TEXT)
    with pytest.raises(InputError):
        build_explainer(name, modality, reader).explain(lacking)


@pytest.mark.parametrize(("name", "modality"), EVERY)
def test_a_sample_with_nothing_in_it_is_refused(reader, name, modality):
    with pytest.raises(InputError):
        build_explainer(name, modality, reader).explain(Sample())


@pytest.mark.parametrize("modality", Modality)
def test_names_are_closed_and_defaults_are_among_them(reader, modality):
    assert DEFAULT_METHODS[modality] in methods_of(modality)
    assert set(methods_of(modality)) <= set(METHODS)
    with pytest.raises(ConfigError, match="occlusion"):
        build_explainer("magic", modality, reader)


@pytest.mark.parametrize(("name", "modality"), EVERY)
def test_what_takes_parts_away_explains_the_fused_answer(reader, name, modality):
    sample = Sample(text=TEXT, image=PHOTO)
    [prediction] = Predictor.load(MODELS, threads=1).predict([sample])
    own = build_explainer(name, modality, reader).explain(sample, "joy")
    if own.answer == "fused":
        assert own.probability == pytest.approx(prediction.emotion.probabilities["joy"], abs=1e-5)
    else:
        [part] = [part for part in prediction.modalities if part.modality is modality]
        assert own.answer == part.model
        assert own.probability == pytest.approx(part.emotion.probabilities["joy"], abs=1e-4)


def test_the_answer_without_the_text_is_what_the_words_add_up_from(reader):
    own = build_explainer("shapley", Modality.TEXT, reader).explain(Sample(text=TEXT, image=PHOTO), "joy")
    [alone] = Predictor.load(MODELS, threads=1).predict([Sample(image=PHOTO)])
    assert own.base_value == pytest.approx(alone.emotion.probabilities["joy"], abs=1e-5)


def test_a_fusion_of_several_models_is_explained_from_outside_only():
    sample = Sample(text=TEXT, image=PHOTO)
    explainer = SampleExplainer.load(["fusion_mlp"], threads=1)
    report = explainer.explain(sample, method="occlusion")
    assert {own.modality for own in report.explanations} >= {Modality.TEXT, Modality.FACE}
    with pytest.raises(ConfigError, match="Several models read the face"):
        explainer.explain(sample, method="grad_cam")


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )


def test_the_core_explains_without_any_extra():
    done = run(
        "import sys\n"
        "for name in ('torch', 'captum', 'lime', 'shap', 'onnx', 'matplotlib', 'sklearn', 'scipy'):\n"
        "    sys.modules[name] = None\n"
        "from emofuse import Sample\n"
        "from emofuse.explain import SampleExplainer\n"
        "from emofuse.explain.html import render_html\n"
        f"sample = Sample(text='so happy today', image={str(PHOTO)!r})\n"
        "report = SampleExplainer.load(['text_bilstm'], threads=1).explain(sample)\n"
        "assert [own.method for own in report.explanations] == ['occlusion'] * 3\n"
        "assert 'happy' in render_html(report)\n"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("grad_cam", "onnx"),
        ("lime", "lime"),
    ],
)
def test_a_missing_extra_is_named_with_its_command(name, package):
    done = run(
        f"import sys; sys.modules[{package!r}] = None\n"
        "from emofuse.cli import main\n"
        f"main(['explain', '--text', 'happy', '--image', {str(PHOTO)!r}, '--method', {name!r}, '-o', 'never.json'])"
    )
    assert done.returncode == 2
    assert "pip install 'emofuse[explain]'" in done.stderr
    assert "Traceback" not in done.stderr


# All ask before they read the sample; but for two that look once, they do so again before every further step.
@pytest.mark.parametrize(("name", "modality"), EVERY)
def test_every_explainer_ends_when_it_is_called_off(reader, name, modality):
    answers = iter([] if name in ("attention", "grad_cam") else [False])
    called_off = SubjectReader(reader.models, stop=lambda: next(answers, True))
    with pytest.raises(StoppedError):
        build_explainer(name, modality, called_off).explain(SAMPLES[modality])


def test_a_long_text_is_read_in_parts_so_that_it_can_be_called_off(reader):
    asked = []
    text = "what a day " * 600
    counting = SubjectReader(reader.models, stop=lambda: asked.append(1) or len(asked) > 3)
    with pytest.raises(StoppedError):
        build_explainer("occlusion", Modality.TEXT, counting).explain(Sample(text=text))
    assert len(asked) == 4
