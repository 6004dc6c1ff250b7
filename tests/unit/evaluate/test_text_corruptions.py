import numpy as np
import pytest

from emofuse.evaluate import text_corruptions as texts

LONG = "e" * 12000


def draws(seed=0):
    return np.random.default_rng(seed)


RANDOM = {
    "typos": texts.add_typos,
    "case": texts.flip_case,
    "capitals": texts.change_words(str.upper),
    "vowels": texts.lengthen_words,
    "spaces": texts.drop_spaces,
    "punctuation": texts.drop_punctuation,
    "emoji": texts.drop_emoji,
}


@pytest.mark.parametrize("name", RANDOM)
def test_rate_zero_changes_nothing_and_a_seed_repeats(name):
    text = "Well, I LOVE it -- so much! 😀 (really)"
    assert RANDOM[name](text, 0.0, draws()) == text
    assert RANDOM[name](text, 0.5, draws(3)) == RANDOM[name](text, 0.5, draws(3))
    assert RANDOM[name](text * 50, 0.5, draws(3)) != RANDOM[name](text * 50, 0.5, draws(4))


def test_typos_change_about_the_rate_of_the_letters():
    typed = texts.add_typos(LONG, 0.1, draws())
    # A third each: left out, swapped (invisible among equal letters), a neighbouring key.
    assert (len(LONG) - len(typed)) / len(LONG) == pytest.approx(0.1 / 3, rel=0.15)
    others = [letter for letter in typed if letter != "e"]
    assert len(others) / len(LONG) == pytest.approx(0.1 / 3, rel=0.15)
    assert set(others) == set("wrsd")


def test_typos_of_every_letter_keep_all_else():
    typed = texts.add_typos("GO 42, ñ!", 1.0, draws())
    assert [c for c in typed if not c.isascii() or not c.isalpha()] == list(" 42, ñ!")
    assert typed.replace("ñ", "Ñ").isupper()


def test_a_swap_exchanges_two_letters():
    found = {texts.add_typos("ab", 1.0, draws(seed)) for seed in range(50)}
    assert "ba" in found
    assert all(len(typed) <= 2 for typed in found)


def test_neighbouring_keys():
    assert set(texts._NEIGHBOURS["g"]) == set("fhtyvb")
    assert set(texts._NEIGHBOURS["q"]) == set("wa")
    assert set(texts._NEIGHBOURS["m"]) == set("njk")
    assert all(key in texts._NEIGHBOURS[near] for key, beside in texts._NEIGHBOURS.items() for near in beside)


def test_words_and_case():
    assert texts.change_words(str.upper)("so good", 1.0, draws()) == "SO GOOD"
    assert texts.change_words(str.lower)("So GOOD", 1.0, draws()) == "so good"
    assert texts.flip_case("So 1", 1.0, draws()) == "sO 1"
    half = texts.change_words(str.upper)("x " * 2000, 0.5, draws())
    assert half.count("X") == pytest.approx(1000, rel=0.1)


def test_vowels_are_stretched_by_three():
    assert texts.lengthen_words("so hmm", 1.0, draws()) == "soooo hmm"
    assert len(texts.lengthen_words("good", 1.0, draws())) == 7


def test_spaces_and_marks():
    assert texts.drop_spaces("a b c", 1.0, draws()) == "abc"
    assert texts.drop_punctuation("Don't (ever) go!?", 1.0, draws()) == "Dont ever go"
    assert texts.repeat_punctuation("Why? No... ok", 2, draws()) == "Why?? No...... ok"


def test_emoji_go_with_their_skin_tone():
    assert texts.drop_emoji("hi 👍🏽 there ❤️", 1.0, draws()) == "hi  there "
    assert texts.has_emoji("hi 👍🏽")
    assert not texts.has_emoji("hi :)")


@pytest.mark.parametrize("name", RANDOM)
def test_a_milder_level_is_part_of_a_harder_one(name):
    # The same draws at every rate: what is untouched at the harder level is untouched at the milder one.
    text = "aaaa, BBB cc! 😀 ddd. " * 20
    mild, hard = (RANDOM[name](text, rate, draws(1)) for rate in (0.05, 0.9))
    assert difference(text, mild) < difference(text, hard)


def difference(one, other):
    return abs(len(one) - len(other)) + sum(a != b for a, b in zip(one, other, strict=False))
