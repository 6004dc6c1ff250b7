"""The table of bad input: each case its own code and sentence, nothing lost, no traceback."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from tests.unit.preprocess.test_image import bomb, encode, scene

from emofuse import Predictor, Sample


def picture(folder, name, data):
    (folder / name).write_bytes(data)
    return {"image": folder / name}


def photo(mode="RGB"):
    return Image.fromarray(scene(200, 160)).convert(mode)


# Name -> (parts of a sample, made in a folder; the code of its error).
REFUSED = {
    "empty text": (lambda _: {"text": ""}, "empty_text"),
    "white space": (lambda _: {"text": " \t\n "}, "empty_text"),
    "control characters alone": (lambda _: {"text": "\x00\x01"}, "empty_text"),
    "neither text nor image": (lambda _: {}, "empty_sample"),
    "missing file": (lambda d: {"image": d / "none.jpg"}, "image_not_found"),
    "directory": (lambda d: {"image": d}, "image_is_directory"),
    "zero bytes": (lambda d: picture(d, "empty.jpg", b""), "image_empty_file"),
    "text named jpg": (lambda d: picture(d, "text.jpg", b"hello there"), "not_an_image"),
    "truncated": (lambda d: picture(d, "cut.jpg", encode(photo(), "JPEG")[:900]), "image_truncated"),
    "one pixel": (
        lambda d: picture(d, "dot.png", encode(Image.new("RGB", (1, 1)), "PNG")),
        "image_too_small",
    ),
    "bomb": (lambda d: picture(d, "bomb.png", bomb()), "image_too_large"),
    "no face": (lambda d: picture(d, "scene.png", encode(photo(), "PNG")), "no_face"),
}

# Name -> (parts, code of the warning or None).
READ = {
    "a megabyte": (lambda _: {"text": "this is a wonderful day " * 42_000}, "text_sampled"),
    "long": (lambda _: {"text": "this is a wonderful day " * 100}, "text_windowed"),
    "lone surrogate": (lambda _: {"text": "so happy \ud83d today"}, "invalid_characters"),
    "NUL inside": (lambda _: {"text": "so\x00 happy"}, "invalid_characters"),
    "other script": (lambda _: {"text": "Я очень рад сегодня"}, "unsupported_script"),
    "emoji alone": (lambda _: {"text": "😂😂"}, None),
    "text beside a photo without a face": (
        lambda d: {"text": "so happy", **picture(d, "s.png", encode(photo(), "PNG"))},
        "no_face",
    ),
}

# Pictures in unusual encodings; read with `crop`, so that no face is needed.
ODD_PICTURES = {
    "animated GIF": (
        lambda: encode(photo(), "GIF", save_all=True, append_images=[photo("L").convert("RGB")]),
        "animated_first_frame",
    ),
    "16-bit PNG": (
        lambda: encode(Image.fromarray(np.arange(6400, dtype=np.uint16).reshape(80, 80)), "PNG"),
        None,
    ),
    "CMYK JPEG": (lambda: encode(photo("CMYK"), "JPEG"), None),
    "palette": (lambda: encode(photo("P"), "PNG"), None),
    "alpha": (lambda: encode(photo("RGBA"), "PNG"), None),
}


@pytest.fixture(scope="module")
def predictor():
    return Predictor.load()


@pytest.mark.parametrize("name", REFUSED)
def test_refused(predictor, tmp_path, name):
    make, code = REFUSED[name]
    good, bad, after = predictor.predict(
        [Sample(text="good"), Sample(id="bad", **make(tmp_path)), Sample(text="good")]
    )
    assert bad.error.code == code
    assert bad.error.message.endswith(".")
    assert bad.emotion is None
    assert good.error is None
    assert after.emotion == good.emotion


@pytest.mark.parametrize("name", READ)
def test_read_with_a_warning(predictor, tmp_path, name):
    make, code = READ[name]
    [prediction] = predictor.predict([Sample(**make(tmp_path))])
    assert prediction.error is None
    assert [warning.code for warning in prediction.warnings] == ([code] if code else [])


@pytest.mark.parametrize("name", ODD_PICTURES)
def test_odd_pictures_are_read(name):
    make, code = ODD_PICTURES[name]
    [prediction] = Predictor.load(crop=True).predict([Sample(image=make())])
    assert prediction.error is None
    assert [warning.code for warning in prediction.warnings] == ([code] if code else [])


def run(*arguments, stdin=b""):
    command = [sys.executable, "-m", "emofuse", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=120, check=False)


def test_command_line_answers_the_same_codes(tmp_path):
    images = {
        name: make(tmp_path)["image"] for name, (make, code) in REFUSED.items() if "image" in make(tmp_path)
    }
    arguments = [part for path in images.values() for part in ("--image", path)]
    done = run("predict", "--json", "I am glad", *arguments)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    first, *rest = [json.loads(line) for line in done.stdout.splitlines()]
    assert first["error"] is None
    assert [line["error"]["code"] for line in rest] == [REFUSED[name][1] for name in images]


def test_command_line_prints_errors_for_people(tmp_path):
    done = run("predict", "--image", tmp_path / "none.jpg")
    assert done.returncode == 1
    assert b"image_not_found" in done.stdout
    assert b"Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "listed"),
    [
        (["--taxonomy", "ekman9", "hi"], "unknown_taxonomy", b"ekman7"),
        (["--models", "nobody", "hi"], "unknown_model", b"face_ferplus"),
        (["--pair", "--text", "a"], "config", b"as many texts as images"),
    ],
)
def test_bad_usage_exits_with_two_and_lists_what_is_valid(arguments, code, listed):
    done = run("predict", *arguments)
    assert done.returncode == 2
    assert f"error[{code}]".encode() in done.stderr
    assert listed in done.stderr
    assert b"Traceback" not in done.stderr


def test_debug_shows_the_traceback():
    done = run("--debug", "predict", "--taxonomy", "ekman9", "hi")
    assert b"Traceback" in done.stderr
    assert done.returncode != 0
