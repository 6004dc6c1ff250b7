import json
import shutil

import pytest

from emofuse.errors import (
    BundleChecksumError,
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


@pytest.mark.parametrize("name", ["model.onnx", "bundle.json", "tokenizer.json", "SHA256SUMS"])
def test_missing_file(bundle, name):
    (bundle / name).unlink()
    with pytest.raises(BundleFileMissingError, match=name.replace(".", r"\.")):
        load_bundle(bundle)


def test_wrong_checksum(bundle):
    model = bundle / "model.onnx"
    model.write_bytes(model.read_bytes() + b"!")
    with pytest.raises(BundleChecksumError, match=r"model\.onnx"):
        load_bundle(bundle)


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
    ],
)
def test_bad_manifest(bundle, changes, reason):
    edit(bundle, **changes)
    with pytest.raises(BundleSchemaError, match=reason):
        read_bundle(bundle)


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
