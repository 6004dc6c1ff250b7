"""One threshold per group to serve the groups alike: chosen on one half, judged on the other."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from fairlearn.metrics import MetricFrame, selection_rate
from fairlearn.postprocessing import ThresholdOptimizer
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedShuffleSplit

from emofuse.errors import ConfigError
from emofuse.evaluate.group_audit import recall
from emofuse.evaluate.group_table import GroupTable
from emofuse.evaluate.intervals import SEED

__all__ = ["CONSTRAINTS", "Repair", "Side", "repair_thresholds"]

CONSTRAINTS = {"recall": "true_positive_rate_parity", "selection_rate": "demographic_parity"}
_METRICS = {"recall": recall, "selection_rate": selection_rate}


@dataclass(frozen=True)
class Side:
    """Answers to "is it this label?" on the held-out half.

    Attributes:
        accuracy: Share of right answers, 0-1.
        gap: Largest difference of the equalised measure between two groups, 0-1.
        by_group: Group -> the measure.
    """

    accuracy: float
    gap: float
    by_group: dict[str, float]


@dataclass(frozen=True)
class Repair:
    """What thresholds per group change, and what they cost.

    Attributes:
        label: The label in question.
        column: Column of the groups.
        equalized: "recall" or "selection_rate".
        fitted: Rows on which the thresholds were chosen.
        judged: Other rows, on which both sides are measured.
        answered: The answers as they stand.
        before: One threshold for all: the one with the highest accuracy on the fitted rows.
        after: A threshold per group; in part random, since few exact rates are met by one threshold alone.
    """

    label: str
    column: str
    equalized: str
    fitted: int
    judged: int
    answered: Side
    before: Side
    after: Side

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


class _Score(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Hands on a score that was already made."""

    def __init__(self) -> None:
        self.classes_ = np.array([0, 1])

    def fit(self, X: object, y: object) -> _Score:  # noqa: N803 - scikit-learn's names
        """Nothing is left to learn."""
        return self

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.float64]:  # noqa: N803
        """The one column of X."""
        return X[:, 0]


def repair_thresholds(table: GroupTable, label: str, column: str, *, equalize: str = "recall") -> Repair:
    """Choose a threshold per group on a random half of the rows and judge it on the other.

    Args:
        table: With scores.
        label: Whose answers are to be given equally often.
        column: Column of the groups.
        equalize: A key of `CONSTRAINTS`.

    Returns:
        Gap and accuracy of the answers, with one threshold and with one per group, all on the half that was
        not used.

    Raises:
        ConfigError: There are no scores, no such label, or a group has too few rows with or without it.

    Source: Hardt, Price and Srebro 2016, "Equality of Opportunity in Supervised Learning", by fairlearn.
    """
    if table.scores is None:
        raise ConfigError(
            "Thresholds need the probability of the label: let models read the table, or give --confidence "
            "of answers with two labels.",
            item=label,
        )
    if label not in table.labels:
        raise ConfigError(f"No label {label!r}. Valid: {', '.join(table.labels)}.", item=label)
    index = table.labels.index(label)
    truth, scores = (table.truth == index).astype(np.int64), table.scores[:, [index]].astype(np.float64)
    groups = table.groups[column]
    fitted, judged = _halves(truth, groups, column)
    optimizer = ThresholdOptimizer(
        estimator=_Score(),
        constraints=CONSTRAINTS[equalize],
        objective="accuracy_score",
        prefit=True,
        predict_method="predict",
    )
    optimizer.fit(scores[fitted], truth[fitted], sensitive_features=groups[fitted])
    cut = _best_cut(scores[fitted, 0], truth[fitted])
    before = (scores[judged, 0] >= cut).astype(np.int64)
    after = optimizer.predict(scores[judged], sensitive_features=groups[judged], random_state=SEED)

    def side(guess: NDArray[Any]) -> Side:
        frame = MetricFrame(
            metrics=_METRICS[equalize],
            y_true=truth[judged],
            y_pred=guess,
            sensitive_features=groups[judged],
        )
        rates = {str(name): float(value) for name, value in frame.by_group.items()}
        return Side(float(accuracy_score(truth[judged], guess)), float(frame.difference()), rates)

    answered = (table.guess[judged] == index).astype(np.int64)
    sides = [side(np.asarray(guess, dtype=np.int64)) for guess in (answered, before, after)]
    return Repair(label, column, equalize, len(fitted), len(judged), *sides)


def _halves(
    truth: NDArray[np.int64], groups: NDArray[np.str_], column: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    for group in sorted(set(groups.tolist())):
        for value, said in ((1, "with"), (0, "without")):
            if (found := int(((groups == group) & (truth == value)).sum())) < 2:
                raise ConfigError(
                    f"Group {group!r} of {column!r} has {found} rows {said} the label; two are needed to "
                    "choose and to judge. Leave the group out or join it with another.",
                    item=group,
                )
    strata = np.char.add(groups, truth.astype(str))
    splitter = StratifiedShuffleSplit(n_splits=1, test_size=0.5, random_state=SEED)
    fitted, judged = next(splitter.split(truth, strata))
    return fitted, judged


def _best_cut(scores: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    order = np.argsort(scores)
    cuts, positive = np.append(scores[order], np.inf), truth[order]
    # With cut i, the i lowest rows are told no and the others yes.
    right = np.append(0, np.cumsum(1 - positive)) + positive.sum() - np.append(0, np.cumsum(positive))
    first = np.append(True, cuts[1:] > cuts[:-1])  # equal scores are told the same
    return float(cuts[np.where(first, right, -1).argmax()])
