from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emofuse import Predictor
from emofuse.errors import EmptySampleError, NoFaceError
from emofuse.evaluate.readers import build_reader
from emofuse.preprocess import load_image, prepare_crop
from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.image_model import ImageModel
from emofuse.runtime.session import open_session
from emofuse.types import Sample

PORTRAIT = Path(__file__).parents[3] / "src" / "emofuse" / "demo" / "examples" / "eileen_collins.jpg"


def test_face_models_look_for_faces_in_photographs():
    bundle = load_bundle("face_ferplus")
    grey = Image.new("RGB", (200, 200), "grey")
    samples = [Sample(id="a", image=PORTRAIT), Sample(id="b", image=grey), Sample(id="c", text="no picture")]
    found, faceless, pictureless = build_reader(bundle, crops=False)(samples)
    [expected] = Predictor.load(["face_ferplus"]).predict(samples[:1])
    [face] = expected.faces
    joy = face.emotion.probabilities["joy"]
    assert found["ferplus8"][1] == pytest.approx(joy, abs=1e-5)  # happiness alone becomes joy
    assert isinstance(faceless, NoFaceError)
    assert isinstance(pictureless, EmptySampleError)


def test_pictures_of_a_face_corpus_are_crops():
    bundle = load_bundle("face_ferplus")
    model = ImageModel(bundle, open_session(bundle.model_path))
    image, _ = load_image(PORTRAIT)
    expected = model.predict([prepare_crop(image, size_px=model.size_px)])["ferplus8"][0]
    for crops in (True, None):
        [read] = build_reader(bundle, crops=crops)([Sample(image=PORTRAIT)])
        np.testing.assert_allclose(read["ferplus8"], expected, rtol=1e-5)
