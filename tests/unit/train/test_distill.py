import numpy as np
import pytest

from emofuse.errors import ConfigError
from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.model_set import open_text_model
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


def test_a_teacher_of_another_kind_is_refused(face_bundle):
    with pytest.raises(ConfigError, match="no text model"):
        add_teacher(recipe_with("ekman7"), DistillConfig(teacher=str(face_bundle)), [], [])
