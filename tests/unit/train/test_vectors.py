import numpy as np
import pytest

from emofuse.errors import ConfigError, CorpusFormatError, CorpusNotFoundError
from emofuse.preprocess import WordPieceTokenizer
from emofuse.train.data import Example
from emofuse.train.recipe import EncoderConfig
from emofuse.train.vectors import load_vectors

TOKENIZER = WordPieceTokenizer({"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "king": 3, "queen": 4, "cabbage": 5})


def config(vectors, width=3):
    return EncoderConfig(name="bilstm", embedding=width, vectors=str(vectors))


def test_words_that_share_a_context_get_similar_vectors():
    random = np.random.default_rng(0)
    rows = [[1, random.choice([3, 4]), 0, 2] if i % 2 else [5, 5, 5, 5] for i in range(600)]
    examples = [Example(np.array(row, dtype=np.int32), {}) for row in rows]
    vectors = load_vectors(config("word2vec", 8), TOKENIZER, examples, 7)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert unit[3] @ unit[4] > unit[3] @ unit[5]
    np.testing.assert_array_equal(vectors, load_vectors(config("word2vec", 8), TOKENIZER, examples, 7))


@pytest.mark.parametrize("header", ["", "2 3\n"])
def test_glove_and_word2vec_files(header, tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text(f"{header}king 1 2 3\nqueen 4 5 6\n")
    vectors = load_vectors(config(path), TOKENIZER, [], 7)
    assert vectors.shape == (6, 3)
    assert vectors[3].tolist() == [1, 2, 3]
    assert vectors[4].tolist() == [4, 5, 6]
    assert np.abs(vectors[5]).max() > 0


@pytest.mark.parametrize(
    ("content", "width", "error", "message"),
    [
        (None, 3, CorpusNotFoundError, "Cannot read word vectors"),
        ("king one two three\n", 3, CorpusFormatError, "line 1: not a vector"),
        ("king 1 2 3\n", 4, ConfigError, "3 wide"),
        ("cat 1 2 3\n", 3, ConfigError, "None of the vectors"),
    ],
)
def test_files_that_cannot_be_used(content, width, error, message, tmp_path):
    path = tmp_path / "vectors.txt"
    if content is not None:
        path.write_text(content)
    with pytest.raises(error, match=message):
        load_vectors(config(path, width), TOKENIZER, [], 7)
