import json

import numpy as np
import pytest
from pyarrow import Table, parquet

from emofuse.errors import ConfigError, CorpusFormatError, CorpusNotFoundError
from emofuse.evaluate.group_table import Columns, read_answers, read_group_table
from emofuse.types import Emotion, ErrorEntry, Prediction, Sentiment

ROWS = [
    {"text": "good", "y": "positive", "p": "positive", "c": 0.9, "age": "old", "site": "x"},
    {"text": "bad", "y": "negative", "p": "positive", "c": 0.6, "age": "young", "site": "x"},
    {"text": "fine", "y": "positive", "p": "negative", "c": 0.7, "age": "young", "site": "z"},
]


def write(folder, suffix, rows=ROWS):
    path = folder / f"table.{suffix}"
    if suffix == "parquet":
        parquet.write_table(Table.from_pylist(rows), path)
    elif suffix == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_answers_of_a_table(tmp_path, suffix):
    found = read_answers(write(tmp_path, suffix), Columns("y", ["age", "site"], "p", "c"))
    assert found.labels == ["negative", "positive"]
    assert found.truth.tolist() == [1, 0, 1]
    assert found.guess.tolist() == [1, 1, 0]
    np.testing.assert_allclose(found.scores[:, 1], [0.9, 0.6, 0.3], atol=1e-6)
    assert list(found.groups) == ["age", "site", "age & site"]
    assert found.groups["age & site"].tolist() == ["old & x", "young & x", "young & z"]
    assert found.take(np.array([2])).groups["age"].tolist() == ["young"]


def predictor(error_at=None):
    """Answers "positive" to texts that are good, with three quarters."""

    def predict(samples):
        answers = []
        for sample in samples:
            good = 0.75 if sample.text == "good" else 0.125
            probabilities = {"negative": 0.875 - good, "neutral": 0.125, "positive": good}
            label = max(probabilities, key=lambda name: probabilities[name])
            error = ErrorEntry("empty_text", "No text.") if sample.id == error_at else None
            answers.append(
                Prediction(
                    id=sample.id,
                    emotion=Emotion(label, probabilities[label], "x", probabilities),
                    sentiment=Sentiment(label, probabilities[label], "sentiment3", probabilities),
                    error=error,
                )
            )
        return answers

    return predict


def test_models_read_the_rows(tmp_path):
    asked = []

    def load(taxonomy):
        asked.append(taxonomy)
        return predictor(error_at="3")

    found = read_group_table(write(tmp_path, "csv"), Columns("y", ["age"]), load)
    assert asked == ["sentiment3"]
    # Line 3 is the second row.
    assert found.truth.tolist() == [2, 2]
    assert found.guess.tolist() == [2, 0]
    np.testing.assert_allclose(found.confidence, 0.75)
    assert found.groups["age"].tolist() == ["old", "young"]
    assert found.unreadable == {"3": "No text."}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (Columns("y", ["sex"], "p"), "has no column sex; it has age"),
        (Columns("truth", ["age"], "p"), "has no column truth"),
        (Columns("y", ["age"], "p", "nope"), "has no column nope; it has age"),
        (Columns("y", ["age"], "p", "site"), "site must be a number from 0 to 1"),
    ],
)
def test_missing_columns_are_named(tmp_path, columns, message):
    with pytest.raises(CorpusFormatError, match=message):
        read_answers(write(tmp_path, "csv"), columns)


def test_an_empty_value_is_named_with_its_line(tmp_path):
    path = write(tmp_path, "csv", [ROWS[0], ROWS[1] | {"age": ""}])
    with pytest.raises(CorpusFormatError, match="line 3: age is empty"):
        read_answers(path, Columns("y", ["age"], "p"))


def test_nan_is_an_empty_value(tmp_path):
    path = write(tmp_path, "jsonl", [ROWS[0], ROWS[1] | {"age": float("nan")}])
    with pytest.raises(CorpusFormatError, match="line 2: age is empty"):
        read_answers(path, Columns("y", ["age"], "p"))


def test_labels_of_no_set_and_rows_without_text_are_refused(tmp_path):
    odd = write(tmp_path, "jsonl", [ROWS[0] | {"y": "bliss"}])
    with pytest.raises(ConfigError, match=r"bliss are not all in sentiment3 or ekman7"):
        read_group_table(odd, Columns("y", ["age"]), lambda _: predictor())
    path = write(tmp_path, "csv")
    with pytest.raises(CorpusFormatError, match="needs a column 'words' or 'image'"):
        read_group_table(path, Columns("y", ["age"], text="words"), lambda _: predictor())


def test_what_is_no_table_is_refused(tmp_path):
    with pytest.raises(CorpusNotFoundError, match="There is no file"):
        read_answers(tmp_path / "none.csv", Columns("y", ["age"], "p"))
    for name, text, message in (
        ("t.txt", "a", "no .csv, .jsonl or .parquet"),
        ("t.csv", "y,p,age\n", "has no row"),
        ("t.parquet", "not one", "is no Parquet file"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(CorpusFormatError, match=message):
            read_answers(tmp_path / name, Columns("y", ["age"], "p"))
