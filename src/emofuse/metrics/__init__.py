"""Numbers about predictions that need numpy alone."""

from emofuse.metrics.calibration import (
    brier_score,
    classwise_calibration_error,
    expected_calibration_error,
    jensen_shannon,
    reliability_bins,
    risk_coverage,
)

__all__ = [
    "brier_score",
    "classwise_calibration_error",
    "expected_calibration_error",
    "jensen_shannon",
    "reliability_bins",
    "risk_coverage",
]
