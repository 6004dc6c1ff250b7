import io
import json

import numpy as np
import pytest
from PIL import Image

from emofuse.datasets import load_adapter
from emofuse.errors import ConfigError
from emofuse.serve.store import Correction, Store
from emofuse.serve.store.export import ExportSummary, export_corrections


@pytest.fixture
def store(tmp_path):
    store = Store.open(f"sqlite:///{tmp_path / 'service.sqlite'}")
    yield store
    store.close()


def picture(shade):
    file = io.BytesIO()
    Image.new("RGB", (16, 12), (shade, 0, 0)).save(file, "PNG")
    return file.getvalue()


def add(store, **fields):
    return store.add_correction(Correction(**fields))


def read(path):
    """As training reads it."""
    return list(load_adapter("jsonl").iter_samples(path, "train"))


def test_what_was_corrected_reads_back_for_training(store, tmp_path):
    odd = 'Wëll, "great".\n\u2028\u0085 🎉\\u2019'
    add(store, id="a", text=odd, emotion="anger", sentiment="negative")
    add(store, id="b", text="photo", image=picture(200), keep_image=True, sentiment="neutral")
    add(store, id="c", image=picture(100), keep_image=True, emotion="joy")
    assert export_corrections(store, tmp_path / "train.jsonl") == ExportSummary(3, 0, 0, 0)
    text, both, image = read(tmp_path)
    assert (text.id, text.text, text.image) == ("a", odd, None)
    assert text.labels == {"ekman7": {"anger": 1.0}, "sentiment3": {"negative": 1.0}}
    assert (both.text, both.labels) == ("photo", {"sentiment3": {"neutral": 1.0}})
    assert np.asarray(Image.open(both.image))[0, 0].tolist() == [200, 0, 0]
    assert image.text is None
    assert image.image.read_bytes() == picture(100)
    # The table and its pictures may be moved together.
    assert not image.image.relative_to(tmp_path).is_absolute()


def test_the_latest_label_of_a_subject_counts(store, tmp_path):
    add(store, subject="bob", text="hm", emotion="joy")
    add(store, subject="eve", text="hm", emotion="fear")
    add(store, subject="bob", text="hm", sentiment="negative")
    add(store, id="last", subject="bob", text="hm", emotion="anger")
    add(store, subject="bob", text="other", emotion="joy")
    assert export_corrections(store, tmp_path / "out.jsonl") == ExportSummary(3, 2, 0, 0)
    eve, bob, other = read(tmp_path / "out.jsonl")
    assert eve.labels == {"ekman7": {"fear": 1.0}}
    assert bob.id == "last"
    assert bob.labels == {"ekman7": {"anger": 1.0}, "sentiment3": {"negative": 1.0}}
    assert other.text == "other"


def test_two_pictures_are_two_samples_and_those_not_stored_are_counted(store, tmp_path):
    add(store, image=picture(1), keep_image=True, emotion="joy")
    add(store, image=picture(2), keep_image=True, emotion="joy")
    add(store, image=picture(3), emotion="joy")
    add(store, image=b"no picture", keep_image=True, emotion="joy")
    add(store, text="with a picture", image=picture(4), emotion="joy")
    assert export_corrections(store, tmp_path / "out.jsonl") == ExportSummary(3, 0, 1, 2)
    assert [sample.text for sample in read(tmp_path / "out.jsonl")] == [None, None, "with a picture"]


def test_only_what_came_since(store, tmp_path):
    add(store, text="a", emotion="joy")
    add(store, text="b", emotion="joy")
    _, second = store.iter_corrections()
    export_corrections(store, tmp_path / "out.jsonl", since=second.created)
    assert [sample.text for sample in read(tmp_path / "out.jsonl")] == ["b"]


def test_the_next_export_forgets_who_was_erased_and_keeps_the_users_own_files(store, tmp_path):
    out = tmp_path / "out.jsonl"
    add(store, subject="bob", image=picture(1), keep_image=True, emotion="joy")
    add(store, subject="eve", image=picture(2), keep_image=True, emotion="joy")
    export_corrections(store, out)
    (tmp_path / "out_pictures" / "notes.txt").write_text("mine")
    store.subject_erase("bob")
    export_corrections(store, out)
    [eve] = read(out)
    assert {path.name for path in eve.image.parent.iterdir()} == {eve.image.name, "notes.txt"}
    assert not list(tmp_path.rglob(".*"))


def test_a_failed_export_leaves_the_earlier_one(store, tmp_path):
    out = tmp_path / "out.jsonl"
    add(store, text="a", emotion="joy")
    export_corrections(store, out)
    (tmp_path / "out_pictures").write_text("in the way")
    add(store, image=picture(1), keep_image=True, emotion="joy")
    with pytest.raises(ConfigError, match="out_pictures"):
        export_corrections(store, out)
    assert [json.loads(line)["text"] for line in out.read_text().splitlines()] == ["a"]
