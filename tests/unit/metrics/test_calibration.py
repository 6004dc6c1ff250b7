import doctest

import numpy as np
import pytest

from emofuse.metrics import (
    brier_score,
    calibration,
    classwise_calibration_error,
    expected_calibration_error,
    jensen_shannon,
    risk_coverage,
)


def test_examples_in_the_docstrings():
    results = doctest.testmod(calibration)
    assert results.attempted >= 4
    assert results.failed == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_calibration_error_by_hand(dtype):
    # Two in the bin of 0.75 (one right): gap 0.25; two in the bin of 0.95 (both right): gap 0.05.
    probabilities = np.array([[0.75, 0.25], [0.25, 0.75], [0.95, 0.05], [0.05, 0.95]], dtype=dtype)
    targets = np.array([0, 0, 0, 1])
    assert expected_calibration_error(probabilities, targets) == pytest.approx(0.5 * 0.25 + 0.5 * 0.05)


def test_calibration_error_of_certain_answers():
    assert expected_calibration_error(np.eye(3), np.arange(3)) == 0
    assert expected_calibration_error(np.eye(3), np.array([1, 2, 0])) == 1


def test_calibration_error_takes_the_edge_of_a_bin_into_the_lower_one():
    probabilities = np.array([[0.5, 0.3, 0.2], [0.55, 0.25, 0.2]])
    error = expected_calibration_error(probabilities, np.array([0, 1]), bins=2)
    assert error == pytest.approx((0.5 + 0.55) / 2)


def test_gaps_cancel_within_a_bin_but_not_between_bins():
    # Alone in their bins: gaps 0.4 (right) and 0.8 (wrong); in one bin: |0.5 - 0.7|.
    probabilities = np.array([[0.6, 0.4], [0.8, 0.2]])
    targets = np.array([0, 1])
    assert expected_calibration_error(probabilities, targets) == pytest.approx((0.4 + 0.8) / 2)
    assert expected_calibration_error(probabilities, targets, bins=1) == pytest.approx(0.2)


def test_brier_by_hand():
    probabilities = np.array([[0.8, 0.2], [0.6, 0.4]])
    assert brier_score(probabilities, np.array([0, 1])) == pytest.approx((0.04 + 0.04 + 0.36 + 0.36) / 2)


def test_brier_of_several_labels_by_hand():
    probabilities = np.array([[0.5, 0.3, 0.2]])
    assert brier_score(probabilities, np.array([1])) == pytest.approx(0.25 + 0.49 + 0.04)


def test_brier_limits():
    assert brier_score(np.eye(4), np.arange(4)) == 0
    assert brier_score(np.eye(4), np.array([1, 2, 3, 0])) == 2
    assert brier_score(np.full((4, 4), 0.25), np.arange(4)) == pytest.approx(1 - 1 / 4)


def test_jensen_shannon_limits():
    assert jensen_shannon([1, 0], [0, 1]) == pytest.approx(1)
    assert jensen_shannon([0.3, 0.7], [0.3, 0.7]) == 0


def test_jensen_shannon_by_hand_and_over_rows():
    # Entropy of (.75, .25) is 0.8113 bit; half of the entropy of (.5, .5) is 0.5.
    expected = 0.8112781 - 0.5
    rows = jensen_shannon(np.array([[1, 0], [0.5, 0.5]]), np.array([[0.5, 0.5], [1, 0]]))
    np.testing.assert_allclose(rows, [expected, expected], atol=1e-6)


def test_jensen_shannon_of_a_label_that_neither_has():
    assert jensen_shannon([1, 0, 0], [0.5, 0.5, 0]) == pytest.approx(0.8112781 - 0.5, abs=1e-6)


def test_jensen_shannon_keeps_the_leading_shape():
    first = np.full((2, 5, 4), 0.25, dtype=np.float32)
    divergence = jensen_shannon(first, first)
    assert divergence.shape == (2, 5)
    assert divergence.dtype == np.float64


def test_jensen_shannon_of_the_smallest_float():
    assert jensen_shannon([5e-324, 1], [0, 1]) == 0


def test_risk_coverage_by_hand():
    coverage, risk = risk_coverage(np.array([0.2, 0.9, 0.5]), np.array([False, True, False]))
    np.testing.assert_allclose(coverage, [1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(risk, [0, 1 / 2, 2 / 3])


def test_risk_coverage_takes_zeros_and_ones():
    _, risk = risk_coverage(np.array([0.9, 0.5]), np.array([1, 0]))
    np.testing.assert_allclose(risk, [0, 1 / 2])


def test_risk_coverage_keeps_the_order_of_ties():
    # Long and of two values, because unstable sorts leave short or constant arrays in order.
    place = np.arange(100)
    wrong = (place % 2 == 1) & (place < 50)
    _, risk = risk_coverage(place % 2, ~wrong)
    answered = place + 1
    np.testing.assert_allclose(risk, np.minimum(answered, 25) / answered)


def test_risk_coverage_of_nothing_is_empty():
    coverage, risk = risk_coverage(np.array([]), np.array([]))
    assert coverage.shape == risk.shape == (0,)


def test_classwise_error_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.3]])
    truth = np.array([[True, False], [False, True]])
    # First label: one bin, mean 0.9 and half right. Second: two bins of one row each.
    expected = (abs(0.5 - 0.9) + (0.1 + 0.7) / 2) / 2
    assert classwise_calibration_error(probabilities, truth) == pytest.approx(expected)


def test_classwise_error_of_the_exact_frequencies_is_zero():
    probabilities = np.tile([[0.25, 0.75]], (4, 1))
    truth = np.array([[True, True], [False, True], [False, True], [False, False]])
    assert classwise_calibration_error(probabilities, truth) == pytest.approx(0)
