import json

import pytest

from emofuse.errors import ConfigError, CorpusFormatError
from emofuse.redact import redact_csv, redact_jsonl, redact_lines


def test_csv_keeps_quotes_line_ends_and_stray_bytes():
    data = b'\xef\xbb\xbfid,text,"a ""b"""\r\n1,"hi @jane, ""you""",x\r\n\r\n2,caf\xe9 ,"two\nlines @bob"\r\n3,@kim'
    masked, counts = redact_csv(data)
    assert masked == (
        b'\xef\xbb\xbfid,text,"a ""b"""\r\n1,"hi @user, ""you""",x\r\n\r\n2,caf\xe9 ,"two\nlines @user"\r\n3,@user'
    )
    assert counts == {"handle": 3}


def test_csv_masks_only_the_columns_asked_for_and_never_the_header():
    data = b"@id;text\n0171 2345678;call 0171 2345678\n"
    assert redact_csv(data, ["text"])[0] == b"@id;text\n0171 2345678;call [phone]\n"
    assert redact_csv(data)[0] == b"@id;text\n[phone];call [phone]\n"
    with pytest.raises(ConfigError, match=r"no column 'txt'\. Valid: @id, text"):
        redact_csv(data, ["txt"])


def test_a_cell_beyond_the_header_belongs_to_a_text_and_is_masked():
    data = b"text\nhello, @jane and +49 30 1234567\n"
    assert redact_csv(data, ["text"])[0] == b"text\nhello, @user and [phone]\n"
    assert redact_csv(b"id,text\n@1a,hi, @jane\n", ["text"])[0] == b"id,text\n@1a,hi, @user\n"


def test_an_address_does_not_reach_into_the_next_cell():
    assert redact_csv(b"a;b\nhttps://x.org/jane;5\n")[0] == b"a;b\nhttp;5\n"
    assert redact_csv(b"a\tb\n06 12 34 56 78\t90\n")[0] == b"a\tb\n[phone]\t90\n"


def test_csv_with_a_quote_that_never_ends_is_refused_by_line():
    with pytest.raises(CorpusFormatError, match=r"t\.csv line 3"):
        redact_csv(b'text\nfine\n"open @jane\n', name="t.csv")


def test_jsonl_changes_nothing_but_the_strings_it_masks():
    data = '{"id":1,  "text" : "hi @jané", "n":0612345678.5}\n'.replace("0612345678.5", "1e3")
    data += '\r\n{ "text":"caf\\u00e9", "more":{"by":["@bob","x"]}}\n{"text":"\u2028 @kim \\ud800 é"}'
    masked, counts = redact_jsonl(data.encode())
    expected = data.replace("@jané", "@user").replace("@bob", "@user")
    start, _, last = masked.decode().rpartition("\n")
    assert start == expected.rpartition("\n")[0]
    assert json.loads(last) == {"text": "\u2028 @user \ud800 é"}
    assert counts == {"handle": 3}


def test_jsonl_by_key():
    line = b'{"user": "@jane", "text": {"full": "@bob", "user": ["@kim"]}, "text2": "@lee"}\n'
    expected = b'{"user": "@jane", "text": {"full": "@user", "user": ["@user"]}, "text2": "@lee"}\n'
    assert redact_jsonl(line, ["text"])[0] == expected
    with pytest.raises(ConfigError, match="no column 'body'"):
        redact_jsonl(line, ["body"])


@pytest.mark.parametrize(
    ("line", "why"), [(b'{"a": 1}\n{"a"', "not valid JSON"), (b'{}\n["@a"]', "JSON object")]
)
def test_jsonl_that_is_none_names_the_line(line, why):
    with pytest.raises(CorpusFormatError, match=rf"t\.jsonl line 2: .*{why}"):
        redact_jsonl(line, name="t.jsonl")


@pytest.mark.parametrize("redact", [redact_csv, redact_jsonl, redact_lines])
def test_utf_16_is_refused_rather_than_left_unmasked(redact):
    with pytest.raises(CorpusFormatError, match="UTF-8"):
        redact("text\n@jane\n".encode("utf-16"))


def test_lines_keep_their_ends():
    masked, counts = redact_lines(b"@jane\r\nfine\n\ncaf\xe9 @bob")
    assert masked == b"@user\r\nfine\n\ncaf\xe9 @user"
    assert counts == {"handle": 2}
