import numpy as np
import pytest
import torch
from onnx import TensorProto, helper
from PIL import Image
from tests.conftest import PHOTOS, manifest, save_graph

from emofuse import Modality, Sample
from emofuse.errors import ConfigError
from emofuse.explain.grad_cam import GradCamExplainer, LinearHead, grad_cam
from emofuse.explain.subject import SubjectReader
from emofuse.export.bundle_writer import write_bundle
from emofuse.runtime.model_set import ModelSet

NAME = "network.heads.ferplus8"


def reader(bundle, *, crop=True):
    return SubjectReader(ModelSet([bundle], detector=None, threads=1), crop=crop)


def test_it_is_the_definition_with_gradients_by_autograd():
    random = np.random.default_rng(0)
    states = random.normal(size=(3, 4, 6)).astype(np.float32)
    head = LinearHead(random.normal(size=(5, 6)).astype(np.float32), random.normal(size=5).astype(np.float32))
    shares = np.array([0, 1, 0, 0.25, 0], np.float32)
    features = torch.from_numpy(states).requires_grad_()
    logits = features.mean(dim=(0, 1)) @ torch.from_numpy(head.weight).T + torch.from_numpy(head.bias)
    score = (torch.from_numpy(shares) * logits.exp()).sum().log()
    score.backward()
    # Selvaraju et al. 2017, equations 1 and 2: gradients averaged over places weigh the features.
    weights = features.grad.mean(dim=(0, 1))
    expected = (features.detach() @ weights).relu().numpy()
    assert grad_cam(states, head, shares) == pytest.approx(expected, abs=1e-6)


def test_patches_of_one_logit_add_up_to_it():
    """Where no patch speaks against the label nothing is cut off: the map sums to the logit less its bias."""
    states = np.random.default_rng(1).uniform(size=(3, 3, 4)).astype(np.float32)
    head = LinearHead(np.eye(2, 4, dtype=np.float32), np.array([0.5, -0.5], np.float32))
    found = grad_cam(states, head, np.array([1, 0], np.float32))
    assert found.sum() == pytest.approx(states[..., 0].mean(), abs=1e-6)


def build_bundle(folder, *, pooled="mean"):
    """Brightness of nine patches, and one head: the brighter, the more happiness."""
    folder.mkdir()
    weight = np.zeros((8, 1), np.float32)
    weight[1] = 5
    weights = {
        "scale": np.array(1 / 255, np.float32),
        "one": np.array([1]),
        "flat": np.array([0, 1, 9]),
        f"{NAME}.weight": weight,
        f"{NAME}.bias": np.zeros(8, np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["float", "scale"], ["scaled"]),
        helper.make_node("Unsqueeze", ["scaled", "one"], ["grey"]),
        helper.make_node("AveragePool", ["grey"], ["patches"], kernel_shape=[16, 16], strides=[16, 16]),
        helper.make_node("Reshape", ["patches", "flat"], ["row"]),
        helper.make_node("Transpose", ["row"], ["states"], perm=[0, 2, 1]),
        helper.make_node(
            "ReduceMean" if pooled == "mean" else "ReduceMax",
            ["states"],
            ["embeddings"],
            axes=[1],
            keepdims=0,
        ),
        helper.make_node("Gemm", ["embeddings", f"{NAME}.weight", f"{NAME}.bias"], ["ferplus8"], transB=1),
    ]
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", 48, 48])
    shapes = {"ferplus8": ["batch", 8], "embeddings": ["batch", 1], "states": ["batch", 9, 1]}
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()
    ]
    save_graph(folder / "model.onnx", nodes, images, outputs, weights)
    data = manifest("face", "patches", {"ferplus8": "softmax"}, {"size_px": 48, "max_batch": 4})
    write_bundle(folder, data, {})
    return folder


def test_the_map_peaks_at_the_patch_that_counts(tmp_path):
    image = np.zeros((48, 48, 3), np.uint8)
    image[0:16, 32:48] = 255
    own = reader(build_bundle(tmp_path / "patches"))
    explanation = GradCamExplainer(own, Modality.FACE).explain(Sample(image=image), "joy")
    [heat] = explanation.maps
    expected = np.zeros((3, 3))
    expected[0, 2] = 5 / 9
    assert heat.values == pytest.approx(expected, abs=1e-5)
    assert (heat.x, heat.y, heat.width, heat.height) == (0, 0, 48, 48)
    assert explanation.answer == "patches"


def test_a_model_that_pools_otherwise_is_refused(tmp_path):
    image = np.zeros((48, 48, 3), np.uint8)
    image[0:16, 32:48] = 255
    own = reader(build_bundle(tmp_path / "patches", pooled="maximum"))
    with pytest.raises(ConfigError, match="not linear"):
        GradCamExplainer(own, Modality.FACE).explain(Sample(image=image), "joy")


def test_a_model_without_a_named_head_is_refused(face_bundle):
    with pytest.raises(ConfigError, match="no linear head for ferplus8"):
        GradCamExplainer(reader(face_bundle), Modality.FACE).explain(
            Sample(image=np.zeros((48, 48, 3), np.uint8))
        )


def test_a_model_that_averages_over_mirror_images_gives_mirrored_maps():
    pixels = np.asarray(Image.open(PHOTOS / "drawn_happy.png").convert("L").resize((48, 48)))
    image = np.repeat(pixels[:, :, None], 3, axis=2)
    explainer = GradCamExplainer(reader("face_ferplus"), Modality.FACE)
    [upright], [mirrored] = (
        explainer.explain(Sample(image=own), "joy").maps
        for own in (image, np.ascontiguousarray(image[:, ::-1]))
    )
    assert upright.values == pytest.approx(mirrored.values[:, ::-1], abs=0.02)


def test_the_map_of_a_tilted_face_is_turned_with_it(tmp_path):
    """The bright patch is right of the middle as the model sees it; the picture is tilted by 30 degrees."""
    from emofuse import FaceBox
    from emofuse.preprocess import cut_face

    upright = np.zeros((200, 200, 3), np.uint8)
    upright[84:116, 116:148] = 255
    turned = np.asarray(Image.fromarray(upright).rotate(-30, Image.Resampling.BILINEAR))
    angle = np.deg2rad(30)
    eyes = tuple((100 + x * np.cos(angle), 100 + x * np.sin(angle)) for x in (-10, 10))
    box = FaceBox(62.5, 62.5, 75, 75, 1.0, eyes)
    seen = cut_face(turned, box)
    assert seen[16:32, 32:48].mean() > 150  # what the model sees is level
    models = ModelSet([build_bundle(tmp_path / "patches")], detector=lambda _: [box], threads=1)
    own = SubjectReader(models.only(Modality.FACE))
    [heat] = GradCamExplainer(own, Modality.FACE).explain(Sample(image=turned), "joy").maps
    rows, columns = np.indices(heat.values.shape) + 0.5
    share = heat.values / heat.values.sum()
    x = heat.x + heat.width * (share * columns).sum() / heat.values.shape[1]
    y = heat.y + heat.height * (share * rows).sum() / heat.values.shape[0]
    # The bright square's middle lies 32 px from the middle of the face, 30 degrees clockwise.
    assert (x, y) == pytest.approx((100 + 32 * np.cos(angle), 100 + 32 * np.sin(angle)), abs=5)
