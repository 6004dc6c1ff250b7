import io
import weakref

import numpy as np
import pytest
from PIL import Image

from emofuse import Sample
from emofuse.runtime.model_set import ModelSet
from emofuse.runtime.reader import SampleReader


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_picture_without_a_face_is_not_kept_with_its_error(face_bundle, mode):
    seen = []

    def find_nothing(image):
        seen.append(weakref.ref(image))
        return []

    data = io.BytesIO()
    Image.fromarray(np.zeros((50, 60, len(mode)), np.uint8)).save(data, "PNG")
    reader = SampleReader(ModelSet([face_bundle], detector=find_nothing, threads=1))
    readings = reader.read([Sample(image=data.getvalue())] * 3)
    assert [[error.code for error in own.errors] for own in readings] == [["no_face"]] * 3
    # The last one may still be at hand.
    assert [own() for own in seen[:-1]] == [None, None]
