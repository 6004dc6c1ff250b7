import dataclasses

import numpy as np
import pytest
import torch

from emofuse.errors import CorpusNotFoundError
from emofuse.export.detector import export_network
from emofuse.export.onnx_model import check_parity
from emofuse.train.face_detection.labels import Photos, ReferenceDetector, find_photos
from emofuse.train.face_detection.losses import assign, detection_loss, points_of
from emofuse.train.face_detection.network import FaceDetectorNetwork
from emofuse.train.face_detection.recipe import DetectorRecipe, SceneConfig
from emofuse.train.face_detection.scenes import Scenes, collate_scenes, draw_scene
from emofuse.train.recipe import TrainConfig

CHANNELS = (8, 8, 16, 16, 16, 16)
RECIPE = DetectorRecipe(
    name="d",
    task="face_detector",
    photos="p",
    reference="r",
    channels=CHANNELS,
    scenes=SceneConfig(canvas_px=128, whole=0.0, rotate_deg=0.0, steep_deg=0.0, face_px=(40.0, 41.0)),
)


def box(x, y, side, score=0.95):
    points = [(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)]
    flat = [value for px, py in points for value in (x + px * side, y + py * side)]
    return [x, y, side, side, *flat, score]


def photo():
    image = np.zeros((200, 300, 3), dtype=np.uint8)
    image[60:100, 120:160] = 255
    return image, np.array([box(120, 60, 40)], dtype=np.float32)


def test_points_lie_at_cell_centres():
    points, strides = points_of(64)
    assert len(points) == 64 + 16 + 4
    assert points[0].tolist() == [4, 4]
    assert points[64].tolist() == [8, 8]
    assert strides[-1] == 32


def test_faces_go_to_the_points_near_their_centre_at_their_scale():
    points, strides = points_of(128)
    face, counted = assign(torch.tensor([box(40, 40, 24)]), torch.tensor([True]), points, strides)
    chosen = points[face == 0]
    assert len(chosen)
    assert set(strides[face == 0].tolist()) == {8.0}
    assert (chosen - 52).abs().max() <= 8
    assert counted[face == 0].all()


def test_boxes_are_decoded_about_their_points():
    network = FaceDetectorNetwork(CHANNELS).eval()
    for head in network.heads:
        torch.nn.init.zeros_(head.weight)
        # Score, shift by half a stride to the right, twice as wide as a stride, landmarks one stride below.
        values = [-1.5, 0.5, 0.0, np.log(2.0), 0.0, *[0.0, 1.0] * 5]
        head.bias.data = torch.tensor(values, dtype=torch.float32)
    with torch.no_grad():
        scores, boxes, landmarks = network(torch.zeros(1, 64, 96, 3, dtype=torch.uint8))
    points = 8 * 12 + 4 * 6 + 2 * 3
    assert scores.shape == (1, points)
    assert (scores == -1.5).all()
    # Second point of the second row at stride 8 is (12, 12); last point at stride 32 is (80, 48).
    assert boxes[0, 13].tolist() == pytest.approx([8, 8, 16, 8])
    assert landmarks[0, 13].tolist() == pytest.approx([12, 20] * 5)
    assert boxes[0, -1].tolist() == pytest.approx([64, 32, 64, 32])
    assert landmarks[0, -1].tolist() == pytest.approx([80, 80] * 5)


def test_points_in_an_ignored_box_are_left_out():
    points, strides = points_of(128)
    face, counted = assign(torch.tensor([box(40, 40, 24, 0.4)]), torch.tensor([False]), points, strides)
    inside = ((points > 40) & (points < 64)).all(dim=1)
    assert (face == -1).all()
    assert torch.equal(~counted, inside)


def test_boxes_follow_the_picture():
    random = np.random.default_rng(0)
    image, boxes = photo()
    for _ in range(20):
        canvas, moved, learn = draw_scene(image, boxes, RECIPE, random)
        assert canvas.shape == (128, 128, 3)
        if not learn[0]:
            continue
        x, y, width, height = moved[0, :4]
        assert 35 < width < 46
        inner = canvas[max(0, int(y + 6)) : int(y + height - 6), max(0, int(x + 6)) : int(x + width - 6)]
        assert inner.mean() > canvas.mean()
        right_eye, left_eye = moved[0, 4], moved[0, 6]
        assert right_eye < left_eye


def test_training_lowers_the_loss():
    torch.manual_seed(0)
    image, boxes = photo()
    shapes = np.array([image.shape[:2]] * 8, dtype=np.int32)
    photos = Photos(
        np.tile(image.reshape(-1), 8), shapes, np.tile(boxes, (8, 1)), np.arange(8, dtype=np.int32)
    )
    batch = collate_scenes(list(Scenes(photos, RECIPE, 0)))
    network = FaceDetectorNetwork(CHANNELS)
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    losses = []
    for _ in range(30):
        parts = detection_loss(network(batch[0]), batch[1], batch[2], 128)
        total = parts["score"] + parts["box"] + parts["landmarks"]
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        losses.append(total.item())
    assert losses[-1] < 0.7 * losses[0]


def several_photos(count):
    image, boxes = photo()
    shapes = np.array([image.shape[:2]] * count, dtype=np.int32)
    pixels = np.concatenate([(image // (1 + i)).reshape(-1) for i in range(count)])
    return Photos(pixels, shapes, np.tile(boxes, (count, 1)), np.arange(count, dtype=np.int32))


@pytest.mark.parametrize(("count", "rest"), [(8, 0), (9, 1), (11, 3)])
def test_processes_draw_the_same_canvases_as_one(count, rest):
    recipe = dataclasses.replace(RECIPE, train=TrainConfig(batch_size=4))
    whole, *shares = (
        [canvas.tobytes() for canvas, *_ in Scenes(several_photos(count), recipe, 1, rank=rank, ranks=ranks)]
        for rank, ranks in ((0, 1), (0, 2), (1, 2))
    )
    assert len(set(whole)) == count
    for start in range(0, count - rest, 4):
        rows = [row for share in shares for row in share[start // 2 : start // 2 + 2]]
        assert sorted(rows) == sorted(whole[start : start + 4])
    last = [share[(count - rest) // 2 :] for share in shares]
    if rest == 1:  # both have it
        assert last == [whole[-1:], whole[-1:]]
    else:
        assert sorted(last[0] + last[1]) == sorted(whole[count - rest :])


def test_the_mean_loss_of_two_processes_is_that_of_one():
    torch.manual_seed(0)
    images, boxes, learn = collate_scenes(list(Scenes(several_photos(5), RECIPE, 0)))
    learn[0][:] = False  # the shares hold different numbers of faces
    network = FaceDetectorNetwork(CHANNELS).eval()
    whole = detection_loss(network(images), boxes, learn, 128)
    faces = []
    detection_loss(network(images), boxes, learn, 128, average=lambda own: faces.append(own) or 1.0)
    parts = [
        detection_loss(
            network(images[rank::2]), boxes[rank::2], learn[rank::2], 128, average=lambda _: faces[0] / 2
        )
        for rank in range(2)
    ]
    for name, loss in whole.items():
        torch.testing.assert_close((parts[0][name] + parts[1][name]) / 2, loss)
    assert max(abs(parts[0][name] / loss - 1) for name, loss in whole.items()) > 0.01


def test_a_batch_without_faces_has_a_finite_loss():
    network = FaceDetectorNetwork(CHANNELS)
    nothing = [torch.zeros(0, 15)], [torch.zeros(0, dtype=torch.bool)]
    parts = detection_loss(network(torch.zeros(1, 128, 128, 3, dtype=torch.uint8)), *nothing, 128)
    sum(parts.values()).backward()
    assert all(torch.isfinite(value) for value in parts.values())


def test_onnx_agrees_with_torch_at_several_sizes(tmp_path):
    torch.manual_seed(0)
    network = FaceDetectorNetwork(CHANNELS).eval()
    export_network(network, tmp_path / "d.onnx")
    random = np.random.default_rng(0)
    sizes = ((64, 320), (256, 96), (128, 128))
    inputs = [random.integers(0, 256, (1, h, w, 3), dtype=np.uint8) for h, w in sizes]
    assert check_parity(network, tmp_path / "d.onnx", inputs) <= 1e-4


def test_missing_photos_and_reference(tmp_path):
    with pytest.raises(CorpusNotFoundError):
        find_photos(tmp_path, "train")
    with pytest.raises(CorpusNotFoundError):
        ReferenceDetector(tmp_path / "none.onnx", score=0.5)
