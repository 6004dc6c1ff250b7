import json
import weakref

import pytest
from tests.unit.datasets.test_corpora import make_emotion

from emofuse.demo.pairs import SHIPPED, draw_samples, open_corpus, read_examples
from emofuse.errors import ConfigError, CorpusFormatError, CorpusNotFoundError, UnknownCorpusError
from emofuse.types import Sample


def names(samples):
    return [sample.id for sample in samples]


def test_same_seed_and_number_draw_the_same_samples_in_the_same_order():
    first, again = (draw_samples(SHIPPED.iter_samples(), 8, 7) for _ in range(2))

    assert names(first) == names(again)
    assert len(set(names(first))) == 8
    # Written down, so that a link or a note keeps its meaning over releases.
    assert names(first)[:4] == ["exam", "door", "stars", "card"]


def test_seed_decides_and_a_larger_number_continues_the_draw():
    seven, eight = (names(draw_samples(SHIPPED.iter_samples(), 8, seed)) for seed in (7, 8))
    more = names(draw_samples(SHIPPED.iter_samples(), 12, 7))

    assert seven != eight
    assert names(draw_samples(SHIPPED.iter_samples(), 8, -7)) != seven
    assert more[:8] == seven


def test_every_sample_is_drawn_equally_often():
    numbered = [Sample(id=str(number), text="a") for number in range(20)]
    counts = dict.fromkeys(names(numbered), 0)
    for seed in range(400):
        for name in names(draw_samples(iter(numbered), 5, seed)):
            counts[name] += 1

    # 400 draws at 1/4: 100 each, with a standard deviation of 8.7.
    assert all(65 < count < 135 for count in counts.values())


def test_all_are_drawn_where_there_are_fewer():
    assert sorted(names(draw_samples(SHIPPED.iter_samples(), 200, 7))) == sorted(names(read_examples()))


def test_samples_that_are_not_drawn_are_let_go():
    alive, most = weakref.WeakSet(), 0

    def corpus():
        nonlocal most
        for number in range(3000):
            sample = Sample(id=str(number), image=bytes(100))
            alive.add(sample)
            most = max(most, len(alive))
            yield sample

    assert len(draw_samples(corpus(), 8, 7)) == 8
    assert most < 16


def test_corpus_is_read_as_its_adapter_reads_it(tmp_path):
    make_emotion(tmp_path)

    corpus = open_corpus("emotion", tmp_path, "train")

    assert corpus.title == "emotion train"
    assert names(corpus.iter_samples()) == ["train:1", "train:2"]


@pytest.mark.parametrize(
    ("name", "folder", "split", "error"),
    [
        ("emotions", ".", "test", UnknownCorpusError),
        ("emotion", "elsewhere", "test", CorpusNotFoundError),
        ("emotion", ".", "tests", ConfigError),
        ("jsonl", "empty.jsonl", "test", CorpusFormatError),
        ("jsonl", "broken.jsonl", "test", CorpusFormatError),
    ],
)
def test_what_cannot_be_read_is_refused_at_once(tmp_path, name, folder, split, error):
    make_emotion(tmp_path)
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "broken.jsonl").write_text(json.dumps({"emotion": "joy"}))

    with pytest.raises(error):
        open_corpus(name, tmp_path / folder, split)
