import numpy as np
import pytest
from PIL import Image

from emofuse.demo.fields import read_fields


@pytest.mark.parametrize("text", ["", " \n\t", None])
def test_empty_fields_hold_no_sample_and_an_empty_text_none(text, tmp_path):
    Image.new("RGB", (40, 20)).save(tmp_path / "a.png")

    assert read_fields(text, None) is None
    sample = read_fields(text, str(tmp_path / "a.png"))
    assert sample.text is None
    assert isinstance(sample.image, np.ndarray)
    assert sample.image.shape == (20, 40, 3)


def test_text_is_taken_as_it_is():
    sample = read_fields("  so happy \n", None)

    assert (sample.text, sample.image) == ("  so happy \n", None)
