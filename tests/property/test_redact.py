import csv
import io
import json
import string

from hypothesis import given
from hypothesis import strategies as st

from emofuse.redact import mask_text, redact_csv, redact_jsonl, redact_text

PIECES = st.sampled_from(
    ["@", "jane", "bob.", "example.org", "https://", "www.", "x.com/", "0171", "555", "-", " ", "+49", "(0)", "/", "\n",
     "[at]", "[dot]", "4111 1111 1111 1111", "DE89370400440532013000", "de89", "call ", "id ", "é", "@user", "User", "http", "[phone]", "."]
)  # fmt: skip
NASTY = st.one_of(
    st.text(), st.lists(PIECES, max_size=12).map("".join), st.text("0123456789 .-/()+@ab", max_size=40)
)
PLAIN = st.text(st.characters(exclude_categories=["Nd", "Cs"], exclude_characters="@.:[("))


@given(NASTY)
def test_a_second_pass_changes_nothing(text):
    once = redact_text(text)
    again, counts = mask_text(once)
    assert again == once
    assert not counts


@given(PLAIN)
def test_text_without_digits_dots_and_signs_stays(text):
    assert redact_text(text) == text


@given(NASTY, st.text(string.ascii_letters + " ,!?"), st.text(string.ascii_letters + " ,!?"))
def test_an_address_between_words_is_gone(text, before, after):
    assert "jane.doe" not in redact_text(f"{before} {text} jane.doe@example.org {after}")
    assert redact_text(f"{before} jane.doe@example.org {after}") == f"{before} [email] {after}"


@given(
    st.lists(st.tuples(NASTY, NASTY), min_size=1), st.sampled_from(["\n", "\r\n"]), st.sampled_from([0, 1])
)
def test_a_csv_table_keeps_its_rows_and_masks_each_cell(rows, end, quoting):
    rows = [[cell.encode(errors="replace").decode().replace("\0", "") for cell in row] for row in rows]
    rows = [[cell.replace("\r", "\n") for cell in row] for row in rows]  # csv.writer does not quote it
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator=end, quoting=quoting).writerows([["a", "b"], *rows])
    masked, _ = redact_csv(buffer.getvalue().encode())
    read = list(csv.reader(io.StringIO(masked.decode(), newline="")))
    assert read == [["a", "b"], *([redact_text(cell) for cell in row] for row in rows)]


@given(
    st.lists(st.dictionaries(st.text(), st.one_of(NASTY, st.lists(NASTY), st.floats(), st.none()))),
    st.booleans(),
)
def test_json_lines_keep_their_rows_and_mask_each_string(rows, ascii_only):
    data = "\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in rows)
    masked, counts = redact_jsonl(data.encode(errors="replace"))
    lines = masked.decode().split("\n")
    assert len(lines) == max(1, len(rows))
    if not counts:
        assert masked == data.encode(errors="replace")
    for before, after in zip(data.encode(errors="replace").decode().split("\n"), lines, strict=True):
        if before:
            assert json.dumps(json.loads(after)) == json.dumps(_mask(json.loads(before)))


def _mask(value):
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, list):
        return [_mask(item) for item in value]
    return {key: _mask(item) for key, item in value.items()} if isinstance(value, dict) else value
