import numpy as np
import pytest

from emofuse.evaluate import picture_corruptions as pictures


def draws(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture
def picture():
    return np.random.default_rng(5).integers(0, 256, (48, 48, 3), dtype=np.uint8)


def flat(value, shape=(40, 60)):
    return np.full((*shape, 3), value, dtype=np.uint8)


def test_a_quarter_turn_is_exact(picture):
    np.testing.assert_array_equal(pictures.rotate(picture, 90, draws()), np.rot90(picture))


def test_a_turn_of_nothing_and_of_a_flat_picture(picture):
    np.testing.assert_array_equal(pictures.rotate(picture, 0, draws()), picture)
    # No black corners: the border is repeated.
    np.testing.assert_array_equal(pictures.rotate(flat(200), 30, draws()), flat(200))


def test_brightness_multiplies_and_cuts_off():
    np.testing.assert_array_equal(pictures.change_brightness(flat(100), 0.5, draws()), flat(50))
    np.testing.assert_array_equal(pictures.change_brightness(flat(100), 3, draws()), flat(255))


def test_contrast_draws_towards_the_mean():
    image = np.concatenate([flat(50), flat(150)])
    found = pictures.change_contrast(image, 0.5, draws())
    assert sorted(np.unique(found)) == [75, 125]


def test_noise_has_its_deviation_and_its_seed():
    image = flat(128, (200, 200))
    noisy = pictures.add_noise(image, 16, draws(1))
    assert noisy.std() == pytest.approx(16, rel=0.02)
    assert noisy.mean() == pytest.approx(128, abs=0.3)
    np.testing.assert_array_equal(noisy, pictures.add_noise(image, 16, draws(1)))
    assert (noisy != pictures.add_noise(image, 16, draws(2))).mean() > 0.9


def test_no_noise_is_no_change(picture):
    np.testing.assert_array_equal(pictures.add_noise(picture, 0, draws()), picture)


def test_blur_keeps_the_mean_and_grows_with_the_picture(picture):
    np.testing.assert_array_equal(pictures.blur(flat(77), 0.08, draws()), flat(77))
    assert pictures.blur(picture, 0.04, draws()).std() < picture.std() / 2
    edge = np.concatenate([flat(0, (40, 20)), flat(255, (40, 20))], axis=1)
    twice = edge.repeat(2, axis=0).repeat(2, axis=1)
    widths = [
        ((soft := pictures.blur(image, 0.05, draws())[0, :, 0]) > 10).sum() - (soft > 245).sum()
        for image in (edge, twice)
    ]
    assert widths[1] == pytest.approx(2 * widths[0], abs=2)


@pytest.mark.parametrize("seed", range(5))
def test_a_patch_covers_its_share_inside_the_picture(seed):
    covered = pictures.occlude(flat(0, (40, 60)), 0.25, draws(seed))
    rows, columns = np.nonzero(covered[:, :, 0] == pictures.GREY)
    # Half of each side.
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (20, 30)
    assert len(rows) == 600


def test_patches_of_growing_share_do_not_change_the_original():
    image = flat(0)
    shares = [(pictures.occlude(image, share, draws(3)) > 0).mean() for share in (0.0, 0.05, 0.1, 0.4, 1.0)]
    assert shares == pytest.approx([0, 0.05, 0.1, 0.4, 1], abs=0.01)
    assert image.max() == 0


def test_compression_loses_more_at_lower_quality(picture):
    errors = [
        np.abs(pictures.compress(picture, quality, draws()).astype(int) - picture).mean()
        for quality in (95, 50, 5)
    ]
    assert errors == sorted(errors)
    assert pictures.compress(picture, 5, draws()).shape == picture.shape


def test_small_pictures_come_back_in_blocks_means():
    image = np.zeros((4, 8, 3), dtype=np.uint8)
    image[:, 4:] = 200
    small = pictures.shrink(image, 1, draws())
    assert small.shape == image.shape
    assert small[0, 0, 0] == 0
    assert small[0, -1, 0] == 200
    np.testing.assert_array_equal(pictures.shrink(image, 4, draws()), image)
    np.testing.assert_array_equal(pictures.shrink(image, 12, draws()), image)
