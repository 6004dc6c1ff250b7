import io

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
    """As training reads it, in the order of ids where they matter."""
    adapter = load_adapter("jsonl")
    return sorted(
        (sample for split in ("train", "validation") for sample in adapter.iter_samples(path, split)),
        key=lambda sample: sample.id,
    )


def test_what_was_corrected_reads_back_for_training(store, tmp_path):
    odd = 'Wëll, "great".\n\u2028\u0085 🎉\\u2019'
    add(store, id="a", text=odd, emotion="anger", sentiment="negative")
    add(store, id="b", text="photo", image=picture(200), keep_image=True, sentiment="neutral")
    add(store, id="c", image=picture(100), keep_image=True, emotion="joy")
    summary = export_corrections(store, tmp_path)
    assert summary.train + summary.validation == 3
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
    add(store, id="1", subject="bob", text="hm", emotion="joy")
    add(store, id="2", subject="eve", text="hm", emotion="fear")
    add(store, id="3", subject="bob", text="hm", sentiment="negative")
    add(store, id="4", subject="bob", text="hm", emotion="anger")
    add(store, id="5", subject="bob", text="other", emotion="joy")
    assert export_corrections(store, tmp_path) == ExportSummary(3, 0, 2, 0, 0)
    eve, bob, other = read(tmp_path)
    assert eve.labels == {"ekman7": {"fear": 1.0}}
    assert bob.id == "4"
    assert bob.labels == {"ekman7": {"anger": 1.0}, "sentiment3": {"negative": 1.0}}
    assert other.text == "other"


def test_corrections_without_a_subject_all_count(store, tmp_path):
    for number, emotion in enumerate(["joy", "fear", "joy"]):
        add(store, id=f"{number}", text="hm", emotion=emotion)
    # A subject that looks like an id is none.
    add(store, id="3", subject="0", text="hm", emotion="anger")
    assert export_corrections(store, tmp_path).replaced == 0
    assert [[*sample.labels["ekman7"]] for sample in read(tmp_path)] == [
        ["joy"],
        ["fear"],
        ["joy"],
        ["anger"],
    ]


def test_two_pictures_are_two_samples_and_those_not_stored_are_counted(store, tmp_path):
    add(store, id="1", image=picture(1), keep_image=True, emotion="joy")
    add(store, id="2", image=picture(2), keep_image=True, emotion="joy")
    add(store, id="3", image=picture(3), emotion="joy")
    add(store, id="4", image=b"no picture", keep_image=True, emotion="joy")
    add(store, id="5", text="with a picture", image=picture(4), emotion="joy")
    summary = export_corrections(store, tmp_path)
    assert (summary.replaced, summary.without_picture, summary.left_out) == (0, 1, 2)
    assert [sample.text for sample in read(tmp_path)] == [None, None, "with a picture"]


def test_only_what_came_since(store, tmp_path):
    add(store, text="a", emotion="joy")
    add(store, text="b", emotion="joy")
    _, second = store.iter_corrections()
    export_corrections(store, tmp_path, since=second.created)
    assert [sample.text for sample in read(tmp_path)] == ["b"]


def test_a_fifth_is_for_validation_and_always_the_same(store, tmp_path):
    for number in range(500):
        add(store, id=f"{number}", text=f"text {number}", emotion="joy")
    summary = export_corrections(store, tmp_path)
    # Three standard deviations of a binomial share.
    assert abs(summary.validation - 100) < 27
    held = {sample.text for sample in load_adapter("jsonl").iter_samples(tmp_path, "validation")}
    for text in held:
        add(store, subject="another", text=text, emotion="fear")
    export_corrections(store, tmp_path)
    trained = {sample.text for sample in load_adapter("jsonl").iter_samples(tmp_path, "train")}
    assert not held & trained


def test_the_next_export_forgets_who_was_erased_and_keeps_the_users_own_files(store, tmp_path):
    add(store, subject="bob", image=picture(1), keep_image=True, emotion="joy")
    add(store, subject="eve", image=picture(2), keep_image=True, emotion="joy")
    export_corrections(store, tmp_path)
    (tmp_path / "pictures" / "notes.txt").write_text("mine")
    store.subject_erase("bob")
    export_corrections(store, tmp_path)
    [eve] = read(tmp_path)
    assert {path.name for path in eve.image.parent.iterdir()} == {eve.image.name, "notes.txt"}
    assert not list(tmp_path.rglob(".*"))


def test_a_failed_export_leaves_the_earlier_one(store, tmp_path):
    add(store, text="a", emotion="joy")
    export_corrections(store, tmp_path)
    (tmp_path / "pictures").write_text("in the way")
    add(store, image=picture(1), keep_image=True, emotion="joy")
    with pytest.raises(ConfigError, match="pictures"):
        export_corrections(store, tmp_path)
    assert [sample.text for sample in read(tmp_path)] == ["a"]
