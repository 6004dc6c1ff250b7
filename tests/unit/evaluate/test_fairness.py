from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ttest_rel

from emofuse.datasets.eec import EecSentence
from emofuse.errors import ConfigError, CorpusFormatError, EmptyTextError
from emofuse.evaluate.equity_pairs import build_pairs
from emofuse.evaluate.fairness import audit_text, compare_groups, holm
from emofuse.runtime.bundle import load_bundle

FEELS = "<person subject> feels <emotion word>."
SAW = "I saw <person object>."
AFRICAN, EUROPEAN = "African-American", "European"
PERSONS = [
    ("Ebony", "female", AFRICAN),
    ("Latoya", "female", AFRICAN),
    ("Malik", "male", AFRICAN),
    ("Amanda", "female", EUROPEAN),
    ("Adam", "male", EUROPEAN),
    ("Roger", "male", EUROPEAN),
    ("my sister", "female", ""),
    ("my brother", "male", ""),
]
WORDS = ("angry", "glad", "sad")


def sentences(words=WORDS, persons=PERSONS):
    return [EecSentence(f"{who} feels {w}.", FEELS, w, who, g, r) for w in words for who, g, r in persons]


def groups_of(rows):
    return {group.name: group for group in build_pairs(rows)}


def sentiments(negative):
    negative = np.asarray(negative, dtype=np.float32)
    return {"sentiment3": np.stack([negative, 1 - negative, np.zeros_like(negative)], axis=1)}


def gap_of(gaps, group, label="negative"):
    [found] = [gap for gap in gaps if (gap.group, gap.label) == (group, label)]
    return found


def test_pairs_by_hand():
    groups = groups_of(sentences(words=["angry"]))
    assert [(p.first, p.second) for p in groups["gender"].pairs] == [((6,), (7,)), ((0, 1, 3), (2, 4, 5))]
    assert [(p.first, p.second) for p in groups["race"].pairs] == [((0, 1, 2), (3, 4, 5))]
    assert [(p.first, p.second) for p in groups["race, male"].pairs] == [((2,), (4, 5))]
    single = {(p.first[0], p.second[0]) for p in groups["gender"].one_to_one}
    assert single == {(6, 7), (0, 2), (1, 2), (3, 4), (3, 5)}
    assert {(p.first[0], p.second[0]) for p in groups["race"].one_to_one} == {(0, 3), (1, 3), (2, 4), (2, 5)}


def test_she_meets_he_as_a_subject_and_her_meets_him_as_an_object():
    rows = [
        EecSentence("She feels sad.", FEELS, "sad", "she", "female", ""),
        EecSentence("He feels sad.", FEELS, "sad", "he", "male", ""),
        EecSentence("I saw her.", SAW, "", "her", "female", ""),
        EecSentence("I saw him.", SAW, "", "him", "male", ""),
    ]
    [gender] = build_pairs(rows)
    assert [(p.first, p.second) for p in gender.pairs] == [((0,), (1,)), ((2,), (3,))]


def test_figures_by_hand():
    rows = sentences(words=["angry"])
    scores = sentiments([0.9, 0.7, 0.5, 0.4, 0.2, 0.3, 0.6, 0.5])
    gaps, _ = compare_groups(scores, build_pairs(rows))
    gender = gap_of(gaps, "gender")
    # Nouns .6 - .5; names (.9 + .7 + .4) / 3 - (.5 + .2 + .3) / 3.
    assert gender.mean == pytest.approx((0.1 + 1 / 3) / 2)
    assert gender.pairs == 2
    assert gender.one_to_one == pytest.approx((0.1 + 0.4 + 0.2 + 0.2 + 0.1) / 5)
    race = gap_of(gaps, "race")
    assert race.mean == race.absolute.value == pytest.approx(0.7 - 0.3)
    assert race.one_to_one == pytest.approx((0.5 + 0.3 + 0.3 + 0.2) / 4)
    assert gap_of(gaps, "race", "neutral").mean == pytest.approx(-0.4)


def test_signs_cancel_in_the_mean_alone():
    rows = sentences(words=["angry", "glad"], persons=PERSONS[-2:])
    gaps, worst = compare_groups(sentiments([0.6, 0.4, 0.4, 0.6]), build_pairs(rows))
    gap = gap_of(gaps, "gender")
    assert gap.mean == pytest.approx(0, abs=1e-7)
    assert gap.absolute.value == pytest.approx(0.2)
    assert worst[0].absolute == pytest.approx(0.2)


def test_swapping_the_groups_flips_the_sign():
    rows = sentences()
    swapped = [replace(row, gender={"male": "female", "female": "male"}[row.gender]) for row in rows]
    names = [i for i, row in enumerate(rows) if row.race]
    scores = sentiments(np.random.default_rng(0).random(len(names)))
    ours, _ = compare_groups(scores, build_pairs([rows[i] for i in names]))
    theirs, _ = compare_groups(scores, build_pairs([swapped[i] for i in names]))
    one, other = gap_of(ours, "gender"), gap_of(theirs, "gender")
    assert one.mean == pytest.approx(-other.mean)
    assert one.absolute == other.absolute
    assert one.p == pytest.approx(other.p)
    assert one.one_to_one == pytest.approx(other.one_to_one)


def test_the_order_of_the_sentences_does_not_matter():
    rows = sentences()
    negative = np.random.default_rng(1).random(len(rows))
    order = np.random.default_rng(2).permutation(len(rows))
    ours, _ = compare_groups(sentiments(negative), build_pairs(rows))
    theirs, _ = compare_groups(sentiments(negative[order]), build_pairs([rows[i] for i in order]))
    for group in ("gender", "race", "race, female", "race, male"):
        one, other = gap_of(ours, group), gap_of(theirs, group)
        assert one.mean == pytest.approx(other.mean)
        assert one.absolute.value == pytest.approx(other.absolute.value)


def test_the_test_is_a_paired_t_test_corrected_for_all_of_them():
    rows = sentences(words=[f"word{i}" for i in range(20)], persons=PERSONS[-2:])
    random = np.random.default_rng(3)
    negative = 0.5 + 0.1 * random.random(len(rows)) + np.tile([0.02, 0.0], 20)
    gaps, _ = compare_groups(sentiments(negative), build_pairs(rows))
    expected = ttest_rel(negative[::2], negative[1::2]).pvalue
    # Neutral is 1 - negative and has the same p; positive is constant and has 1: three tests.
    assert gap_of(gaps, "gender").p == pytest.approx(min(1, 3 * expected), rel=1e-4)
    assert gap_of(gaps, "gender", "positive").p == 1


def test_without_spread_nothing_is_significant():
    rows = sentences(words=["angry"], persons=PERSONS[-2:])
    gaps, _ = compare_groups(sentiments([0.9, 0.1]), build_pairs(rows))
    assert gap_of(gaps, "gender").p == 1
    even, _ = compare_groups(sentiments([0.75, 0.5] * 3), build_pairs(sentences(persons=PERSONS[-2:])))
    assert gap_of(even, "gender").p == 1


def test_no_pair_of_single_names_has_no_figure():
    # A woman of one group and a man of the other are compared on average only.
    rows = sentences(persons=[PERSONS[0], PERSONS[4]])
    gaps, _ = compare_groups(sentiments([0.9, 0.1, 0.8, 0.3, 0.7, 0.3]), build_pairs(rows))
    race = gap_of(gaps, "race")
    assert (race.pairs, race.one_to_one, race.one_to_one_pairs) == (3, None, 0)
    assert race.absolute.value == pytest.approx((0.8 + 0.5 + 0.4) / 3)


def test_interval_surrounds_the_figure_and_holds_it_alone_when_all_pairs_agree():
    rows = sentences(words=[f"word{i}" for i in range(40)], persons=PERSONS[-2:])
    random = np.random.default_rng(4)
    gaps, _ = compare_groups(sentiments(random.random(len(rows))), build_pairs(rows))
    found = gap_of(gaps, "gender").absolute
    assert found.low < found.value < found.high
    even, _ = compare_groups(sentiments(np.tile([0.6, 0.5], 40)), build_pairs(rows))
    alike = gap_of(even, "gender").absolute
    assert (alike.low, alike.high) == (pytest.approx(0.1), pytest.approx(0.1))


class Biased:
    """A reader that adds a known amount to the negative score of female persons and of one race."""

    def __init__(self, rows, gender=0.0, race=0.0):
        self.extra = {
            row.text: gender * (row.gender == "female") + race * (row.race == AFRICAN) for row in rows
        }

    def __call__(self, samples):
        for sample in samples:
            negative = np.float32(0.3 + self.extra[sample.text])
            yield {
                "ekman7": np.array([negative, *[(1 - negative) / 6] * 6], dtype=np.float32),
                "sentiment3": np.array([negative, 1 - negative, 0], dtype=np.float32),
            }


def test_a_known_bias_is_found_and_no_other():
    rows = sentences(persons=[*PERSONS, ("Jerome", "male", AFRICAN), ("Nancy", "female", EUROPEAN)])
    bundle = load_bundle("text_bilstm")
    audit = audit_text(bundle, rows, reader=Biased(rows, gender=0.05))
    assert audit.largest.group == "gender"
    assert gap_of(audit.gaps, "gender").mean == pytest.approx(0.05, abs=1e-6)
    assert gap_of(audit.gaps, "gender", "anger").absolute.value == pytest.approx(0.05, abs=1e-6)
    assert gap_of(audit.gaps, "race").absolute.value == pytest.approx(0, abs=1e-6)
    assert audit.to_dict()["target_met"] is False
    both = audit_text(bundle, rows, reader=Biased(rows, race=0.015))
    assert gap_of(both.gaps, "race, male").mean == pytest.approx(0.015, abs=1e-6)
    assert gap_of(both.gaps, "gender").absolute.value == pytest.approx(0, abs=1e-6)
    assert both.to_dict()["target_met"] is True


def test_the_worst_template_is_named():
    rows = [
        *sentences(words=["sad"], persons=PERSONS[-2:]),
        EecSentence("I saw my sister.", SAW, "", "my sister", "female", ""),
        EecSentence("I saw my brother.", SAW, "", "my brother", "male", ""),
    ]
    _, worst = compare_groups(sentiments([0.5, 0.5, 0.9, 0.2]), build_pairs(rows))
    assert (worst[0].template, worst[0].absolute) == (SAW, pytest.approx(0.7))


def test_holm_by_hand():
    assert holm(np.array([0.01, 0.04, 0.03, 0.9])) == pytest.approx([0.04, 0.09, 0.09, 0.9])
    assert holm(np.array([[0.5, 0.6]])) == pytest.approx(np.array([[1.0, 1.0]]))


def test_what_cannot_be_paired_is_refused():
    with pytest.raises(CorpusFormatError, match="No two sentences differ"):
        build_pairs(sentences(persons=PERSONS[-1:]))
    with pytest.raises(CorpusFormatError, match="not the only sentence"):
        build_pairs(sentences() + sentences())


def test_models_and_sentences_that_cannot_be_read_are_refused():
    with pytest.raises(ConfigError, match="face_ferplus is no text model"):
        audit_text(load_bundle("face_ferplus"), sentences())
    blank = [replace(row, text="") for row in sentences()]
    with pytest.raises(EmptyTextError):
        audit_text(load_bundle("text_bilstm"), blank)
