"""Each corpus in its own layout, made here from a few rows."""

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

from emofuse.datasets import list_adapters, load_adapter
from emofuse.errors import ConfigError, CorpusFormatError, CorpusNotFoundError, UnknownCorpusError
from emofuse.taxonomy import load_taxonomy


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def make_emotion(root):
    for name in ("train", "val", "test"):
        write(root / f"{name}.txt", "i feel; fine;joy\ni feel low;sadness\n")


def make_goemotions(root):
    labels = load_taxonomy("goemotions28").labels
    for folder, names in (("original", labels), ("ekman", sorted(load_taxonomy("ekman7").labels))):
        write(root / folder / "labels.txt", "\n".join(names) + "\n")
        for split in ("train", "dev", "test"):
            write(root / folder / f"{split}.tsv", "Nice one\t0,2\tabc\nWell \t5\tdef\n")


def make_meld(root):
    for split in ("train", "dev", "test"):
        rows = 'Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID\n1,"Oh, no",Joey,fear,negative,0,0\n'
        write(root / f"{split}_sent_emo.csv", rows + "2,Sure,Ross,neutral,neutral,0,1\n")


def make_semeval2017(root):
    labels = load_taxonomy("sentiment3").labels
    rows = [f"{number}\t{labels[number % 3]}\ttweet number {number}\n" for number in range(300)]
    write(root / "train" / "twitter-2013train-A.tsv", "".join(rows))
    write(root / "train" / "twitter-2014test-A.tsv", rows[0] + '7\tpositive\tconflict with "2013"\n')


def make_sentiment140(root):
    write(root / "tweets_100k" / "negative.txt", "".join(f"bad day {i}\n" for i in range(60)))
    write(root / "tweets_100k" / "positive.txt", "".join(f"good day {i}\n" for i in range(60)))
    header = '"polarity","tweet_id","tweet_date","query","user","text"\n'
    write(
        root / "testdata.manual.498.csv",
        header + '"4","3","d","q","u","love, it"\n"2","4","d","q","u","ok"\n',
    )


VOTES = [
    (0, 10, 0, 0, 0, 0, 0, 0, 0, 0),  # clear happiness
    (4, 0, 4, 1, 0, 0, 0, 0, 1, 0),  # no majority
    (1, 1, 1, 0, 0, 0, 0, 0, 7, 0),  # unknown
    (0, 0, 0, 6, 3, 0, 0, 0, 1, 0),  # sadness, six of nine
]


def make_fer(root):
    random = np.random.default_rng(0)
    faces = [" ".join(map(str, random.integers(0, 256, 2304))) for _ in VOTES]
    usages = ("Training", "PublicTest", "PrivateTest")
    rows = [(usage, i) for usage in usages for i in range(len(VOTES))]
    write(
        root / "fer2013.csv",
        "emotion,pixels,Usage\n" + "".join(f"3,{_face(faces, u, i)},{u}\n" for u, i in rows),
    )
    votes = "".join(f"{u},fer{i}.png," + ",".join(map(str, VOTES[i])) + "\n" for u, i in rows)
    write(root / "fer2013new.csv", "Usage,Image name,n,h,su,sa,a,d,f,c,u,NF\n" + votes)


def _face(faces, usage, index):
    # Training face 0 shows the same photograph as test face 0; all others differ by their first pixel.
    if index == 0 and usage != "PublicTest":
        return faces[0]
    return f"{len(usage)} " + faces[index].split(" ", 1)[1]


def make_table(root):
    rows = [
        {"text": "great", "image": "", "emotion": "joy", "sentiment": "positive"},
        {"text": "", "image": "a.png", "emotion": "", "sentiment": "neutral"},
    ]
    for split in ("train", "validation", "test"):
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, rows[0])
        writer.writeheader()
        writer.writerows(rows)
        write(root / f"{split}.csv", buffer.getvalue())
        write(root / f"{split}.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def make_folder(root):
    for split in ("train", "validation", "test"):
        for label in ("joy", "sadness"):
            (root / split / label).mkdir(parents=True)
            Image.new("RGB", (20, 20)).save(root / split / label / "1.png")
            write(root / split / label / "notes.txt", "not a picture")


MAKERS = {
    "csv": make_table,
    "emotion": make_emotion,
    "fer2013": make_fer,
    "ferplus": make_fer,
    "folder": make_folder,
    "goemotions": make_goemotions,
    "goemotions_ekman": make_goemotions,
    "jsonl": make_table,
    "meld": make_meld,
    "semeval2017": make_semeval2017,
    "sentiment140": make_sentiment140,
}


def test_every_adapter_is_tested():
    assert list_adapters() == sorted(MAKERS)


@pytest.fixture(params=sorted(MAKERS))
def corpus(request, tmp_path):
    MAKERS[request.param](tmp_path)
    return load_adapter(request.param), tmp_path


def splits_of(adapter):
    return [split for split in adapter.splits if split != "test_clean"]


def test_contract_samples(corpus):
    adapter, root = corpus
    for split in splits_of(adapter):
        samples = list(adapter.iter_samples(root, split))
        assert samples
        assert len({sample.id for sample in samples}) == len(samples)
        assert [s.id for s in adapter.iter_samples(root, split)] == [s.id for s in samples]
        for sample in samples:
            assert sample.text is not None or sample.image is not None
            assert set(sample.labels) <= set(adapter.taxonomies)
            for taxonomy, labels in sample.labels.items():
                assert set(labels) <= set(load_taxonomy(taxonomy).labels)
                assert all(0 < weight <= 1 for weight in labels.values())
                if not adapter.multi_label:
                    assert sum(labels.values()) == pytest.approx(1)


def test_contract_licence_is_stated(corpus):
    adapter, _ = corpus
    assert adapter.licence
    assert adapter.commercial_use in ("yes", "no", "unclear", "the user's own data")


def test_contract_missing_files(corpus, tmp_path):
    adapter, _ = corpus
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CorpusNotFoundError, match="empty"):
        list(adapter.iter_samples(empty, "test"))


def test_contract_unknown_split_lists_the_valid_ones(corpus):
    adapter, root = corpus
    with pytest.raises(ConfigError, match="train, validation, test"):
        list(adapter.iter_samples(root, "held-out"))


BROKEN = {
    "csv": ("test.csv", "text,emotion\nhi,glee\n", 2),
    "emotion": ("test.txt", "fine;joy\nno label\n", 2),
    "fer2013": ("fer2013.csv", "emotion,pixels,Usage\n3,1 2 3,PrivateTest\n", 2),
    "ferplus": ("fer2013.csv", "emotion,pixels,Usage\n3,1 2 3,PrivateTest\n", 2),
    "goemotions": ("original/test.tsv", "a\t0\tx\nb\t99\ty\n", 2),
    "goemotions_ekman": ("ekman/test.tsv", "only text\n", 1),
    "jsonl": ("test.jsonl", '{"text": "a"}\n{"text": \n', 2),
    "meld": (
        "test_sent_emo.csv",
        "Utterance,Emotion,Sentiment,Dialogue_ID,Utterance_ID\nHi,glee,neutral,0,0\n",
        2,
    ),
    "semeval2017": ("train/twitter-2013train-A.tsv", "1\tneutral\ta\n2\tmaybe\tb\n", 2),
    "sentiment140": ("testdata.manual.498.csv", '"4","3","d","q","u","x"\n"9","3","d","q","u","x"\n', 2),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_contract_malformed_row_names_file_and_line(name, tmp_path):
    MAKERS[name](tmp_path)
    file, content, line = BROKEN[name]
    write(tmp_path / file, content)
    with pytest.raises(CorpusFormatError) as raised:
        list(load_adapter(name).iter_samples(tmp_path, "test"))
    assert raised.value.item == f"{tmp_path / file}:{line}"
    assert f"line {line}" in raised.value.message


def test_unknown_corpus_lists_the_valid_ones():
    with pytest.raises(UnknownCorpusError, match="csv, emotion"):
        load_adapter("imagenet")


def test_emotion_splits_at_the_last_semicolon(tmp_path):
    make_emotion(tmp_path)
    first = next(load_adapter("emotion").iter_samples(tmp_path, "train"))
    assert first.text == "i feel; fine"
    assert first.labels == {"emotion6": {"joy": 1.0}}


def test_semeval_keeps_splits_apart_and_drops_conflicts(tmp_path):
    make_semeval2017(tmp_path)
    adapter = load_adapter("semeval2017")
    ids = {split: {s.id for s in adapter.iter_samples(tmp_path, split)} for split in adapter.splits}
    assert sum(map(len, ids.values())) == len(set.union(*ids.values())) == 299  # 7 has two labels
    assert 15 <= len(ids["test"]) <= 50
    held_back = next(adapter.iter_samples(tmp_path, "test"))
    repeated = f"999999\tneutral\t@you {held_back.text.upper()}! http://t.co/x\n"
    write(tmp_path / "train" / "twitter-2015train-A.tsv", repeated)
    assert "999999" not in {s.id for s in adapter.iter_samples(tmp_path, "train")}


def test_ferplus_votes_majority_and_twins(tmp_path):
    make_fer(tmp_path)
    adapter = load_adapter("ferplus")
    train = list(adapter.iter_samples(tmp_path, "train"))
    # Face 0 is in the test set, face 2 is unknown; the single votes of 1 and 3 are dropped.
    assert [dict(s.labels["ferplus8"]) for s in train] == [
        {"neutral": 0.5, "surprise": 0.5},
        {"sadness": pytest.approx(2 / 3), "anger": pytest.approx(1 / 3)},
    ]
    test = list(adapter.iter_samples(tmp_path, "test"))
    assert [max(s.labels["ferplus8"]) for s in test] == ["happiness", "sadness"]


def test_fer_parquet_drops_near_twins(tmp_path):
    import pyarrow
    from pyarrow import parquet

    buffer = io.BytesIO()
    Image.new("L", (48, 48)).save(buffer, "PNG")
    rows = [
        {"row": i, "usage": usage, "train_sim": sim, "train_sim_row": twin, "pixel_sha1": f"hash{i}"}
        for i, (usage, sim, twin) in enumerate(
            [
                ("Training", None, -1),
                ("Training", None, -1),
                ("PrivateTest", 0.95, 0),
                ("PrivateTest", 0.5, 1),
            ]
        )
    ]
    for row in rows:
        row |= {"fer2013_label": 3, "ferplus_votes": list(VOTES[0]), "png": buffer.getvalue()}
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "fer.parquet")
    adapter = load_adapter("fer2013")
    ids = {s: [x.id for x in adapter.iter_samples(tmp_path, s)] for s in ("train", "test", "test_clean")}
    assert ids == {"train": ["train:1"], "test": ["test:2", "test:3"], "test_clean": ["test_clean:3"]}


def test_own_table_as_a_single_file(tmp_path):
    make_table(tmp_path)
    samples = list(load_adapter("csv").iter_samples(tmp_path / "test.csv", "test"))
    assert samples[0].labels == {"ekman7": {"joy": 1.0}, "sentiment3": {"positive": 1.0}}
    assert samples[1].image == tmp_path / "a.png"
    assert samples[1].text is None
