import json

import pytest
from click.testing import CliRunner
from PIL import Image
from tests.conftest import PHOTOS

from emofuse.cli import cli, main
from emofuse.errors import ConfigError

PHOTO = PHOTOS / "drawn_happy.png"


def invoke(*arguments):
    return CliRunner().invoke(cli, ["explain", *map(str, arguments)], catch_exceptions=False)


def test_text_becomes_json(tmp_path):
    done = invoke("--text", "so happy", "--models", "text_bilstm", "-o", tmp_path / "new" / "why.json")
    assert done.output.startswith("text: joy 0.")
    assert done.output.endswith(" (fused), by occlusion\n")
    plain = json.loads((tmp_path / "new" / "why.json").read_text())
    [own] = plain["explanations"]
    assert [word["text"] for word in own["words"]] == ["so", "happy"]
    assert own["words"][1]["attribution"] > own["words"][0]["attribution"]


def test_half_a_surrogate_is_written(tmp_path):
    for form in ("json", "html"):
        invoke("--text", "happy \ud83d day", "--models", "text_bilstm", "-o", tmp_path / f"why.{form}")
    words = json.loads((tmp_path / "why.json").read_text())["explanations"][0]["words"]
    assert words[1]["text"] == "\ud83d"
    assert "happy" in (tmp_path / "why.html").read_text(encoding="utf-8")


def test_a_face_becomes_a_picture_and_a_page(tmp_path):
    for form in ("PNG", "html"):
        invoke("--image", PHOTO, "--crop", "--label", "joy", "-o", tmp_path / f"why.{form}")
    with Image.open(tmp_path / "why.PNG") as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 240
    assert "data:image/jpeg;base64," in (tmp_path / "why.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--text", "hi", "-o", "why.txt"], "must end in"),
        (["--text", "hi", "-o", "why.png"], "no map of a picture"),
        (["--text", "hi", "--method", "magic", "-o", "why.html"], "Valid: attention"),
        (["--text", "hi", "--method", "grad_cam", "-o", "why.html"], "cannot explain"),
    ],
)
def test_bad_usage_names_what_is_valid(arguments, said):
    with pytest.raises(ConfigError, match=said):
        invoke("--models", "text_bilstm", *arguments)


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        invoke("--models", "text_bilstm", "--text", "hi", "-o", tmp_path / "file" / "why.html")


def test_the_picture_itself_is_never_overwritten(tmp_path):
    photo = tmp_path / "photo.png"
    photo.write_bytes(PHOTO.read_bytes())
    (tmp_path / "link.png").symlink_to(photo)
    for output in (photo, tmp_path / "link.png"):
        with pytest.raises(ConfigError, match="the input itself"):
            invoke("--image", photo, "--crop", "-o", output)
    assert photo.read_bytes() == PHOTO.read_bytes()


def test_something_to_explain_and_a_file_are_needed(tmp_path):
    assert invoke("-o", tmp_path / "why.html").exit_code == 2
    assert invoke("--text", "hi").exit_code == 2


def test_an_unknown_label_exits_with_two(tmp_path, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["explain", "--text", "hi", "--label", "bliss", "-o", str(tmp_path / "why.html")])
    assert exit_.value.code == 2
    assert "error[unknown_label]" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
