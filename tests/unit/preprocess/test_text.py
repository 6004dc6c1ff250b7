import time

import pytest

from emofuse.errors import EmptyTextError, TextTooLongError
from emofuse.preprocess.text import MAX_TEXT_CHARACTERS, normalize_text, spell_emoji, split_windows


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("I\\u2019m fine\\u002c thanks", "I’m fine, thanks"),
        ("\\ud83d\\ude02", "😂"),
        ("fish &amp; chips &#128512;", "fish & chips 😀"),
        ("see https://a.b/c?d=e now", "see http now"),
        ("WWW.example.org rocks", "http rocks"),
        ("@bob, hi", "@user, hi"),
        ("write to a@b.org", "write to a@b.org"),
        ("e\u0301", "é"),
        (" a \t\n b ", "a b"),
        ("I ❤️ it 👩‍👧!!!", "I ❤️ it 👩‍👧!!!"),
    ],
)
def test_cleaning(raw, clean):
    assert normalize_text(raw) == (clean, ())


@pytest.mark.parametrize("raw", ["a\x00b", "a\x07b"])
def test_control_characters_go_with_a_notice(raw):
    text, notices = normalize_text(raw)
    assert text == "ab"
    assert [notice.code for notice in notices] == ["invalid_characters"]


def test_lone_surrogates_are_replaced():
    text, notices = normalize_text("a\ud800b")
    assert text == "a\ufffdb"
    assert notices[0].code == "invalid_characters"


def test_half_an_escaped_pair_vanishes():
    assert normalize_text("a\\ud83d b")[0] == "a b"


@pytest.mark.parametrize("raw", ["", "  \n", "\x00", "\ud800", "\u200b", "\ufeff"])
def test_nothing_visible(raw):
    with pytest.raises(EmptyTextError):
        normalize_text(raw)


def test_other_scripts_get_a_notice_and_accents_do_not():
    assert [n.code for n in normalize_text("Я очень рад")[1]] == ["unsupported_script"]
    assert [n.code for n in normalize_text("私はとても嬉しい")[1]] == ["unsupported_script"]
    assert normalize_text("Çok güzel, même très")[1] == ()
    assert normalize_text("😂😂😂")[1] == ()


def test_a_megabyte_takes_well_under_a_second():
    started = time.process_time()
    normalize_text("so happy 😂 @bob http://a.b &amp; " * 30_000)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "raw",
    [
        "a" + "\u0315\u0300\u05ae" * 300_000,
        "&" * 10**6,
        "&#" + "1" * 5000 + "; hi",
        "@" * 10**6,
        "\\u" * 500_000,
    ],
)
def test_hostile_texts_take_linear_time(raw):
    started = time.process_time()
    normalize_text(raw)
    assert time.process_time() - started < 5


def test_no_string():
    with pytest.raises(EmptyTextError, match="not int"):
        normalize_text(5)


def test_too_long():
    with pytest.raises(TextTooLongError, match="Split it"):
        normalize_text("a" * (MAX_TEXT_CHARACTERS + 1))


def test_emoji_become_words():
    assert spell_emoji("wow 😂👍🏽!") == "wow face with tears of joy thumbs up sign !"
    assert spell_emoji("I ❤️ it") == "I red heart it"
    assert spell_emoji("naïve café") == "naïve café"


def test_windows_of_nearly_equal_length():
    windows, notice = split_windows(list(range(25)), 10, 8)
    assert [len(window) for window in windows] == [8, 8, 9]
    assert [i for window in windows for i in window] == list(range(25))
    assert notice.code == "text_windowed"


def test_one_window_needs_no_notice():
    assert split_windows([1, 2], 10, 8) == ([[1, 2]], None)


def test_too_many_windows_are_sampled_evenly():
    windows, notice = split_windows(list(range(1000)), 10, 4)
    assert [window[0] for window in windows] == [0, 250, 500, 750]
    assert notice.code == "text_sampled"
    assert "4 of its 100" in notice.message
