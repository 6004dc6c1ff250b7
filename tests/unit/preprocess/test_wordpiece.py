import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from emofuse.errors import BundleSchemaError
from emofuse.preprocess import WordPieceTokenizer
from emofuse.runtime.bundle import load_bundle

FILE = load_bundle("text_bert_bilstm").path / "tokenizer.json"
OURS, REFERENCE = WordPieceTokenizer.from_file(FILE), Tokenizer.from_file(str(FILE))
# Blocks whose characters had their properties long before either Unicode table was made.
BLOCKS = [
    (0x00, 0x24F),
    (0x300, 0x36F),
    (0x390, 0x3CE),
    (0x400, 0x4FF),
    (0x5D0, 0x5EA),
    (0x621, 0x64A),
    (0x904, 0x939),
    (0xE01, 0xE3A),
    (0x1E00, 0x1EFF),
    (0x2000, 0x2064),
    (0x3001, 0x30FF),
    (0x4E00, 0x9FA5),
    (0xAC00, 0xD7A3),
    (0xF900, 0xFA0D),
    (0x1F300, 0x1F5FF),
]
CHARACTERS = st.one_of([st.characters(min_codepoint=low, max_codepoint=high) for low, high in BLOCKS])


def reference(text):
    return REFERENCE.encode(text, add_special_tokens=False).ids


@given(st.text(CHARACTERS, max_size=60))
def test_ids_equal_the_reference(text):
    assert OURS.encode(text) == reference(text)


@pytest.mark.parametrize(("low", "high"), BLOCKS)
def test_every_character_of_a_block_alone_and_within_a_word(low, high):
    texts = [f"{character} a{character}b" for character in map(chr, range(low, high + 1))]
    assert [OURS.encode(text) for text in texts] == [reference(text) for text in texts]


@pytest.mark.parametrize(
    "text",
    [
        "I am SO proud of you!!! :-)",
        "naïve café, ÅNGSTRÖM; İstanbul and ΣΊΣΥΦΟΣ",
        "can't won't it's re-do a_b #tag @user http://x.y/z?q=1",
        "happy😂😂 👩‍👩‍👧 ☺️",
        "我很高兴 today",
        "a" * 100 + " " + "a" * 101,
        "",
    ],
)
def test_texts(text):
    assert OURS.encode(text) == reference(text)


def test_name_of_a_special_token_is_plain_text():
    assert OURS.encode("[SEP]") == OURS.encode("[ sep ]")


def test_time_is_linear_in_the_text():
    started = time.perf_counter()
    OURS.encode("x" * 1_000_000)
    OURS.encode("".join(chr(0x61 + i % 26) * (i % 99) + " " for i in range(20_000)))
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no tokenizer"),
        ("{}", "no tokenizer"),
        ("[]", "no tokenizer"),
        (None, "no tokenizer"),
        ("BPE", "no uncased WordPiece"),
        ("cased", "no uncased WordPiece"),
    ],
)
def test_other_files_are_refused(content, message, tmp_path):
    path = tmp_path / "tokenizer.json"
    data = json.loads(FILE.read_text(encoding="utf-8"))
    if content == "BPE":
        data["model"]["type"] = "BPE"
    if content == "cased":
        data["normalizer"]["lowercase"] = False
    if content is not None:
        path.write_text(json.dumps(data) if content in {"BPE", "cased"} else content, encoding="utf-8")
    with pytest.raises(BundleSchemaError, match=message):
        WordPieceTokenizer.from_file(path)
