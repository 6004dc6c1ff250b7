"""Numbers about predictions that need numpy alone."""

from emofuse.metrics.calibration import (
    brier_score,
    classwise_calibration_error,
    expected_calibration_error,
    jensen_shannon,
    reliability_bins,
    risk_coverage,
)
from emofuse.metrics.drift import (
    PSI_SHIFTED,
    PSI_WATCH,
    categorical_psi,
    expected_psi,
    ks_critical_value,
    ks_p_value,
    ks_statistic,
    population_stability_index,
)

__all__ = [
    "PSI_SHIFTED",
    "PSI_WATCH",
    "brier_score",
    "categorical_psi",
    "classwise_calibration_error",
    "expected_calibration_error",
    "expected_psi",
    "jensen_shannon",
    "ks_critical_value",
    "ks_p_value",
    "ks_statistic",
    "population_stability_index",
    "reliability_bins",
    "risk_coverage",
]
