import io

import numpy as np
import pytest
from PIL import Image
from tests.conftest import PHOTOS

from emofuse.errors import ConfigError
from emofuse.preprocess import load_image
from emofuse.redact import FaceRedactor, mask_faces, redact_image, write_picture
from emofuse.runtime.model_set import ModelSet
from emofuse.types import FaceBox

FACES = [*sorted(PHOTOS.glob("drawn_*.png")), PHOTOS / "eileen_collins.jpg"]


@pytest.fixture(scope="module")
def detector():
    """As for reading faces."""
    return ModelSet(None, detector=None, threads=1).detector


def noise(height=120, width=100):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_the_head_with_its_margin_changes_and_nothing_else():
    image = noise()
    masked = mask_faces(image, [FaceBox(40, 50, 20, 20)])
    changed = (masked != image).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    # 0.35 widths aside and below, 0.6 heights above.
    assert (columns[0], columns[-1]) == (33, 66)
    assert (rows[0], rows[-1]) == (38, 76)
    assert changed[38:77, 33:67].mean() > 0.95


def test_only_nine_means_of_a_head_remain():
    image = noise()
    box = FaceBox(40, 50, 20, 20)
    other = image.copy()
    # Shuffled within its cells, a head keeps their means and looks different; masked, it looks the same.
    for top, bottom in ((38, 51), (51, 64), (64, 77)):
        other[top:bottom, 45:56] = other[top:bottom, 45:56][::-1, ::-1]
    means = lambda picture: Image.fromarray(picture[38:77, 33:67]).resize((3, 3), Image.Resampling.BOX)  # noqa: E731
    assert (np.asarray(means(other)).astype(int) - np.asarray(means(image))).max() <= 12
    difference = mask_faces(other, [box])[38:77, 33:67].astype(int) - mask_faces(image, [box])[38:77, 33:67]
    assert np.abs(difference).max() <= 12
    assert np.abs(image[38:77, 45:56].astype(int) - other[38:77, 45:56]).max() > 200


@pytest.mark.parametrize(
    "box", [FaceBox(-500, 0, 20, 20), FaceBox(-30, -30, 40, 40), FaceBox(0, 0, 1e5, 1e5)]
)
def test_boxes_beyond_the_picture(box):
    image = noise()
    before = image.copy()
    masked = mask_faces(image, [box])
    assert masked.shape == image.shape
    np.testing.assert_array_equal(image, before)
    assert (masked != image).any() == (box.x > -500)


def test_faces_are_looked_for_until_none_is_left():
    boxes = [[FaceBox(10, 10, 8, 8)], [FaceBox(60, 60, 8, 8)], []]
    redactor = FaceRedactor(lambda _: boxes.pop(0))
    image = noise()
    masked, count, _ = redactor.redact(image)
    assert count == 2
    expected = mask_faces(mask_faces(image, [FaceBox(10, 10, 8, 8)]), [FaceBox(60, 60, 8, 8)])
    np.testing.assert_array_equal(masked, expected)


@pytest.mark.parametrize("photo", FACES, ids=lambda path: path.name)
def test_no_face_is_found_afterwards(photo, detector):
    before = load_image(photo)[0]
    assert len(detector(before)) == 1
    after = redact_image(photo)
    assert after.shape == before.shape
    assert not detector(after)


def test_a_turned_photograph_comes_out_upright_and_without_its_data(tmp_path, detector):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010E] = "Jane at home"
    exif.get_ifd(0x8825)[2] = (48.0, 8.0, 0.0)  # latitude
    buffer = io.BytesIO()
    with Image.open(PHOTOS / "eileen_collins.jpg") as photo:
        photo.transpose(Image.Transpose.ROTATE_90).save(
            buffer, "JPEG", exif=exif, comment=b"Jane", quality=95
        )
        size = photo.size
    assert b"Jane at home" in buffer.getvalue()
    write_picture(redact_image(buffer.getvalue()), tmp_path / "out.jpg")
    written = (tmp_path / "out.jpg").read_bytes()
    assert b"Jane" not in written
    with Image.open(tmp_path / "out.jpg") as out:
        assert out.size == size
        assert not out.getexif()
        assert not {"exif", "comment", "icc_profile", "xmp"} & set(out.info)
    assert not detector(load_image(tmp_path / "out.jpg")[0])
    assert [path.name for path in tmp_path.iterdir()] == ["out.jpg"]


def test_a_format_that_is_none_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"\.jpeg, \.jpg"):
        write_picture(noise(), tmp_path / "out.txt")
