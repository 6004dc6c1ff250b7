import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from emofuse.preprocess import cut_face, prepare_crop, resize_to_fit
from emofuse.types import FaceBox


def gradient(width=160, height=120):
    """Grey value = x, so that a cut tells where it was made."""
    return np.repeat(np.tile(np.arange(width, dtype=np.uint8), (height, 1))[:, :, None], 3, axis=2)


def test_cut_is_a_square_of_1_28_box_widths_around_the_centre():
    crop = cut_face(gradient(), FaceBox(60, 40, 50, 30))
    # Centre x = 85, side = 64: from 53 to 117.
    assert crop.shape == (48, 48)
    assert crop.dtype == np.uint8
    assert crop[24, 0] == pytest.approx(53, abs=1.5)
    assert crop[24, -1] == pytest.approx(116, abs=1.5)
    assert np.ptp(crop[:, 10].astype(int)) <= 1


def test_outside_the_picture_the_border_repeats():
    crop = cut_face(gradient(), FaceBox(-20, 40, 40, 40))
    assert crop[24, :20].max() <= 1
    assert crop[24, -1] == pytest.approx(25, abs=1.5)


def tilted(degrees):
    picture = Image.new("L", (200, 200), 0)
    picture.paste(255, (40, 96, 160, 104))
    turned = np.asarray(picture.rotate(-degrees, resample=Image.Resampling.BILINEAR))
    angle = math.radians(degrees)
    eyes = [(100 + r * math.cos(angle), 100 + r * math.sin(angle)) for r in (-40, 40)]
    return np.repeat(turned[:, :, None], 3, axis=2), (*eyes, (100.0, 110.0), (80.0, 130.0), (120.0, 130.0))


@pytest.mark.parametrize("degrees", [-30, -10, 0, 12, 35])
def test_small_tilts_are_levelled_by_the_eyes(degrees):
    image, landmarks = tilted(degrees)
    crop = cut_face(image, FaceBox(50, 50, 100, 100, 1.0, landmarks)).astype(int)
    rows = [int(np.argmax(crop[:, column])) for column in (10, 24, 38)]
    assert max(rows) - min(rows) <= 2
    assert abs(rows[1] - 24) <= 2


def test_steep_tilts_are_left_alone():
    image, landmarks = tilted(60)
    plain = cut_face(image, FaceBox(50, 50, 100, 100))
    assert np.array_equal(cut_face(image, FaceBox(50, 50, 100, 100, 1.0, landmarks)), plain)


@pytest.mark.parametrize("shape", [(8, 100_000), (100_000, 8), (8, 8)])
@pytest.mark.parametrize("left_eye", [(1.0, 0.0), (1.0, 0.3)])
def test_box_far_larger_than_a_long_thin_picture_needs_little_memory(shape, left_eye):
    image = np.full((*shape, 3), 77, dtype=np.uint8)
    landmarks = ((0.0, 0.0), left_eye, (0.0, 0.0), (0.0, 0.0), (0.0, 0.0))
    tracemalloc.start()
    crop = cut_face(image, FaceBox(0, 0, 1e6, 1e6, 1.0, landmarks))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.array_equal(crop, np.full((48, 48), 77))
    assert peak < 200e6


def test_reduced_pictures_keep_the_geometry():
    # 2,000 x 10,000 px, left half black: a square beyond the height is cut at the same place.
    image = np.zeros((2000, 10_000, 3), dtype=np.uint8)
    image[:, 5000:] = 200
    crop = cut_face(image, FaceBox(3000, -1000, 4000, 4000))
    assert crop[:, :23].max() == 0
    assert crop[:, 25:].min() == 200


@given(
    st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0.01, 1e6), st.floats(0.01, 1e6), st.floats(-3, 3)
)
def test_any_box_gives_a_crop(x, y, width, height, angle):
    eyes = ((0.0, 0.0), (math.cos(angle), math.sin(angle)))
    crop = cut_face(gradient(64, 48), FaceBox(x, y, width, height, 1.0, eyes))
    assert crop.shape == (48, 48)


def test_whole_picture_of_the_right_size_is_returned_bit_for_bit():
    face = np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)
    assert np.array_equal(prepare_crop(np.repeat(face[:, :, None], 3, axis=2)), face)


def test_wide_picture_is_cut_to_its_middle():
    crop = prepare_crop(gradient(160, 40))
    assert crop[24, 0] == pytest.approx(60, abs=1.5)
    assert crop[24, -1] == pytest.approx(99, abs=1.5)


def test_resize_never_enlarges_and_keeps_the_aspect():
    image = gradient(160, 120)
    same, scale = resize_to_fit(image, 200)
    assert same is image
    assert scale == 1
    small, scale = resize_to_fit(image, 80)
    assert small.shape == (60, 80, 3)
    assert scale == 0.5
