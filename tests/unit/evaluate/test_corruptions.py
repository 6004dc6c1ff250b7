import numpy as np
import pytest

from emofuse.evaluate.corruptions import corrupt, is_concerned, list_corruptions
from emofuse.types import Sample

ALL = {c.name: c for c in (*list_corruptions(crops=True), *list_corruptions(crops=False))}


def example(name):
    picture = np.random.default_rng(0).integers(0, 256, (64, 48, 3), dtype=np.uint8)
    return Sample(id=name, text=r"So GOOD, really! I love this place, \u2019 😀😀😀😀 ok?", image=picture)


def same(one, other):
    return one.text == other.text and np.array_equal(one.image, other.image)


def test_names_are_unique_and_sizes_depend_on_the_pictures():
    for crops, small in ((True, "small face"), (False, "small picture")):
        names = [own.name for own in list_corruptions(crops=crops)]
        assert len(set(names)) == len(names)
        assert names[-1] == small


@pytest.mark.parametrize("name", ALL)
def test_level_0_is_the_sample_itself_and_the_last_level_changes_it(name):
    sample = example("a")
    assert corrupt(sample, ALL[name], 0) is sample
    spoiled = corrupt(sample, ALL[name], len(ALL[name].values))
    assert not same(spoiled, sample) or name == "small picture"
    assert (spoiled.id, spoiled.labels) == (sample.id, sample.labels)
    # Only the one part is touched.
    assert (spoiled.image is sample.image) if ALL[name].part == "text" else (spoiled.text is sample.text)


@pytest.mark.parametrize("name", ALL)
def test_order_and_company_change_nothing(name):
    level = len(ALL[name].values) - 1
    samples = [example(str(i)) for i in range(4)]
    forward = [corrupt(sample, ALL[name], level) for sample in samples]
    backward = [corrupt(sample, ALL[name], level) for sample in reversed(samples)]
    assert all(map(same, forward, reversed(backward)))


def test_seed_and_id_decide():
    typos = ALL["typos"]
    first = corrupt(example("a"), typos, 4, seed=1).text
    assert first == corrupt(example("a"), typos, 4, seed=1).text
    assert first != corrupt(example("a"), typos, 4, seed=2).text
    assert first != corrupt(example("b"), typos, 4, seed=1).text


def test_escapes_and_addresses_are_not_torn():
    sample = Sample(id="a", text=r"look \u2019 https://a.example/x.y")
    assert corrupt(sample, ALL["capitals"], 2).text == "LOOK ’ HTTP"
    assert corrupt(sample, ALL["punctuation lost"], 4).text == "look  http"


def test_a_picture_that_is_small_already_is_left_alone():
    sample = Sample(id="a", image=np.zeros((20, 20, 3), dtype=np.uint8))
    assert corrupt(sample, ALL["small picture"], 1) is sample
    assert corrupt(sample, ALL["small picture"], 4) is not sample


@pytest.mark.parametrize("sample", [Sample(id="a", text=" "), Sample(id="a", image=b"no picture")])
def test_what_cannot_be_read_is_left_to_the_reader(sample):
    for corruption in ALL.values():
        assert corrupt(sample, corruption, 1) is sample


def test_emoji_concern_only_texts_that_hold_some():
    emoji = ALL["emoji lost"]
    assert is_concerned(Sample(id="a", text="ok 😀"), emoji)
    assert is_concerned(Sample(id="a", text=r"ok \ud83d\ude00"), emoji)
    assert not is_concerned(Sample(id="a", text="ok"), emoji)
    assert not is_concerned(Sample(id="a", text=""), emoji)
    assert not is_concerned(Sample(id="a", image=b""), emoji)
    assert is_concerned(Sample(id="a", text="ok"), ALL["typos"])
    assert not is_concerned(Sample(id="a", text="ok"), ALL["blur"])
