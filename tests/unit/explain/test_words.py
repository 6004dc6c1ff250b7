import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emofuse.errors import TextTooLongError
from emofuse.explain.words import MAX_WORDS, attribute, keep_words, split_words


@given(st.text(max_size=40))
def test_words_are_what_lies_between_white_space(text):
    assert [text[start:end] for start, end in split_words(text)] == text.split()


def test_long_texts_are_cut_into_runs_that_lose_nothing():
    text = " ".join(f"w{i}" for i in range(3 * MAX_WORDS + 5))
    spans = split_words(text)
    assert len(spans) == MAX_WORDS
    runs = [text[start:end] for start, end in spans]
    assert " ".join(runs) == text
    assert {len(run.split()) for run in runs} == {3, 4}


def test_beyond_ten_thousand_characters_is_refused():
    assert len(split_words("a " * 5000)) == MAX_WORDS
    with pytest.raises(TextTooLongError, match="10,001"):
        split_words("a" * 10_001)


def test_keep_words_and_attribute():
    text = "  not  bad &amp; \\u2019 😂!\n"
    spans = split_words(text)
    assert keep_words(text, spans, [True, False, True, True, True]) == "not &amp; \\u2019 😂!"
    words = attribute(text, spans, np.array([-0.5, 0.25, 0, 0, 1], np.float32))
    assert [(word.text, word.attribution) for word in words][:2] == [("not", -0.5), ("bad", 0.25)]
    assert all(text[word.start : word.end] == word.text for word in words)
