"""Does a model serve every group of people in a table equally well? fairlearn's figures, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from fairlearn.metrics import MetricFrame, selection_rate
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score

from emofuse.errors import ConfigError
from emofuse.evaluate.group_table import GroupTable
from emofuse.evaluate.intervals import RESAMPLES, SEED, Interval
from emofuse.metrics import expected_calibration_error

__all__ = ["SMALL", "GroupFigures", "GroupGap", "TableAudit", "audit_table", "recall"]

SMALL = 30
MOST_GROUPS = 200


@dataclass(frozen=True)
class GroupFigures:
    """One group.

    Attributes:
        column: Which column the group is in.
        group: Its name.
        n: Number of its rows.
        small: It has fewer than 30 rows; its figures say little.
        accuracy: Share of right answers, 0-1.
        ece: Expected calibration error, 15 bins; None without confidences. Biased upwards for few rows.
        support: Label -> rows with that truth.
        selection_rate: Label -> share of the rows that get it as an answer, 0-1.
        recall: Label -> share of the rows with that truth that get it, 0-1 (the true positive rate); None
            where no row has it.
    """

    column: str
    group: str
    n: int
    small: bool
    accuracy: float
    ece: float | None
    support: Mapping[str, int]
    selection_rate: Mapping[str, float]
    recall: Mapping[str, float | None]


@dataclass(frozen=True)
class GroupGap:
    """The largest gap between two groups of a column.

    Groups of 30 rows or more are compared among themselves. Where a small group makes the gap larger, the gap
    over all groups is an entry of its own; where fewer than two groups are large, it is the only one.

    Attributes:
        column: Which column.
        measure: "accuracy", "selection_rate" or "recall".
        label: Whose rate; None for accuracy.
        highest: Group with the highest value.
        lowest: Group with the lowest value.
        difference: Highest - lowest, 0-1, with its 95 % bootstrap interval; as the largest of several noisy
            differences it is above 0 even where the groups are alike.
        ratio: Lowest / highest, 0-1; 1 where both are 0.
        small: One of the two groups is small.
    """

    column: str
    measure: str
    label: str | None
    highest: str
    lowest: str
    difference: Interval
    ratio: Interval
    small: bool


@dataclass(frozen=True)
class TableAudit:
    """What an audit of a table found.

    Attributes:
        rows: Number of rows compared.
        unreadable: Row -> why it could not be read.
        accuracy: Over all rows, 0-1.
        groups: Every group of every column.
        gaps: Every measure of every column, largest difference first; those with a small group last, and
            only where they are larger than among the large groups.
    """

    rows: int
    unreadable: Mapping[str, str]
    accuracy: float
    groups: Sequence[GroupFigures]
    gaps: Sequence[GroupGap]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def recall(truth: NDArray[Any], guess: NDArray[Any]) -> float:
    """The true positive rate of a yes-or-no answer; NaN without a positive, which fairlearn calls 0."""
    positive = np.asarray(truth, dtype=bool)
    return float(np.asarray(guess)[positive].mean()) if positive.any() else float("nan")


def audit_table(table: GroupTable) -> TableAudit:
    """Compare the groups of each column.

    Args:
        table: Rows with truth, answer and groups.

    Returns:
        Figures of every group, and the largest gaps.

    Raises:
        ConfigError: A column has one group alone, or more than 200.

    Source: Weerts et al. 2023, "Fairlearn: Assessing and Improving Fairness of AI Systems"; differences are
    those of `MetricFrame.difference(method="between_groups")`.
    """
    groups: list[GroupFigures] = []
    gaps: list[GroupGap] = []
    for column, values in table.groups.items():
        names = _name_groups(column, values)
        counts = _Counts(table, values, names)
        small = {name: int((values == name).sum()) < SMALL for name in names}
        frames = {
            (measure, label): _frame(measure, metric, table, label, values)
            for measure, metric, label in _measures(table)
        }
        groups += [_figures(table, column, name, frames) for name in names]
        gaps += [
            gap
            for (measure, label), frame in frames.items()
            if np.isfinite(frame.by_group).sum() > 1
            for gap in _gaps(column, measure, label, frame, counts=counts, small=small)
        ]
    gaps.sort(key=lambda gap: (gap.small, -gap.difference.value))
    accuracy = float(accuracy_score(table.truth, table.guess))
    return TableAudit(len(table.truth), table.unreadable, accuracy, groups, gaps)


def _name_groups(column: str, values: NDArray[np.str_]) -> list[str]:
    names = sorted(set(values.tolist()))
    if len(names) < 2:
        raise ConfigError(
            f"Column {column!r} has one group alone, {names[0]!r}: nothing to compare.", item=column
        )
    if len(names) > MOST_GROUPS:
        raise ConfigError(
            f"Column {column!r} has {len(names)} different values and looks like an identifier. Give columns "
            f"of at most {MOST_GROUPS} groups, all together.",
            item=column,
        )
    return names


def _measures(table: GroupTable) -> list[tuple[str, Callable[..., float], str | None]]:
    present = [table.labels[i] for i in np.unique(np.concatenate([table.truth, table.guess]))]
    rates = [("selection_rate", selection_rate, label) for label in present]
    return [("accuracy", accuracy_score, None), *rates, *(("recall", recall, label) for label in present)]


def _frame(
    measure: str,
    metric: Callable[..., float],
    table: GroupTable,
    label: str | None,
    values: NDArray[np.str_],
) -> MetricFrame:
    truth, guess = table.truth, table.guess
    if label is not None:
        index = table.labels.index(label)
        truth, guess = (truth == index).astype(np.int64), (guess == index).astype(np.int64)
    return MetricFrame(metrics=metric, y_true=truth, y_pred=guess, sensitive_features=values)


def _figures(
    table: GroupTable, column: str, name: str, frames: Mapping[tuple[str, str | None], MetricFrame]
) -> GroupFigures:
    inside = table.groups[column] == name
    truth, guess = table.truth[inside], table.guess[inside]
    ece = None
    if table.confidence is not None:
        # Only the highest probability of a row counts, and whether its label is right.
        ece = expected_calibration_error(
            table.confidence[inside][:, None].astype(np.float32), (truth != guess).astype(np.int64)
        )
    values = {key: float(frame.by_group[name]) for key, frame in frames.items()}
    rates = {label: value for (measure, label), value in values.items() if measure == "selection_rate"}
    recalls = {label: value for (measure, label), value in values.items() if measure == "recall"}
    support = {label: int((truth == table.labels.index(str(label))).sum()) for label in rates}
    return GroupFigures(
        column,
        name,
        len(truth),
        len(truth) < SMALL,
        values["accuracy", None],
        ece,
        {str(label): count for label, count in support.items()},
        {str(label): value for label, value in rates.items()},
        {str(label): None if np.isnan(value) else value for label, value in recalls.items()},
    )


class _Counts:
    """Right answers, answers and truths of each group in 1,000 bootstrap samples of the rows.

    Rows of one group, truth and answer are alike: drawing how often each such cell occurs draws the rows.
    """

    def __init__(self, table: GroupTable, values: NDArray[np.str_], names: Sequence[str]) -> None:
        group = np.searchsorted(names, values)
        cells, counts = np.unique(np.stack([group, table.truth, table.guess]), axis=1, return_counts=True)
        self._group, self._truth, self._guess = cells
        self._inside = self._group[:, None] == np.arange(len(names))
        random = np.random.default_rng(SEED)
        self._times = random.multinomial(counts.sum(), counts / counts.sum(), RESAMPLES)
        self._labels = table.labels

    def rates(self, measure: str, label: str | None) -> NDArray[np.float64]:
        """(resamples, groups) values of a measure; NaN where a group has nothing to count."""
        truth, guess = self._truth, self._guess
        every = np.ones(len(truth), dtype=bool)
        if label is None:
            return self._ratio(truth == guess, every)
        index = self._labels.index(label)
        if measure == "selection_rate":
            return self._ratio(guess == index, every)
        return self._ratio((truth == index) & (guess == index), truth == index)

    def _ratio(self, hits: NDArray[np.bool_], among: NDArray[np.bool_]) -> NDArray[np.float64]:
        counted, total = (
            (self._times @ (self._inside & rows[:, None])).astype(np.float64) for rows in (hits, among)
        )
        rates: NDArray[np.float64] = np.divide(
            counted, total, out=np.full_like(total, np.nan), where=total > 0
        )
        return rates


def _gaps(
    column: str,
    measure: str,
    label: str | None,
    frame: MetricFrame,
    *,
    counts: _Counts,
    small: Mapping[str, bool],
) -> list[GroupGap]:
    rates = frame.by_group.dropna()
    drawn = counts.rates(measure, label)

    def compare(names: Sequence[str]) -> GroupGap:
        highest, lowest = str(rates[names].idxmax()), str(rates[names].idxmin())
        columns = [list(small).index(name) for name in names]
        difference, ratio = _spread(float(rates[highest]), float(rates[lowest]), drawn[:, columns])
        marked = small[highest] or small[lowest]
        return GroupGap(column, measure, label, highest, lowest, difference, ratio, marked)

    every = compare(list(rates.index))
    large = [name for name in rates.index if not small[name]]
    if len(large) < 2:
        return [every]
    # A few rows easily have the highest or the lowest rate by chance and would hide what many rows show.
    among = compare(large)
    return [among, every] if every.difference.value > among.difference.value else [among]


def _spread(highest: float, lowest: float, drawn: NDArray[np.float64]) -> tuple[Interval, Interval]:
    # A group that a resample leaves out neither leads nor trails in it.
    top, bottom = (
        np.where(np.isnan(drawn), -1, drawn).max(axis=1),
        np.where(np.isnan(drawn), 2, drawn).min(axis=1),
    )
    top, bottom = top[top >= 0], bottom[top >= 0]
    ratios = np.divide(bottom, top, out=np.ones_like(top), where=top > 0)
    ratio = lowest / highest if highest > 0 else 1.0
    return _interval(highest - lowest, top - bottom), _interval(ratio, ratios)


def _interval(value: float, drawn: NDArray[np.float64]) -> Interval:
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return Interval(value, float(low), float(high))
