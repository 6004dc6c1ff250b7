"""Each corpus in its own layout, made here from a few rows."""

import csv
import gzip
import io
import json

import numpy as np
import pytest
from PIL import Image

from emofuse.datasets import VALENCE, BrighterAdapter, list_adapters, load_adapter
from emofuse.datasets.isarcasmeval import read_rephrases
from emofuse.errors import ConfigError, CorpusFormatError, CorpusNotFoundError, UnknownCorpusError
from emofuse.taxonomy import OWN, load_taxonomy


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


def make_imdb(root):
    for part in ("train", "test"):
        for number in range(40):
            write(root / part / "neg" / f"{number}_2.txt", f"Dull {part} film {number}.<br /><br />Avoid.")
            write(root / part / "pos" / f"{number}_9.txt", f"Fine {part} film {number}.")
    write(root / "train" / "pos" / "40_10.txt", "Fine test film 7.")  # stands in the test set as well
    write(root / "train" / "unsup" / "0_0.txt", "No label.")


def pack_imdb(root, part, rows):
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (root / f"{part}.jsonl.gz").write_bytes(gzip.compress(lines.encode()))


TRAIN_IRONY = ",tweet,sarcastic,rephrase,sarcasm,irony\n"


def make_isarcasmeval(root):
    rows = "".join(
        f"{i},day number {i},{int(i % 4 == 0)},{'a dull day' * (i % 4 == 0)},,\n" for i in range(80)
    )
    rows += "80,,0,,,\n81,Oh  GREAT,1,Not good.,1,0\n82,Fine,0,,,\n83,fine,1,Bad.,1,0\n84,Day number 3,0,,,\n"
    write(root / "train" / "train.En.csv", TRAIN_IRONY + rows)
    write(root / "test" / "task_A_En_test.csv", 'text,sarcastic\n"Two\nlines",0\noh great,1\n')
    pairs = "text_0,text_1,sarcastic_id\nLovely.,Awful.,0\nI hate it,Love it,1\n"
    write(root / "test" / "task_C_En_test.csv", pairs)


HEADLINES = [
    ("Mortar kills shoppers &amp; guards", "60 10 80 0 70 0", "-90"),  # fear
    ("Cup final ends in joy", "0 0 0 93 0 38", "50"),
    ("Council meets on Tuesday", "0 0 3 19 0 9", "49"),  # neutral
    ("Prices rise", "49 0 0 0 20 0", "-49"),  # in between
    ("Storm nears the coast", "0 0 60 0 60 0", "-50"),  # a tie
]


def make_semeval2007(root):
    for part in ("trial", "test"):
        base, numbered = root / f"AffectiveText.{part}", list(enumerate(HEADLINES, 500))
        rows = "".join(f'<instance id="{i}">{text}</instance>\n' for i, (text, _, _) in numbered)
        write(base / f"affectivetext_{part}.xml", f'<corpus task="affective text">\n{rows}\n</corpus>\n')
        for kind, column in (("emotions", 1), ("valence", 2)):
            scores = "".join(f"{i} {row[column]}\n" for i, row in numbered)
            write(base / f"affectivetext_{part}.{kind}.gold", scores)


ENGLISH = "id,text,anger,fear,joy,sadness,surprise\n"


SENTENCES = "id,split,V,A,D,text\n"


def make_emobank(root):
    rows = [f'{part}{i},{part},{v},3.0,3.1,"Sentence {i}, {part}"\n' for part in ("train", "dev", "test")
            for i, v in enumerate((1, 3.5, 5.0))]  # fmt: skip
    write(root / "emobank.csv", SENTENCES + "".join(rows))


def make_brighter(root):
    for part in ("train", "dev"):
        rows = f'{part}_1,"Oh, {part}",0,1,0,0,1\n{part}_2,Some {part} day,0,0,0,0,0\n{part}_3,Go,1,0,0,0,0\n'
        write(root / "track_a" / part / "eng.csv", ENGLISH + rows)
    write(root / "track_a" / "test" / "eng.csv", ENGLISH + "a_1,Go,,,,,\n")
    write(root / "track_c" / "test" / "eng.csv", ENGLISH + "c_1,Go,1,0,0,1,0\nc_2,Stay,0,0,0,0,0\n")
    german = "id,text,anger,disgust,fear,joy,sadness,surprise\nd_1,Pfui,0,1,0,0,0,0\n"
    write(root / "track_a" / "test" / "deu.csv", german)


def make_xed(root):
    emotional = "".join(f"Leave me alone , number {i} !\t1, 6\n" for i in range(100))
    emotional += "Soon , my friend .\t2, 8\nYou can do it .\t8, 5\nHm\t1\n"
    write(root / "AnnotatedData" / "en-annotated.tsv", emotional)
    neutral = "".join(f"9\tRoom number {i}.\n" for i in range(100))
    neutral += "0\tTwo tickets.\t\t\t\n9\tRoom number 3.\n9\tHm\n\t\t\t\n"
    write(root / "AnnotatedData" / "neu_en.txt", neutral)


def make_rafdb(root):
    rows = [f"train_{i:05}.jpg {1 + i % 7}\n" for i in range(70)] + [
        f"test_{i:04}.jpg {i}\n" for i in range(1, 8)
    ]
    write(root / "EmoLabel" / "list_patition_label.txt", "".join(rows))
    for row in rows:
        write(root / "Image" / "aligned" / f"{row.split('.')[0]}_aligned.jpg", "not opened here")


MSED_HEADER = "Title,Caption,Sentiment,Emotion,Desire,Inference Sequence\n"
MSED = {
    "train": [
        ("Two friends laughing", "Two friends laughing on the beach", "happiness"),
        ("A man", "stands in the grey rain", "sad"),  # its picture is the next one's
        ("A clerk", "at work in an office", "neutral"),
        ("A snake", "in the grass", "fear"),  # its text stands in the test split
    ],
    "dev": [("Dirty dishes", "Dirty dishes", "disgust")],
    "test": [
        ("A snake", "in the grass", "fear"),
        ("Two friends laughing", "Two friends laughing on a beach", "happiness"),
        ("Angry driver", "shouting at the traffic", "anger"),
        ("Somebody else", "with a picture that the training split has", "happiness"),
    ],
}
MSED_PICTURES = {("train", 3): "train2", ("test", 4): "train1"}


def make_msed(root):
    sentiments = {"happiness": "positive", "neutral": "neutral"}
    for split, rows in MSED.items():
        lines = [
            f"{title},{caption},{sentiments.get(emotion, 'negative')},{emotion},none,S-E-D\n"
            for title, caption, emotion in rows
        ]
        write(root / split / f"{split}.csv", MSED_HEADER + "".join(lines))
        for number in range(1, len(rows) + 1):
            content = MSED_PICTURES.get((split, number), f"{split}{number}")
            write(root / split / "images" / f"{number}.jpg", content)


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
    "brighter": make_brighter,
    "csv": make_table,
    "emobank": make_emobank,
    "emotion": make_emotion,
    "fer2013": make_fer,
    "ferplus": make_fer,
    "folder": make_folder,
    "goemotions": make_goemotions,
    "goemotions_ekman": make_goemotions,
    "imdb": make_imdb,
    "isarcasmeval": make_isarcasmeval,
    "jsonl": make_table,
    "meld": make_meld,
    "msed": make_msed,
    "rafdb": make_rafdb,
    "semeval2007": make_semeval2007,
    "semeval2017": make_semeval2017,
    "sentiment140": make_sentiment140,
    "sentiment140_polarity": make_sentiment140,
    "xed": make_xed,
}


def test_every_adapter_is_tested():
    # Pairs are made of two other corpora; tests/unit/train/test_fusion.py makes some.
    assert list_adapters() == sorted([*MAKERS, "label_matched", "label_matched_four"])


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
                if taxonomy == VALENCE:
                    assert -1 <= labels[VALENCE] <= 1
                    continue
                assert taxonomy == OWN or set(labels) <= set(load_taxonomy(taxonomy).labels)
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
    with pytest.raises(ConfigError, match=f"Valid: {', '.join(adapter.splits)}"):
        list(adapter.iter_samples(root, "held-out"))


TWEETS = '"4","3","d","q","u","x"\n"9","3","d","q","u","x"\n'
BROKEN = {
    "brighter": ("track_c/test/eng.csv", ENGLISH + "1,a,0,0,1,0,0\n2,b,0,0,2,0,0\n", 3),
    "csv": ("test.csv", "text,emotion\nhi,glee\n", 2),
    "emobank": ("emobank.csv", SENTENCES + "a,test,3,3,3,x\nb,test,5.1,3,3,y\n", 3),
    "emotion": ("test.txt", "fine;joy\nno label\n", 2),
    "fer2013": ("fer2013.csv", "emotion,pixels,Usage\n3,1 2 3,PrivateTest\n", 2),
    "ferplus": ("fer2013.csv", "emotion,pixels,Usage\n3,1 2 3,PrivateTest\n", 2),
    "goemotions": ("original/test.tsv", "a\t0\tx\nb\t99\ty\n", 2),
    "goemotions_ekman": ("ekman/test.tsv", "only text\n", 1),
    "imdb": ("test/neg/0_2.txt", "\n", 1),
    "isarcasmeval": ("test/task_A_En_test.csv", "text,sarcastic\na,0\nb,2\n", 3),
    "jsonl": ("test.jsonl", '{"text": "a"}\n{"text": \n', 2),
    "meld": (
        "test_sent_emo.csv",
        "Utterance,Emotion,Sentiment,Dialogue_ID,Utterance_ID\nHi,glee,neutral,0,0\n",
        2,
    ),
    "msed": ("test/test.csv", MSED_HEADER + "a,b,neutral,neutral,none,S\na,b,neutral,glee,none,S\n", 3),
    "rafdb": ("EmoLabel/list_patition_label.txt", "test_0001.jpg 5\ntrain_00002.jpg 8\n", 2),
    "semeval2007": ("AffectiveText.test/affectivetext_test.valence.gold", "500 10\n501 -101\n", 2),
    "semeval2017": ("train/twitter-2013train-A.tsv", "1\tneutral\ta\n2\tmaybe\tb\n", 2),
    "sentiment140": ("testdata.manual.498.csv", TWEETS, 2),
    "sentiment140_polarity": ("testdata.manual.498.csv", TWEETS, 2),
    "xed": ("AnnotatedData/en-annotated.tsv", "Go away\t1, 3\nHm\t9\n", 2),
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
    with pytest.raises(UnknownCorpusError, match="brighter, csv, emobank, emotion"):
        load_adapter("imagenet")


def test_emotion_splits_at_the_last_semicolon(tmp_path):
    make_emotion(tmp_path)
    first = next(load_adapter("emotion").iter_samples(tmp_path, "train"))
    assert first.text == "i feel; fine"
    assert first.labels == {"emotion6": {"joy": 1.0}}


def read(name, root):
    adapter = load_adapter(name)
    return {split: list(adapter.iter_samples(root, split)) for split in adapter.splits}


def test_imdb_forms_read_the_same_and_keep_the_test_set_apart(tmp_path):
    official, packed = tmp_path / "aclImdb", tmp_path / "packed"
    packed.mkdir()
    make_imdb(official)
    for part in ("train", "test"):
        paths = [path for label in ("neg", "pos") for path in sorted((official / part / label).iterdir())]
        rows = [
            {"id": f"{path.parent.name}/{path.stem}", "label": path.parent.name, "text": path.read_text()}
            for path in paths
        ]
        pack_imdb(packed, part, rows)
    samples = read("imdb", official)
    for root in (packed, tmp_path):
        again = read("imdb", root)
        assert {s: [(x.id, x.text, x.labels) for x in again[s]] for s in again} == {
            s: [(x.id, x.text, x.labels) for x in samples[s]] for s in samples
        }
    assert samples["test"][0].text == "Dull test film 0. Avoid."
    assert samples["test"][-1].labels == {"polarity2": {"positive": 1.0}}
    assert len(samples["test"]) == len(samples["train"]) + len(samples["validation"]) == 80
    assert 1 <= len(samples["validation"]) <= 20
    assert "pos/40_10" not in {s.id.split(":")[1] for s in samples["train"] + samples["validation"]}


GOOD = {"id": "neg/0_1", "label": "neg", "text": "Dull \ud83d film."}


@pytest.mark.parametrize(
    "bad",
    [
        GOOD | {"label": "unsup"},
        GOOD | {"text": " "},
        GOOD | {"text": 5},
        {"label": "neg", "text": "x"},
        [1],
    ],
)
def test_imdb_malformed_json_names_the_line(bad, tmp_path):
    pack_imdb(tmp_path, "train", [GOOD, bad])
    pack_imdb(tmp_path, "test", [])
    with pytest.raises(CorpusFormatError) as raised:
        list(load_adapter("imdb").iter_samples(tmp_path, "train"))
    assert raised.value.item == f"{tmp_path / 'train.jsonl.gz'}:2"


def test_imdb_damaged_gzip_is_refused(tmp_path):
    pack_imdb(tmp_path, "test", [GOOD])
    path = tmp_path / "test.jsonl.gz"
    for data in (path.read_bytes()[:-9], b"no gzip at all"):
        path.write_bytes(data)
        with pytest.raises(CorpusFormatError, match="gzip"):
            list(load_adapter("imdb").iter_samples(tmp_path, "test"))


def test_sentiment140_polarity_leaves_neutral_tweets_out(tmp_path):
    make_sentiment140(tmp_path)
    three, two = read("sentiment140", tmp_path), read("sentiment140_polarity", tmp_path)
    assert [s.labels for s in two["test"]] == [{"polarity2": {"positive": 1.0}}]
    assert len(three["test"]) == 2
    for split in ("train", "validation"):
        assert [(s.id, s.text) for s in two[split]] == [(s.id, s.text) for s in three[split]]


def test_semeval2007_labels_by_score(tmp_path):
    make_semeval2007(tmp_path)
    samples = read("semeval2007", tmp_path)["test"]
    assert samples[0].text == "Mortar kills shoppers & guards"
    assert [list(s.labels.get("ekman7", {})) for s in samples] == [["fear"], ["joy"], ["neutral"], [], []]
    assert [list(s.labels["sentiment3"]) for s in samples] == [
        ["negative"],
        ["positive"],
        ["neutral"],
        ["neutral"],
        ["negative"],
    ]


def test_valences_run_from_minus_one_to_one(tmp_path):
    make_semeval2007(tmp_path)
    make_emobank(tmp_path)
    headlines = [sample.labels[VALENCE][VALENCE] for sample in read("semeval2007", tmp_path)["test"]]
    assert headlines == [int(row[2]) / 100 for row in HEADLINES]
    sentences = [sample.labels[VALENCE][VALENCE] for sample in read("emobank", tmp_path)["test"]]
    assert sentences == [-1, 0.25, 1]


def test_semeval2007_headline_without_scores_is_named(tmp_path):
    make_semeval2007(tmp_path)
    write(tmp_path / "AffectiveText.test" / "affectivetext_test.emotions.gold", "500 0 0 0 0 0 0\n")
    with pytest.raises(CorpusFormatError, match=r"affectivetext_test\.xml line 3: the headline 501"):
        read("semeval2007", tmp_path)


def test_brighter_reads_track_c_for_blank_labels_and_keeps_its_texts_apart(tmp_path):
    make_brighter(tmp_path)
    samples = read("brighter", tmp_path)
    assert [(s.id, s.labels["ekman7"]) for s in samples["test"]] == [
        ("test:c_1", {"anger": 1.0, "sadness": 1.0}),
        ("test:c_2", {"neutral": 1.0}),
    ]
    assert [s.text for s in samples["train"]] == ["Oh, train", "Some train day"]
    assert samples["validation"][0].labels == {"ekman7": {"fear": 1.0, "surprise": 1.0}}


def test_brighter_in_another_language_reads_track_a(tmp_path):
    make_brighter(tmp_path)
    [sample] = BrighterAdapter(language="deu").iter_samples(tmp_path, "test")
    assert (sample.id, sample.labels) == ("test:d_1", {"ekman7": {"disgust": 1.0}})
    with pytest.raises(CorpusNotFoundError, match=r"track_a/train/deu\.csv"):
        list(BrighterAdapter(language="deu").iter_samples(tmp_path, "train"))


def test_xed_maps_what_ekman_lacks_and_drops_conflicts(tmp_path):
    make_xed(tmp_path)
    splits = read("xed", tmp_path)
    samples = {s.text: s for samples in splits.values() for s in samples}
    assert len(samples) == sum(map(len, splits.values())) == 203  # Room number 3 once, Hm not at all
    assert samples["Leave me alone , number 0 !"].labels["ekman7"] == {"anger": 1.0, "sadness": 1.0}
    assert samples["Soon , my friend ."].labels == {
        "ekman7": {"joy": 0.5, "neutral": 0.5},
        "plutchik8": {"anticipation": 1.0, "trust": 1.0},
    }
    assert samples["You can do it ."].labels == {
        "ekman7": {"joy": 1.0},
        "plutchik8": {"trust": 1.0, "joy": 1.0},
    }
    assert samples["Two tickets."].labels == {"ekman7": {"neutral": 1.0}}
    assert 8 <= len(splits["validation"]) <= 40
    assert 8 <= len(splits["test"]) <= 40


def test_xed_keeps_lines_of_equal_words_on_one_side(tmp_path):
    lines = [
        ("what is it ?", "What is it?"),
        ("come on , man !", "Come on, man."),
        ("who , me ?", "Who, me?"),
    ]
    for folder, column in (("spaced", 0), ("plain", 1)):
        rows = "".join(f"{pair[column]}\t7\n" for pair in lines)
        write(tmp_path / folder / "AnnotatedData" / "en-annotated.tsv", rows)
        write(tmp_path / folder / "AnnotatedData" / "neu_en.txt", "9\tRight.\n")
    spaced, plain = read("xed", tmp_path / "spaced"), read("xed", tmp_path / "plain")
    assert {s: [x.id for x in spaced[s]] for s in spaced} == {s: [x.id for x in plain[s]] for s in plain}


def test_msed_keeps_what_leaks_and_what_is_disputed_apart(tmp_path):
    make_msed(tmp_path)
    samples = read("msed", tmp_path)
    texts = {split: [sample.text for sample in own] for split, own in samples.items()}
    assert texts["train"] == ["Two friends laughing. Two friends laughing on the beach"]
    assert texts["validation"] == ["Dirty dishes"]
    assert len(texts["test"]) == 4
    assert texts["test_clean"] == ["Angry driver. shouting at the traffic"]
    first = samples["train"][0]
    assert first.image == tmp_path / "train" / "images" / "1.jpg"
    assert first.labels == {"ekman7": {"joy": 1.0}, "sentiment3": {"positive": 1.0}}
    (tmp_path / "test" / "images" / "2.jpg").unlink()
    with pytest.raises(CorpusNotFoundError, match=r"2\.jpg"):
        read("msed", tmp_path)


def test_rafdb_labels_pictures_and_splits(tmp_path):
    make_rafdb(tmp_path)
    samples = read("rafdb", tmp_path)
    names = ["surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"]
    assert [list(s.labels["fer7"]) for s in samples["test"]] == [[name] for name in names]
    assert samples["test"][0].image == tmp_path / "Image" / "aligned" / "test_0001_aligned.jpg"
    assert {s.id for s in samples["train"]} | {s.id for s in samples["validation"]} == {
        f"train_{i:05}" for i in range(70)
    }
    assert 1 <= len(samples["validation"]) <= 20
    assert len(samples["train"]) + len(samples["validation"]) == 70


def test_rafdb_without_its_folders_reads_the_same_and_a_missing_picture_is_named(tmp_path):
    make_rafdb(tmp_path / "basic")
    flat = tmp_path / "flat"
    flat.mkdir()
    (tmp_path / "basic" / "Image" / "aligned").rename(flat / "aligned")
    with pytest.raises(CorpusNotFoundError, match="Image/aligned"):
        read("rafdb", tmp_path)
    (tmp_path / "basic" / "EmoLabel" / "list_patition_label.txt").rename(flat / "list_patition_label.txt")
    assert {split: len(samples) > 0 for split, samples in read("rafdb", flat).items()} == {
        "train": True,
        "validation": True,
        "test": True,
    }
    (flat / "aligned" / "test_0002_aligned.jpg").unlink()
    with pytest.raises(CorpusNotFoundError, match=r"test_0002_aligned\.jpg"):
        read("rafdb", flat)


def test_isarcasmeval_drops_what_repeats_or_stands_in_the_test(tmp_path):
    make_isarcasmeval(tmp_path)
    samples = read("isarcasmeval", tmp_path)
    assert [(s.text, s.labels) for s in samples["test"]] == [
        ("Two\nlines", {"own": {"literal": 1.0}}),
        ("oh great", {"own": {"sarcastic": 1.0}}),
    ]
    learned = [s.text for s in samples["train"]] + [s.text for s in samples["validation"]]
    assert sorted(learned) == sorted(f"day number {i}" for i in range(80))
    assert 4 <= len(samples["validation"]) <= 24
    assert all(
        (int(s.text.split()[-1]) % 4 == 0) == ("sarcastic" in s.labels["own"]) for s in samples["train"]
    )


def test_isarcasmeval_rephrases(tmp_path):
    make_isarcasmeval(tmp_path)
    assert read_rephrases(tmp_path, "test") == [("Lovely.", "Awful."), ("Love it", "I hate it")]
    assert read_rephrases(tmp_path, "train")[-2:] == [("Oh  GREAT", "Not good."), ("fine", "Bad.")]
    assert len(read_rephrases(tmp_path, "train")) == 22
    write(tmp_path / "test" / "task_C_En_test.csv", "text_0,text_1,sarcastic_id\na,b,2\n")
    with pytest.raises(CorpusFormatError, match="line 2: sarcastic_id"):
        read_rephrases(tmp_path, "test")


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


def test_own_labels_of_a_table(tmp_path):
    rows = [{"text": "a", "label": 0}, {"text": "b", "label": "x"}, {"text": "c", "label": ""}]
    write(tmp_path / "test.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert [sample.labels for sample in list(load_adapter("jsonl").iter_samples(tmp_path, "test"))] == [
        {"own": {"0": 1.0}},
        {"own": {"x": 1.0}},
        {},
    ]
    write(tmp_path / "test.jsonl", json.dumps({"text": "a", "label": ["x", "y"]}) + "\n")
    with pytest.raises(CorpusFormatError, match="one label"):
        list(load_adapter("jsonl").iter_samples(tmp_path, "test"))
