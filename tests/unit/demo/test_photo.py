import base64
import io

import numpy as np
from PIL import Image

from emofuse.demo.photo import load_photo, name_upload, show_picture
from emofuse.types import ErrorEntry, Notice, Prediction


def test_picture_is_shown_small_and_measured_whole():
    image = np.zeros((600, 1200, 3), np.uint8)
    image[:, 600:] = 255

    shown = show_picture(image, longest_px=320)

    head, data = shown.source.split(",")
    small = Image.open(io.BytesIO(base64.b64decode(data)))
    assert head == "data:image/jpeg;base64"
    assert small.size == (320, 160)
    assert small.getpixel((20, 80))[0] < 20
    assert small.getpixel((300, 80))[0] > 235
    assert (shown.width, shown.height) == (1200, 600)


def test_small_picture_is_not_blown_up():
    shown = show_picture(np.zeros((48, 48, 3), np.uint8))

    assert Image.open(io.BytesIO(base64.b64decode(shown.source.split(",")[1]))).size == (48, 48)


def test_photo_is_turned_upright_and_a_broken_one_left_to_the_predictor(tmp_path):
    turned, broken = tmp_path / "turned.jpg", tmp_path / "broken.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(turned, exif=exif)
    broken.write_bytes(b"?")

    assert load_photo(str(turned)).shape == (40, 20, 3)
    assert load_photo(str(broken)) == str(broken)
    assert load_photo(None) is None


def test_upload_is_called_by_its_name():
    path = "/folder/of/the/server/cat.jpg"
    error = ErrorEntry("not_an_image", f"{path} is not a picture.", path)
    prediction = Prediction(id="0", error=error, warnings=(Notice("x", f"{path}: first frame."),))

    named = name_upload(prediction, path)

    assert named.error == ErrorEntry("not_an_image", "cat.jpg is not a picture.", "cat.jpg")
    assert named.warnings == (Notice("x", "cat.jpg: first frame."),)
    assert name_upload(prediction, None) == prediction
