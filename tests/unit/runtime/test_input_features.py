import numpy as np
import pytest
from tests.conftest import bright_square

from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.input_features import PictureMeter, TextMeter, measure_picture
from emofuse.types import FaceBox


def test_a_text_is_counted_as_its_model_reads_it(text_bundle):
    meter = TextMeter(load_bundle(text_bundle))
    assert meter.measure("The day is HAPPY!") == {"tokens": 5, "unknown": 0.2, "continued": 0}
    assert meter.measure("  ") == {}
    window = np.array([1, 7, 8, 0, 0, 2])
    assert meter.measure_window(window) == {"tokens": 4, "unknown": 0.5, "continued": 0}
    assert meter.measure_window(np.array([1, 2])) == {}


def test_a_long_text_counts_as_one_of_its_windows(text_bundle):
    meter = TextMeter(load_bundle(text_bundle))
    # 25 tokens do not fit into two windows of 10.
    assert meter.measure("day " * 25)["tokens"] == 8
    assert meter.measure("day " * 100_000) == meter.measure("day " * 250)


def test_misspelt_words_have_more_pieces():
    meter = TextMeter(load_bundle("text_bilstm"))
    right, wrong = meter.measure("I am really proud of you"), meter.measure("I am rwally pruod of yoiu")
    assert right["continued"] == 0
    assert wrong["continued"] > 0.4
    assert right["unknown"] == wrong["unknown"] == 0


def test_brightness_and_sharpness_by_hand():
    flat = np.full((8, 8), 100, dtype=np.uint8)
    assert measure_picture(flat) == {"brightness": 100, "sharpness": -2}
    # A Laplacian of 4 * 10 where there is the point, -10 beside it: of 9 places 1 and 4, 4 at 0.
    point = np.zeros((5, 5), dtype=np.uint8)
    point[2, 2] = 10
    found = measure_picture(point)
    assert found["brightness"] == pytest.approx(10 / 25)
    assert found["sharpness"] == pytest.approx(np.log10((1600 + 4 * 100) / 9))
    colours = np.zeros((4, 4, 3), dtype=np.uint8)
    colours[..., 1] = 200
    assert measure_picture(colours)["brightness"] == pytest.approx(0.587 * 200)


def test_a_face_model_looks_at_the_largest_face(face_bundle, scene_bundle):
    image, box = bright_square(), FaceBox(30, 20, 64, 64)
    faces, scenes = PictureMeter(load_bundle(face_bundle)), PictureMeter(load_bundle(scene_bundle))
    assert faces.measure(image, [box])["brightness"] > 100
    assert faces.measure(image, []) == {}
    assert faces.measure(b"none", [box]) == scenes.measure(b"none", []) == {}
    share = 230 * 64 * 64 / (120 * 160)
    assert scenes.measure(image, [])["brightness"] == pytest.approx(share, rel=0.05)
    whole = image[20:84, 30:94]
    assert faces.measure(whole, [FaceBox(0, 0, 64, 64)]) == {"brightness": 230, "sharpness": -2}
