import json
import shutil

import numpy as np
import pytest
from tests.conftest import record_checksums

from emofuse.errors import (
    BundleChecksumError,
    BundleError,
    BundleFileMissingError,
    BundleSchemaError,
    UnknownModelError,
)
from emofuse.runtime.bundle import list_bundles, load_bundle, read_bundle, verify_bundle


@pytest.fixture
def bundle(text_bundle, tmp_path):
    return shutil.copytree(text_bundle, tmp_path / "bundle")


def edit(bundle, **changes):
    path = bundle / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_folder_is_read_in_full(bundle):
    loaded = load_bundle(bundle)
    assert (loaded.name, loaded.version, loaded.kind) == ("tiny_text", "9.9.9", "text")
    assert loaded.outputs["goemotions28"].activation == "sigmoid"
    assert loaded.size_bytes == sum(f.stat().st_size for f in bundle.iterdir())


def test_unknown_name_lists_the_embedded_ones():
    with pytest.raises(UnknownModelError, match="fusion_default"):
        load_bundle("text_gpt")


@pytest.mark.parametrize(
    "name", ["model.onnx", "bundle.json", "tokenizer.json", "MODEL_CARD.md", "SHA256SUMS"]
)
def test_missing_file(bundle, name):
    (bundle / name).unlink()
    with pytest.raises(BundleFileMissingError, match=name.replace(".", r"\.")):
        load_bundle(bundle)


def test_missing_file_that_the_checksums_do_not_list_either(bundle):
    (bundle / "MODEL_CARD.md").unlink()
    record_checksums(bundle)
    with pytest.raises(BundleFileMissingError, match=r"MODEL_CARD\.md"):
        load_bundle(bundle)


def test_wrong_checksum(bundle):
    model = bundle / "model.onnx"
    model.write_bytes(model.read_bytes() + b"!")
    with pytest.raises(BundleChecksumError, match=r"model\.onnx"):
        load_bundle(bundle)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"no checksum\n", b"abc  model.onnx\n"])
def test_checksums_that_are_none(bundle, content):
    (bundle / "SHA256SUMS").write_bytes(content)
    with pytest.raises(BundleChecksumError, match="no list of SHA-256"):
        verify_bundle(bundle)


def test_checksums_in_binary_mode(bundle):
    sums = bundle / "SHA256SUMS"
    sums.write_text(sums.read_text().replace("  ", " *"))
    verify_bundle(bundle)


def test_unlisted_file(bundle):
    (bundle / "payload.pkl").write_bytes(b"")
    with pytest.raises(BundleChecksumError, match=r"payload\.pkl"):
        verify_bundle(bundle)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schema": 2}, "Upgrade emofuse"),
        ({"kind": "speech"}, "unknown kind 'speech'"),
        ({"outputs": {"ekman7": {"labels": ["joy"]}}}, "orders the labels"),
        ({"outputs": 3}, "lacks or misuses"),
        ({"preprocessing": {}}, "max_tokens"),
    ],
)
def test_bad_manifest(bundle, changes, reason):
    edit(bundle, **changes)
    with pytest.raises(BundleSchemaError, match=reason):
        read_bundle(bundle)


@pytest.mark.parametrize(
    ("key", "value"), [("activation", "relu"), ("temperature", 0), ("temperature", float("nan"))]
)
def test_bad_head(bundle, key, value):
    outputs = json.loads((bundle / "bundle.json").read_text())["outputs"]
    outputs["ekman7"][key] = value
    edit(bundle, outputs=outputs)
    with pytest.raises(BundleSchemaError, match=key):
        read_bundle(bundle)


def test_labels_without_a_threshold_get_one_half(bundle):
    outputs = json.loads((bundle / "bundle.json").read_text())["outputs"]
    outputs["ekman7"]["thresholds"] = None
    outputs["sentiment3"]["thresholds"] = {"positive": 0.7}
    edit(bundle, outputs=outputs)
    loaded = read_bundle(bundle).outputs
    assert set(loaded["ekman7"].thresholds.values()) == {0.5}
    assert loaded["sentiment3"].thresholds == {"negative": 0.5, "neutral": 0.5, "positive": 0.7}
    assert loaded["sentiment3"].limits.tolist() == [0.5, 0.5, np.float32(0.7)]


def test_manifest_without_a_key_or_without_json(bundle):
    path = bundle / "bundle.json"
    data = json.loads(path.read_text())
    del data["temperature" if "temperature" in data else "version"]
    path.write_text(json.dumps(data))
    with pytest.raises(BundleSchemaError, match="version"):
        read_bundle(bundle)
    path.write_text("{")
    with pytest.raises(BundleSchemaError, match="not valid JSON"):
        read_bundle(bundle)


@pytest.mark.parametrize("name", list_bundles())
def test_embedded_bundles_are_intact_and_complete(name):
    bundle = load_bundle(name)
    verify_bundle(bundle.path)
    assert bundle.name == name
    assert (bundle.path / "MODEL_CARD.md").read_text().startswith(f"# {name} {bundle.version}")


def test_a_folder_that_cannot_be_read_is_a_bundle_error(tmp_path):
    (tmp_path / "SHA256SUMS").write_text("")
    (tmp_path / "bundle.json").mkdir()
    for path in (tmp_path, tmp_path / ("x" * 300)):
        with pytest.raises(BundleError, match="cannot be read"):
            load_bundle(path)
