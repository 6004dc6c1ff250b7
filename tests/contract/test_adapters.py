"""What every adapter does with files that are not as they should be, and with a root one level too high.

The well-formed side of the contract stands beside the corpora's builders in tests/unit/datasets.
"""

import pytest
from tests.unit.datasets.test_corpora import ENGLISH, MAKERS

from emofuse.datasets import load_adapter
from emofuse.errors import CorpusFormatError, CorpusNotFoundError

MELD = "Utterance,Emotion,Sentiment,Dialogue_ID,Utterance_ID\n"
FER = "emotion,pixels,Usage\n"
VOTES = "Usage,Image name,n,h,su,sa,a,d,f,c,u,NF\n"


def face(emotion="3", last="7", usage="PrivateTest"):
    return f"{emotion},{'7 ' * 2303}{last},{usage}\n"


SCORES = "AffectiveText.test/affectivetext_test"
LABELS = "EmoLabel/list_patition_label.txt"
MALFORMED = {
    "brighter: label missing": ("brighter", "track_c/test/eng.csv", ENGLISH + "1,a,0,0,1,0\n", 2),
    "brighter: no text": ("brighter", "track_c/test/eng.csv", ENGLISH + "1,a,0,0,1,0,0\n2,,0,0,1,0,0\n", 3),
    "brighter: no such column": ("brighter", "track_c/test/eng.csv", "id,text,anger\n1,a,0\n", 1),
    "csv: not utf-8": ("csv", "test.csv", b"text\nfine\ncaf\xe9\n", 3),
    "csv: cell without end": ("csv", "test.csv", b'text\n"' + b"a" * 200_000, 2),
    "csv: id used twice": ("csv", "test.csv", b"id,text\n1,a\n1,b\n", 3),
    "csv: neither text nor image": ("csv", "test.csv", b"text,emotion\na,joy\n,joy\n", 3),
    "emobank: V is no number": ("emobank", "emobank.csv", "id,split,V,text\na,test,high,x\n", 2),
    "emobank: no text": ("emobank", "emobank.csv", "id,split,V,text\na,test,3,\n", 2),
    "emobank: no such column": ("emobank", "emobank.csv", "id,split,text\na,test,x\n", 1),
    "emotion: not utf-8": ("emotion", "test.txt", b"fine;joy\ncaf\xe9;joy\n", 2),
    "fer2013: no such label": ("fer2013", "fer2013.csv", FER + face(emotion="7"), 2),
    "fer2013: negative label": ("fer2013", "fer2013.csv", FER + face(emotion="-1"), 2),
    "fer2013: pixel too bright": ("fer2013", "fer2013.csv", FER + face() + face(last="256"), 3),
    "fer2013: pixel beyond any integer": ("fer2013", "fer2013.csv", FER + face(last="9" * 30), 2),
    "fer2013: negative pixel": ("fer2013", "fer2013.csv", FER + face(last="-1"), 2),
    "fer2013: unknown usage": ("fer2013", "fer2013.csv", FER + face(usage="Testing"), 2),
    "fer2013: no usage": ("fer2013", "fer2013.csv", "emotion,pixels\n3,7\n", 1),
    "ferplus: vote is no number": ("ferplus", "fer2013new.csv", VOTES + "u,i" + ",1" * 9 + ",x\n", 2),
    "ferplus: too few votes": ("ferplus", "fer2013new.csv", VOTES + "u,i,9,1\n", 2),
    "ferplus: votes end early": ("ferplus", "fer2013new.csv", VOTES + "u,i" + ",1" * 10 + "\n", None),
    "ferplus: faces end early": ("ferplus", "fer2013.csv", FER + face(), None),
    "goemotions: negative label": ("goemotions", "original/test.tsv", "a\t-1\tx\n", 1),
    "imdb: not utf-8": ("imdb", "test/pos/3_9.txt", b"Fine\ncaf\xe9\n", 2),
    "isarcasmeval: no label": ("isarcasmeval", "test/task_A_En_test.csv", "text,sarcastic\na,1\nb\n", 3),
    "isarcasmeval: no such column": ("isarcasmeval", "test/task_A_En_test.csv", "tweet,sarcastic\na,1\n", 1),
    "jsonl: image is a number": ("jsonl", "test.jsonl", '{"image": 5}\n', 1),
    "jsonl: text is a number": ("jsonl", "test.jsonl", '{"text": "a"}\n{"text": 5}\n', 2),
    "jsonl: not an object": ("jsonl", "test.jsonl", "[1]\n", 1),
    "meld: no ids": ("meld", "test_sent_emo.csv", "Utterance,Emotion,Sentiment\nHi,joy,positive\n", 1),
    "meld: row cut off": ("meld", "test_sent_emo.csv", MELD + "Hi,joy,positive\n", 2),
    "meld: not utf-8": ("meld", "test_sent_emo.csv", MELD.encode() + b"H\xe9,joy,positive,0,0\n", 2),
    "rafdb: no label": ("rafdb", LABELS, "train_00001.jpg\n", 1),
    "rafdb: neither train nor test": ("rafdb", LABELS, "train_00001.jpg 1\nval_0001.jpg 1\n", 2),
    "semeval2007: five emotions": ("semeval2007", f"{SCORES}.emotions.gold", "500 0 0 0 0 0\n", 1),
    "semeval2007: no number": ("semeval2007", f"{SCORES}.valence.gold", "500 low\n", 1),
    "semeval2007: no headline": ("semeval2007", f"{SCORES}.xml", '<corpus>\n<instance id="500"/>\n', 2),
    "semeval2017: not utf-8": ("semeval2017", "train/twitter-2016dev-A.tsv", b"1\tneutral\t\xe9\n", 1),
    "sentiment140: five columns": ("sentiment140", "testdata.manual.498.csv", '"4","3","d","q","u"\n', 1),
    "xed: no text": ("xed", "AnnotatedData/en-annotated.tsv", "Go\t1\n\t1\n", 2),
    "xed: no label": ("xed", "AnnotatedData/en-annotated.tsv", "Go\n", 1),
    "xed: neutral line without its mark": ("xed", "AnnotatedData/neu_en.txt", "9\tYes.\n1\tNo.\n", 2),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_rows_name_file_and_line(case, tmp_path):
    name, file, content, line = MALFORMED[case]
    MAKERS[name](tmp_path)
    (tmp_path / file).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(CorpusFormatError) as raised:
        list(load_adapter(name).iter_samples(tmp_path, "test"))
    if line is None:  # The two files disagree: the face without votes, or the end of the faces, is named.
        assert raised.value.item in {f"{tmp_path / 'fer2013.csv'}:{n}" for n in (2, 3)}
    else:
        assert raised.value.item == f"{tmp_path / file}:{line}"
    assert "fer2013new.csv" in raised.value.message or f"line {line}:" in raised.value.message


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("brighter", "brighter"),
        ("emobank", "emobank"),
        ("emotion", "emotion"),
        ("fer2013", "fer2013"),
        ("ferplus", "fer2013"),
        ("goemotions", "goemotions"),
        ("goemotions_ekman", "goemotions"),
        ("imdb", "aclImdb"),
        ("imdb", "imdb"),
        ("isarcasmeval", "isarcasmeval"),
        ("meld", "meld"),
        ("rafdb", "basic"),
        ("semeval2007", "semeval2007"),
        ("semeval2017", "semeval2017_4a"),
        ("sentiment140", "sentiment140"),
        ("sentiment140_polarity", "sentiment140"),
        ("xed", "xed"),
    ],
)
def test_the_folder_above_the_corpus_reads_the_same(name, folder, tmp_path):
    MAKERS[name](tmp_path / folder)
    adapter = load_adapter(name)
    for split in ("train", "test"):
        above = [(s.id, s.text) for s in adapter.iter_samples(tmp_path, split)]
        assert above == [(s.id, s.text) for s in adapter.iter_samples(tmp_path / folder, split)]
        assert above


def test_a_byte_order_mark_is_no_part_of_the_data(tmp_path):
    (tmp_path / "test.csv").write_bytes(b"\xef\xbb\xbftext,emotion\nfine,joy\n")
    (tmp_path / "test.jsonl").write_bytes(b'\xef\xbb\xbf{"text": "fine", "emotion": "joy"}\n')
    for name in ("csv", "jsonl"):
        [sample] = load_adapter(name).iter_samples(tmp_path, "test")
        assert (sample.text, sample.labels) == ("fine", {"ekman7": {"joy": 1.0}})


def test_ferplus_without_votes_says_which_file_is_missing(tmp_path):
    MAKERS["ferplus"](tmp_path)
    (tmp_path / "fer2013new.csv").unlink()
    assert list(load_adapter("fer2013").iter_samples(tmp_path, "test"))
    with pytest.raises(CorpusNotFoundError, match=r"fer2013new\.csv"):
        list(load_adapter("ferplus").iter_samples(tmp_path, "test"))


def test_a_damaged_parquet_file_is_refused(tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "fer.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(CorpusFormatError, match=r"fer\.parquet"):
        list(load_adapter("fer2013").iter_samples(tmp_path, "test"))


def test_a_parquet_file_without_a_column_names_it(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(
        pyarrow.Table.from_pylist([{"row": 0, "usage": "Training"}]), tmp_path / "fer.parquet"
    )
    with pytest.raises(CorpusFormatError, match="train_sim_row"):
        list(load_adapter("fer2013").iter_samples(tmp_path, "test"))


def test_folder_without_the_split_says_where_it_looked(tmp_path):
    (tmp_path / "train" / "joy").mkdir(parents=True)
    with pytest.raises(CorpusNotFoundError, match="test"):
        list(load_adapter("folder").iter_samples(tmp_path, "test"))


def test_folder_passes_over_hidden_folders(tmp_path):
    for name in ("joy", ".cache"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(b"not opened here")
    assert [s.id for s in load_adapter("folder").iter_samples(tmp_path, "test")] == ["joy/1.png"]
