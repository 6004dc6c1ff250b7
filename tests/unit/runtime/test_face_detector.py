import numpy as np
import pytest

from emofuse.runtime.bundle import ModelBundle
from emofuse.runtime.face_detector import FaceDetector, pad_to_multiple, suppress_overlaps


class FixedSession:
    """Answers with given boxes and remembers what it was shown."""

    def __init__(self, scores, boxes):
        self.scores = np.array([scores], dtype=np.float32)
        self.boxes = np.array([boxes], dtype=np.float32).reshape(1, -1, 4)
        self.shape = None

    def run(self, output_names, input_feed):
        self.shape = input_feed["images"].shape
        return self.scores, self.boxes, np.tile(self.boxes[:, :, :2], (1, 1, 5))


def detector(session, tmp_path):
    bundle = ModelBundle(
        path=tmp_path,
        name="d",
        version="1",
        kind="face_detector",
        description="",
        preprocessing={"input_px": 320},
        outputs={},
        thresholds={"score": 0.5, "iou": 0.4},
        parameters={},
        metrics=(),
        data=(),
        recipe="",
        code_revision="",
        created="",
    )
    return FaceDetector(bundle, session)


def test_boxes_scale_back_to_a_picture_that_is_not_square(tmp_path):
    session = FixedSession([3.0], [[10, 20, 30, 40]])
    [face] = detector(session, tmp_path)(np.zeros((480, 640, 3), np.uint8))
    assert session.shape == (1, 256, 320, 3)  # 240 rows, padded to a multiple of 32
    assert (face.x, face.y, face.width, face.height) == (20, 40, 60, 80)
    assert face.score == pytest.approx(1 / (1 + np.exp(-3)))
    assert face.landmarks == ((20.0, 40.0),) * 5


def test_largest_face_first_and_weak_ones_dropped(tmp_path):
    session = FixedSession([0.5, 2.0, -0.1], [[0, 0, 50, 50], [100, 100, 10, 10], [200, 0, 90, 90]])
    faces = detector(session, tmp_path)(np.zeros((256, 320, 3), np.uint8))
    assert [face.width for face in faces] == [50, 10]


def test_nothing_found(tmp_path):
    session = FixedSession([-5.0], [[0, 0, 50, 50]])
    assert detector(session, tmp_path)(np.zeros((50, 60, 3), np.uint8)) == []


def test_overlaps_keep_the_best():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 10, 10], [20, 0, 10, 10]], dtype=np.float32)
    assert suppress_overlaps(boxes, np.array([0.6, 0.9, 0.7]), 0.4).tolist() == [1, 2]
    # IoU of the first two is 90 / 110.
    assert sorted(suppress_overlaps(boxes, np.array([0.6, 0.9, 0.7]), 0.82).tolist()) == [0, 1, 2]


def test_padding_goes_right_and_below():
    image = np.full((33, 64, 3), 9, np.uint8)
    padded = pad_to_multiple(image)
    assert padded.shape == (64, 64, 3)
    assert np.array_equal(padded[:33], image)
    assert (padded[33:] == 127).all()
    assert pad_to_multiple(padded) is padded
