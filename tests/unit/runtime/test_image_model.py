import numpy as np
import pytest

from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.image_model import ImageModel


class BrightnessSession:
    """The logit of the first label is the mean of the crop; remembers every batch."""

    def __init__(self):
        self.shapes = []

    def run(self, output_names, input_feed):
        images = input_feed["images"]
        self.shapes.append(images.shape)
        logits = np.zeros((len(images), 8), np.float32)
        logits[:, 0] = images.mean(axis=(1, 2))
        return [logits]


@pytest.mark.parametrize(("count", "batches"), [(1, [1]), (4, [4]), (5, [4, 1])])
def test_crops_run_in_batches_and_keep_their_order(face_bundle, count, batches):
    session = BrightnessSession()
    model = ImageModel(load_bundle(face_bundle), session)
    crops = [np.full((48, 48), value, np.uint8) for value in range(count)]
    probabilities = model.predict(crops)["ferplus8"]
    assert session.shapes == [(size, 48, 48) for size in batches]
    raised = np.exp(np.arange(count))
    np.testing.assert_allclose(probabilities[:, 0], raised / (raised + 7), rtol=1e-5)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
