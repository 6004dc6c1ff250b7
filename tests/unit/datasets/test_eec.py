import pytest

from emofuse.datasets.eec import EecSentence, read_eec
from emofuse.errors import CorpusFormatError, CorpusNotFoundError

HEADER = "ID,Sentence,Template,Person,Gender,Race,Emotion,Emotion word\n"
ROW = (
    "1,Alonzo feels angry.,<person subject> feels <emotion word>.,Alonzo,male,African-American,anger,angry\n"
)


def write(folder, text):
    (folder / "Equity-Evaluation-Corpus.csv").write_text(text, encoding="utf-8")
    return folder


def test_a_row_of_the_official_layout(tmp_path):
    expected = EecSentence(
        "Alonzo feels angry.",
        "<person subject> feels <emotion word>.",
        "angry",
        "Alonzo",
        "male",
        "African-American",
    )
    write(tmp_path, HEADER + ROW)
    assert read_eec(tmp_path) == [expected]
    assert read_eec(tmp_path / "Equity-Evaluation-Corpus.csv") == [expected]


def test_the_folder_above_is_good_enough(tmp_path):
    (tmp_path / "eec").mkdir()
    write(tmp_path / "eec", HEADER + ROW)
    assert len(read_eec(tmp_path)) == 1


def test_a_missing_column_is_named(tmp_path):
    write(tmp_path, HEADER.replace("Race", "Colour") + ROW)
    with pytest.raises(CorpusFormatError, match="the header lacks Race"):
        read_eec(tmp_path)


@pytest.mark.parametrize(("old", "new"), [("male,", "man,"), ("African-American", "Asian")])
def test_an_unknown_group_is_named_with_its_line(tmp_path, old, new):
    write(tmp_path, HEADER + ROW.replace(old, new))
    with pytest.raises(CorpusFormatError, match=rf"line 2: .*{new.strip(',')}"):
        read_eec(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CorpusNotFoundError, match=r"Equity-Evaluation-Corpus\.csv"):
        read_eec(tmp_path)
