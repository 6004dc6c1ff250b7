import numpy as np
import pytest

from emofuse.metrics import brier_score, expected_calibration_error, jensen_shannon, risk_coverage


def test_calibration_error_by_hand():
    # Two in the bin of 0.75 (one right): gap 0.25; two in the bin of 0.95 (both right): gap 0.05.
    probabilities = np.array([[0.75, 0.25], [0.25, 0.75], [0.95, 0.05], [0.05, 0.95]])
    targets = np.array([0, 0, 0, 1])
    assert expected_calibration_error(probabilities, targets) == pytest.approx(0.5 * 0.25 + 0.5 * 0.05)


def test_calibration_error_of_certain_and_right_is_zero():
    assert expected_calibration_error(np.eye(3), np.arange(3)) == 0


def test_calibration_error_takes_the_edge_of_a_bin_into_the_lower_one():
    probabilities = np.array([[0.5, 0.3, 0.2], [0.55, 0.25, 0.2]])
    error = expected_calibration_error(probabilities, np.array([0, 1]), bins=2)
    assert error == pytest.approx((0.5 + 0.55) / 2)


def test_brier_by_hand():
    probabilities = np.array([[0.8, 0.2], [0.6, 0.4]])
    assert brier_score(probabilities, np.array([0, 1])) == pytest.approx((0.04 + 0.04 + 0.36 + 0.36) / 2)


def test_jensen_shannon_limits():
    assert jensen_shannon([1, 0], [0, 1]) == pytest.approx(1)
    assert jensen_shannon([0.3, 0.7], [0.3, 0.7]) == 0


def test_jensen_shannon_by_hand_and_over_rows():
    # Entropy of (.75, .25) is 0.8113 bit; half of the entropy of (.5, .5) is 0.5.
    expected = 0.8112781 - 0.5
    rows = jensen_shannon(np.array([[1, 0], [0.5, 0.5]]), np.array([[0.5, 0.5], [1, 0]]))
    np.testing.assert_allclose(rows, [expected, expected], atol=1e-6)


def test_risk_coverage_by_hand():
    coverage, risk = risk_coverage(np.array([0.2, 0.9, 0.5]), np.array([False, True, False]))
    np.testing.assert_allclose(coverage, [1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(risk, [0, 1 / 2, 2 / 3])
