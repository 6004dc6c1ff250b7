import numpy as np
import pytest
from tests.unit.explain.fakes import FakePictureReader

from emofuse import FaceBox, Modality, Sample
from emofuse.errors import NoModalityError
from emofuse.explain.picture import CELLS, PictureOcclusion, areas_of


def grey(height=160, width=240):
    return np.full((height, width, 3), 60, np.uint8)


def test_the_map_peaks_where_the_model_looks():
    image = grey()
    image[80:100, 90:120] = 255
    explainer = PictureOcclusion(FakePictureReader(slice(80, 100), slice(90, 120)), Modality.SCENE)
    [heat] = explainer.explain(Sample(image=image), "joy").maps
    assert (heat.x, heat.y, heat.width, heat.height) == (0, 0, 240, 160)
    assert heat.values.shape == (CELLS, CELLS)
    # Cells are 20 px high and 30 px wide: the bright rectangle is row 4, column 3.
    assert np.unravel_index(heat.values.argmax(), heat.values.shape) == (4, 3)
    # A patch is two cells a side: beyond its reach nothing matters.
    reached = np.zeros((CELLS, CELLS), bool)
    reached[3:6, 2:5] = True
    assert (heat.values[~reached] == 0).all()
    assert (heat.values[reached] > 0).all()


def test_a_covered_part_counts_as_much_as_the_probability_falls():
    image = grey()
    image[80:100, 90:120] = 255
    reader = FakePictureReader(slice(80, 100), slice(90, 120))
    [heat] = PictureOcclusion(reader, Modality.SCENE).explain(Sample(image=image), "joy").maps
    colour = round(float(image[..., 0].mean()))
    # All four patches over the cell cover all that the model sees.
    assert heat.values[4, 3] == pytest.approx(0.6 * (255 - colour) / 255, abs=1e-5)


def test_what_speaks_against_the_label_is_below_zero():
    image = grey()
    image[80:100, 90:120] = 255
    reader = FakePictureReader(slice(80, 100), slice(90, 120))
    [heat] = PictureOcclusion(reader, Modality.SCENE).explain(Sample(image=255 - image), "joy").maps
    assert heat.values.min() < 0


def test_faces_are_mapped_around_their_boxes_at_most_four():
    boxes = [(30 * i, 20, 20 - i, 20 - i) for i in range(6)]
    reader = FakePictureReader(slice(20, 40), slice(0, 20), boxes, Modality.FACE)
    explanation = PictureOcclusion(reader, Modality.FACE).explain(Sample(image=grey()), "joy")
    assert len(explanation.maps) == 4
    assert [notice.code for notice in explanation.notices] == ["faces_left_out"]
    first = explanation.maps[0]
    assert (first.x, first.y, first.width) == pytest.approx((10 - 12.8, 30 - 12.8, 25.6))


def test_the_square_of_a_tilted_face_holds_all_of_it():
    reader = FakePictureReader(slice(0, 9), slice(0, 9), modality=Modality.FACE)
    subject = reader.read(Sample(image=grey()))
    eyes = ((100.0, 60.0), (130.0, 90.0))
    object.__setattr__(subject, "boxes", (FaceBox(90, 50, 50, 50, 1.0, eyes),))
    [(left, top, right, bottom)] = areas_of(subject, Modality.FACE, crop=False)
    assert right - left == pytest.approx(1.28 * 50 * 2**0.5)
    assert (left + right) / 2 == pytest.approx(115)
    assert (top + bottom) / 2 == pytest.approx(75)


def test_a_crop_is_taken_whole_or_its_middle_square():
    reader = FakePictureReader(slice(0, 9), slice(0, 9), modality=Modality.FACE)
    subject = reader.read(Sample(image=grey()))
    assert areas_of(subject, Modality.FACE, crop=True) == [(40, 0, 200, 160)]


def test_a_modality_that_was_not_read_cannot_be_explained():
    reader = FakePictureReader(slice(0, 9), slice(0, 9))
    with pytest.raises(NoModalityError, match="no face"):
        PictureOcclusion(reader, Modality.FACE).explain(Sample(image=grey()))


def test_a_face_of_one_pixel_is_no_reason_to_fail():
    reader = FakePictureReader(slice(0, 9), slice(0, 9), [(30.2, 20.2, 0.1, 0.1)], Modality.FACE)
    [heat] = PictureOcclusion(reader, Modality.FACE).explain(Sample(image=grey()), "joy").maps
    assert np.isfinite(heat.values).all()


def test_the_picture_itself_is_left_as_it_was():
    image = grey()
    before = image.copy()
    PictureOcclusion(FakePictureReader(slice(0, 9), slice(0, 9)), Modality.SCENE).explain(Sample(image=image))
    assert (image == before).all()
