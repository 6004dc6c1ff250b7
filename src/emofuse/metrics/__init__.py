"""Numbers about predictions that need numpy alone."""

from emofuse.metrics.calibration import (
    brier_score,
    expected_calibration_error,
    jensen_shannon,
    reliability_bins,
    risk_coverage,
)

__all__ = [
    "brier_score",
    "expected_calibration_error",
    "jensen_shannon",
    "reliability_bins",
    "risk_coverage",
]
