import pytest

from emofuse.errors import ConfigError
from emofuse.export.bundle_writer import clear_bundle


def test_a_folder_with_other_files_is_left_as_it_is(tmp_path):
    (tmp_path / "members").mkdir()
    (tmp_path / "members" / "list.csv").write_text("ours")
    (tmp_path / "bundle.json").write_text("{}")
    with pytest.raises(ConfigError, match="holds other files, such as members"):
        clear_bundle(tmp_path)
    assert (tmp_path / "members" / "list.csv").read_text() == "ours"
    assert (tmp_path / "bundle.json").exists()


def test_an_old_bundle_goes_with_its_members(tmp_path):
    (tmp_path / "members" / "scene").mkdir(parents=True)
    (tmp_path / "members" / "scene" / "bundle.json").write_text("{}")
    (tmp_path / "model.onnx").write_bytes(b"")
    clear_bundle(tmp_path)
    assert not list(tmp_path.iterdir())
