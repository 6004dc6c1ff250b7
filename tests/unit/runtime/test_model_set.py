import shutil
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from tests.conftest import find_bright, record_checksums

from emofuse.errors import BundleSchemaError, ConfigError
from emofuse.runtime.model_set import DEFAULT_MODELS, ModelSet
from emofuse.types import Modality

THREADS = 8


def build(*models, detector=None):
    return ModelSet(models or None, detector=detector, threads=1)


def test_a_model_replaces_only_its_own_kind(text_bundle):
    models = build(text_bundle)
    assert models.bundle("text").name == "tiny_text"
    others = [kind for kind in DEFAULT_MODELS if kind not in {"text", "scene"}]
    assert [models.bundle(kind).name for kind in others] == [DEFAULT_MODELS[kind] for kind in others]


@pytest.mark.parametrize(
    "use",
    [
        lambda models: models.texts()[0],
        lambda models: models.images(Modality.FACE)[0],
        lambda models: models.detector,
    ],
    ids=["text", "face", "detector"],
)
def test_threads_that_need_a_model_at_once_open_it_once(text_bundle, face_bundle, use):
    models, barrier = build(text_bundle, face_bundle), Barrier(THREADS)

    def first_use(_):
        barrier.wait()
        return use(models)

    with ThreadPoolExecutor(THREADS) as pool:
        opened = list(pool.map(first_use, range(THREADS)))
    assert len({id(model) for model in opened}) == 1


def test_a_detector_of_ones_own_has_no_version():
    assert build(detector=find_bright).detector is find_bright
    assert build(detector=find_bright).detector_versions() == {}
    assert list(build().detector_versions()) == ["face_detector"]


def test_two_of_one_kind(text_bundle):
    with pytest.raises(ConfigError, match="one text model, not both tiny_text and text_bilstm"):
        build(text_bundle, "text_bilstm")


def test_a_tokenizer_that_is_none(text_bundle, tmp_path):
    bundle = shutil.copytree(text_bundle, tmp_path / "bundle")
    (bundle / "tokenizer.json").write_text("{}")
    record_checksums(bundle)
    with pytest.raises(BundleSchemaError, match=r"tokenizer\.json is no tokenizer"):
        build(bundle).texts()[0].predict(["happy"])
