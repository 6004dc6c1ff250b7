from dataclasses import replace

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, true_positive_rate

from emofuse.errors import ConfigError
from emofuse.evaluate.group_audit import audit_table, recall
from emofuse.evaluate.group_table import GroupTable
from emofuse.evaluate.threshold_repair import _best_cut, repair_thresholds

# Eight rows: of group a, three of four are right; of group b, two of four.
TRUTH = [0, 0, 1, 1, 0, 0, 1, 1]
GUESS = [0, 0, 1, 0, 0, 1, 0, 1]
GROUP = ["a"] * 4 + ["b"] * 4


def table(truth=TRUTH, guess=GUESS, group=GROUP, confidence=None, scores=None):
    return GroupTable(
        ("no", "yes"),
        np.array(truth),
        np.array(guess),
        None if confidence is None else np.array(confidence),
        scores,
        {"g": np.array(group)},
        {},
    )


def gap_of(audit, measure, label=None):
    [found] = [gap for gap in audit.gaps if (gap.measure, gap.label) == (measure, label)]
    return found


def test_figures_by_hand():
    audit = audit_table(table(confidence=[0.9, 0.7, 0.8, 0.6, 0.5, 0.5, 0.5, 0.5]))
    a, b = audit.groups
    assert audit.accuracy == pytest.approx(5 / 8)
    assert (a.accuracy, b.accuracy) == (0.75, 0.5)
    assert a.recall == {"no": 1.0, "yes": 0.5}
    assert b.selection_rate == {"no": 0.5, "yes": 0.5}
    assert a.selection_rate == {"no": 0.75, "yes": 0.25}
    assert a.support == {"no": 2, "yes": 2}
    # Each row of a is in a bin of its own: (.1 + .3 + .2 + .6) / 4; b is half sure and half right.
    assert a.ece == pytest.approx(0.3, abs=1e-6)
    assert b.ece == pytest.approx(0.0, abs=1e-6)
    assert a.small
    accuracy = gap_of(audit, "accuracy")
    assert (accuracy.highest, accuracy.lowest) == ("a", "b")
    assert accuracy.difference.value == pytest.approx(0.25)
    assert accuracy.ratio.value == pytest.approx(2 / 3)
    assert gap_of(audit, "recall", "no").difference.value == pytest.approx(0.5)
    assert gap_of(audit, "recall", "yes").difference.value == pytest.approx(0.0)


def test_differences_are_those_of_fairlearn():
    random = np.random.default_rng(0)
    truth, guess = random.integers(0, 2, 300), random.integers(0, 2, 300)
    group = random.choice(["a", "b", "c"], 300)
    audit = audit_table(table(truth, guess, group))
    frame = MetricFrame(metrics=true_positive_rate, y_true=truth, y_pred=guess, sensitive_features=group)
    gap = gap_of(audit, "recall", "yes")
    assert gap.difference.value == pytest.approx(frame.difference())
    assert gap.ratio.value == pytest.approx(frame.ratio())
    assert gap.difference.low < gap.difference.value < gap.difference.high
    assert not gap.small


def test_renaming_the_groups_changes_names_alone():
    audit = audit_table(table())
    renamed = audit_table(table(group=["z" if name == "a" else "y" for name in GROUP]))
    for one, other in zip(audit.gaps, renamed.gaps, strict=True):
        assert one.difference.value == other.difference.value
        assert one.ratio.value == other.ratio.value
    assert {gap.highest for gap in renamed.gaps} <= {"y", "z"}


def test_a_known_gap_lies_in_its_interval():
    random = np.random.default_rng(1)
    group = np.repeat(["a", "b"], 400)
    truth = np.ones(800, dtype=int)
    guess = (random.random(800) < np.where(group == "a", 0.9, 0.6)).astype(int)
    gap = gap_of(audit_table(table(truth, guess, group)), "recall", "yes")
    assert gap.difference.low < 0.3 < gap.difference.high
    assert gap.difference.high - gap.difference.low < 0.15


def test_the_interval_of_a_difference_is_about_that_of_two_binomials():
    group = np.repeat(["a", "b"], 1000)
    guess = np.concatenate([np.arange(1000) < 800, np.arange(1000) < 600]).astype(int)
    gap = gap_of(audit_table(table(np.ones(2000, dtype=int), guess, group)), "recall", "yes")
    half = 1.96 * np.sqrt((0.8 * 0.2 + 0.6 * 0.4) / 1000)
    assert gap.difference.low == pytest.approx(0.2 - half, abs=0.006)
    assert gap.difference.high == pytest.approx(0.2 + half, abs=0.006)


def test_a_group_without_a_positive_has_no_recall():
    assert np.isnan(recall(np.zeros(2), np.ones(2)))
    audit = audit_table(table(truth=[0, 0, 0, 0, 1, 1, 1, 1]))
    assert audit.groups[0].recall["yes"] is None
    assert "recall" not in {gap.measure for gap in audit.gaps}


def test_small_groups_do_not_hide_the_gap_of_the_large_ones():
    sizes = {"A": (1000, 900), "B": (1000, 600), "C": (5, 5), "D": (5, 0)}
    group = np.repeat(list(sizes), [n for n, _ in sizes.values()])
    guess = np.concatenate([np.arange(n) < right for n, right in sizes.values()]).astype(int)
    audit = audit_table(table(np.ones(len(group), dtype=int), guess, group))
    gaps = [gap for gap in audit.gaps if gap.measure == "accuracy"]
    assert [(gap.highest, gap.lowest, gap.small) for gap in gaps] == [("A", "B", False), ("C", "D", True)]
    assert [gap.difference.value for gap in gaps] == pytest.approx([0.3, 1.0])
    assert 0.25 < gaps[0].difference.low < 0.3 < gaps[0].difference.high < 0.35
    assert audit.gaps[0].small is False
    # A small group between the others adds nothing.
    guess[-10:] = [1, 1, 1, 1, 0, 1, 1, 1, 1, 0]
    between = audit_table(table(np.ones(len(group), dtype=int), guess, group))
    assert gap_of(between, "accuracy").highest == "A"


def test_one_group_is_nothing_to_compare():
    with pytest.raises(ConfigError, match="one group alone, 'a'"):
        audit_table(table(group=["a"] * 8))


def test_an_identifier_is_no_group():
    rows = np.zeros(201, dtype=int)
    with pytest.raises(ConfigError, match="'g' has 201 different values and looks like an identifier"):
        audit_table(table(rows, rows, [str(i) for i in range(201)]))
    assert len(audit_table(table(rows, rows, [str(i % 200) for i in range(201)])).groups) == 200


def scored(n=1200):
    """Group b's scores lie lower, so that one threshold finds fewer of its positives."""
    random = np.random.default_rng(2)
    truth, group = random.integers(0, 2, n), random.choice(["a", "b"], n)
    score = 0.35 + 0.3 * truth - 0.2 * (group == "b") + random.normal(0, 0.12, n)
    score = np.clip(score, 0, 1).astype(np.float32)
    return table(truth, (score > 0.5).astype(int), group, scores=np.stack([1 - score, score], axis=1))


def test_thresholds_per_group_close_the_gap_on_rows_they_have_not_seen():
    repair = repair_thresholds(scored(), "yes", "g")
    assert repair.fitted == repair.judged == 600
    assert repair.before.gap > 0.2
    assert repair.after.gap < repair.before.gap / 2
    # Each group's own scores tell as much; only the shared threshold wasted it.
    assert repair.after.accuracy > repair.before.accuracy
    rates = repair_thresholds(scored(), "yes", "g", equalize="selection_rate")
    assert rates.after.gap < rates.before.gap / 2


def test_one_threshold_is_the_one_with_the_highest_accuracy():
    scores = np.array([0.2, 0.4, 0.4, 0.6, 0.8, 0.9])
    truth = np.array([0, 1, 0, 0, 1, 1])
    # From 0.8 on all but the second row are right.
    assert _best_cut(scores, truth) == 0.8
    assert _best_cut(scores, np.zeros(6, dtype=int)) == np.inf
    assert _best_cut(scores, np.ones(6, dtype=int)) == 0.2


def test_the_gap_as_answered_is_that_of_the_answers():
    rows = scored()
    repair = repair_thresholds(rows, "yes", "g")
    assert repair.answered.gap == pytest.approx(
        abs(repair.answered.by_group["a"] - repair.answered.by_group["b"])
    )
    right = replace(rows, guess=rows.truth)
    assert repair_thresholds(right, "yes", "g").answered.accuracy == 1


def test_what_thresholds_cannot_be_chosen_on_is_refused():
    with pytest.raises(ConfigError, match="need the probability"):
        repair_thresholds(table(), "yes", "g")
    rows = scored()
    with pytest.raises(ConfigError, match="Valid: no, yes"):
        repair_thresholds(rows, "maybe", "g")
    rare = rows.groups["g"].copy()
    rare[0] = "c"
    with pytest.raises(ConfigError, match="Group 'c' of 'g' has"):
        repair_thresholds(replace(rows, groups={"g": rare.astype(str)}), "yes", "g")
