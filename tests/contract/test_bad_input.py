"""The table of bad input: each case its own code and sentence, nothing lost, no traceback.

Every row goes through the predictor and through the command line in a process of its own.
"""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from tests.conftest import record_checksums
from tests.unit.preprocess.test_image import bomb, encode, scene

from emofuse import Predictor, Sample
from emofuse.errors import BundleError


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
}

# Name -> (parts, code of the warning or None).
READ = {
    "a megabyte": (lambda _: {"text": "this is a wonderful day " * 42_000}, "text_sampled"),
    "long": (lambda _: {"text": "this is a wonderful day " * 100}, "text_windowed"),
    "lone surrogate": (lambda _: {"text": "so happy \ud83d today"}, "invalid_characters"),
    "NUL inside": (lambda _: {"text": "so\x00 happy"}, "invalid_characters"),
    "other script": (lambda _: {"text": "Я очень рад сегодня"}, "unsupported_script"),
    "emoji alone": (lambda _: {"text": "😂😂"}, None),
    "photo without a face": (lambda d: picture(d, "scene.png", encode(photo(), "PNG")), "no_face"),
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


# Name -> (what is done to a good bundle; the code of the error; what its message says).
def alter(bundle):
    model = bundle / "model.onnx"
    model.write_bytes(model.read_bytes() + b"!")


def drop(bundle):
    (bundle / "model.onnx").unlink()


def age(bundle):
    path = bundle / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 99}))
    record_checksums(bundle)


def spoil(bundle):
    (bundle / "tokenizer.json").write_text("{}")
    record_checksums(bundle)


BAD_BUNDLES = {
    "wrong checksum": (alter, "bundle_checksum", "Install or copy"),
    "missing file": (drop, "bundle_file_missing", "has no model.onnx"),
    "newer schema": (age, "bundle_schema", "Upgrade emofuse"),
    "useless tokenizer": (spoil, "bundle_schema", "no tokenizer"),
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


def read(parts, *options):
    """A sample through the command line; a lone text by standard input, since no argument holds a NUL."""
    arguments = [part for key, value in parts.items() for part in (f"--{key}", value)]
    if list(parts) != ["text"]:
        return run("predict", "--json", *options, *arguments)
    stdin = parts["text"].encode("utf-8", errors="surrogatepass")
    return run("predict", "--json", *options, "-", stdin=stdin + b"\n")


def predictions(done):
    assert b"Traceback" not in done.stderr
    return [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]


@pytest.mark.parametrize("name", [name for name, (_, code) in REFUSED.items() if code != "empty_sample"])
def test_command_line_refuses_the_same(tmp_path, name):
    make, code = REFUSED[name]
    done = read(make(tmp_path))
    # White space with line breaks is several empty lines.
    assert {line["error"]["code"] for line in predictions(done)} == {code}
    assert done.returncode == 1


@pytest.mark.parametrize("name", READ)
def test_command_line_reads_the_same(tmp_path, name):
    make, code = READ[name]
    done = read(make(tmp_path))
    [prediction] = predictions(done)
    assert [warning["code"] for warning in prediction["warnings"]] == ([code] if code else [])
    assert done.returncode == 0


def test_command_line_reads_odd_pictures(tmp_path):
    images = []
    for number, (make, _) in enumerate(ODD_PICTURES.values()):
        images += ["--image", tmp_path / f"{number}"]
        images[-1].write_bytes(make())
    done = run("predict", "--json", "--crop", *images)
    found = [[warning["code"] for warning in line["warnings"]] for line in predictions(done)]
    assert found == [[code] if code else [] for _, code in ODD_PICTURES.values()]
    assert done.returncode == 0


def test_command_line_reads_97_of_100_in_order():
    texts = [b"a happy day"] * 100
    texts[3], texts[50], texts[99] = b"", b"\x00", b" \t"
    done = run("predict", "--json", "--models", "text_bilstm", "-", stdin=b"\n".join(texts) + b"\n")
    found = predictions(done)
    assert [line["id"] for line in found] == [str(number) for number in range(100)]
    assert [line["id"] for line in found if line["error"]] == ["3", "50", "99"]
    assert done.returncode == 1


@pytest.mark.parametrize("name", BAD_BUNDLES)
def test_bad_bundle(text_bundle, tmp_path, name):
    spoil_bundle, code, said = BAD_BUNDLES[name]
    bundle = shutil.copytree(text_bundle, tmp_path / "bundle")
    spoil_bundle(bundle)
    with pytest.raises(BundleError, match=said) as raised:
        Predictor.load([bundle]).predict([Sample(text="happy")])
    assert raised.value.code == code
    done = run("predict", "--models", bundle, "happy")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error[{code}]: ".encode())
    assert done.stderr.count(b"\n") == 1


# Name -> (a line that `emofuse track` reads; what the message says).
BAD_TURNS = {
    "no JSON": (b"hello", "not JSON"),
    "no turn": (b'{"speaker": "ann"}', "an object with a text"),
    "time that goes backwards": (b'{"text": "fine", "time": 1}', "backwards"),
    "time that is no number": (b'{"text": "fine", "time": "soon"}', "finite number"),
    "speaker that is no name": (b'{"text": "fine", "speaker": 5}', "is a name"),
    "other labels": (b'{"emotion": {"probabilities": {"happy": 1}}}', "each label of ekman7"),
}


def test_bad_turns_are_answered_in_their_place():
    good = b'{"text": "fine", "time": 2}'
    stdin = b"\n".join([good, *(line for line, _ in BAD_TURNS.values()), good])
    done = run("track", "--models", "text_bilstm", stdin=stdin)
    first, *bad, last = predictions(done)
    assert (first["turn"], last["turn"], done.returncode) == (1, 2, 1)
    for line, (_, said) in zip(bad, BAD_TURNS.values(), strict=True):
        assert line["error"]["code"] == "bad_turn"
        assert said in line["error"]["message"]


def test_a_damaged_tracker_state_is_refused(tmp_path):
    (tmp_path / "state.json").write_text('{"schema": 99}')
    done = run("track", "--state", tmp_path / "state.json")
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert done.stderr.startswith(b"error[tracker_state]: ")


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
