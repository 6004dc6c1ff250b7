import numpy as np
import pytest

from emofuse.errors import ConfigError
from emofuse.preprocess import prepare_crop
from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.model_set import open_face_model, open_text_model
from emofuse.train.config import build_config
from emofuse.train.distill import add_teacher
from emofuse.train.recipe import DistillConfig, Recipe
from emofuse.types import Sample


def recipe_with(*heads):
    corpora = [{"name": "meld", "root": ".", "heads": dict.fromkeys(heads, "ekman7")}]
    return build_config(
        Recipe,
        {
            "name": "x",
            "task": "text",
            "encoder": {"name": "bilstm"},
            "heads": {head: {"loss": "focal"} for head in heads},
            "corpora": corpora,
        },
    )


def test_teacher_mixes_with_labels_and_fills_what_is_unlabelled(text_bundle):
    config = DistillConfig(teacher=str(text_bundle), weight=0.25)
    samples = [Sample(id="1", text="happy day"), Sample(id="2", text="sad day"), Sample(id="3", text=" ")]
    label = np.eye(7, dtype=np.float32)[2]
    targets = add_teacher(recipe_with("ekman7"), config, samples, [{"ekman7": label}, {}, {"ekman7": label}])
    first, second = open_text_model(load_bundle(text_bundle)).predict(["happy day", "sad day"])
    np.testing.assert_allclose(targets[0]["ekman7"], 0.75 * label + 0.25 * first.probabilities["ekman7"])
    np.testing.assert_allclose(targets[1]["ekman7"], second.probabilities["ekman7"])
    np.testing.assert_array_equal(targets[2]["ekman7"], label)


def test_teacher_without_a_common_head_is_refused(text_bundle):
    with pytest.raises(ConfigError, match="no text model with one of the heads emotion6"):
        add_teacher(recipe_with("emotion6"), DistillConfig(teacher=str(text_bundle)), [], [])


def test_a_face_teacher_sees_the_mirror_image_too(face_bundle):
    random = np.random.default_rng(0)
    crops = [random.integers(0, 256, (48, 48, 3), dtype=np.uint8) for _ in range(2)]
    teacher = open_face_model(load_bundle(face_bundle))
    head = next(iter(teacher.bundle.outputs))
    data = {
        "name": "x",
        "task": "face",
        "encoder": {"name": "cnn"},
        "heads": {head: {"loss": "focal"}},
        "corpora": [{"name": "ferplus", "root": ".", "heads": {head: "ferplus8"}}],
    }
    samples = [Sample(id=str(i), image=crop) for i, crop in enumerate(crops)]
    config = DistillConfig(teacher=str(face_bundle), weight=1.0)
    targets = add_teacher(build_config(Recipe, data), config, samples, [{}, {}])
    for crop, target in zip(crops, targets, strict=True):
        views = [prepare_crop(crop, size_px=48), prepare_crop(crop[:, ::-1].copy(), size_px=48)]
        np.testing.assert_allclose(target[head], teacher.predict(views)[head].mean(axis=0), atol=1e-6)


def test_a_teacher_of_another_kind_is_refused(face_bundle):
    with pytest.raises(ConfigError, match="no text model"):
        add_teacher(recipe_with("ekman7"), DistillConfig(teacher=str(face_bundle)), [], [])
