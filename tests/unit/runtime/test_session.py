import numpy as np
import pytest

from emofuse.errors import BundleSchemaError
from emofuse.runtime.session import open_session


def test_runs_the_graph(face_bundle):
    session = open_session(face_bundle / "model.onnx", threads=1, names=("images", "ferplus8"))
    [logits] = session.run(["ferplus8"], {"images": np.zeros((2, 48, 48), np.uint8)})
    np.testing.assert_array_equal(logits, np.zeros((2, 8), np.float32))


def test_threads_are_passed_on(face_bundle):
    session = open_session(face_bundle / "model.onnx", threads=3)
    assert session.get_session_options().intra_op_num_threads == 3


def test_a_name_that_the_graph_lacks(face_bundle):
    with pytest.raises(BundleSchemaError, match=r"no input or output named ekman7\."):
        open_session(face_bundle / "model.onnx", names=("images", "ekman7"))


@pytest.mark.parametrize("content", [b"", b"not a graph"])
def test_no_graph(tmp_path, content):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(BundleSchemaError, match=r"model\.onnx cannot be opened"):
        open_session(path)
