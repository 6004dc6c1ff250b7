import numpy as np
import pytest

from emofuse.evaluate.selective import accuracy_at_coverage, threshold_at_coverage


def test_accuracy_at_coverage_by_hand():
    confidence = np.array([0.9, 0.5, 0.8, 0.6])
    right = np.array([True, False, True, False])
    assert accuracy_at_coverage(confidence, right, 0.5) == 1
    assert accuracy_at_coverage(confidence, right, 1.0) == 0.5
    assert accuracy_at_coverage(confidence, right, 0.75) == pytest.approx(2 / 3)


def test_a_tenth_lies_below_the_threshold_of_nine_tenths():
    confidence = np.random.default_rng(0).permutation(np.linspace(0.2, 1, 1001))
    assert (confidence < threshold_at_coverage(confidence, 0.9)).mean() == pytest.approx(0.1, abs=0.002)
    assert threshold_at_coverage(confidence, 1.0) == confidence.min()
