"""Inputs and answers of late beside a model's reference."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

from emofuse.metrics import (
    PSI_SHIFTED,
    PSI_WATCH,
    expected_psi,
    ks_p_value,
    ks_statistic,
    population_stability_index,
)
from emofuse.runtime.bundle import ModelBundle
from emofuse.runtime.reference import Feature, Reference
from emofuse.types import Emotion, Prediction

__all__ = ["MIN_SAMPLES", "DriftWatch", "DriftWindow", "FeatureDrift", "judge", "read_values"]

MIN_SAMPLES = 400  # of half as many, chance alone makes the index of 17 bins .08 on average
NO_BIN = 255
VERDICTS = ("too few", "stable", "watch", "shifted")


@dataclass(frozen=True)
class FeatureDrift:
    """How far one feature has moved.

    Attributes:
        model: Whose.
        feature: Its name.
        n: Samples that have it.
        psi: Population stability index.
        psi_by_chance: What chance alone makes of it with so many samples.
        ks: Kolmogorov-Smirnov distance, 0-1; None for labels, which have no order.
        ks_p: How often chance alone makes it that large; None for labels.
        verdict: "stable", "watch" or "shifted" by the index, or "too few" samples to tell.
        bins: A name for each bin.
        reference: Share of each bin in the reference, 0-1.
        current: Share of each bin now, 0-1.
    """

    model: str
    feature: str
    n: int
    psi: float
    psi_by_chance: float
    ks: float | None
    ks_p: float | None
    verdict: str
    bins: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]

    @property
    def largest_change(self) -> str:
        """The bin whose share changed most, in words."""
        changes = [abs(now - was) for was, now in zip(self.reference, self.current, strict=True)]
        place = changes.index(max(changes))
        return f"{self.bins[place]}: {self.reference[place]:.3f} to {self.current[place]:.3f}"

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, floats rounded to six digits."""
        form: dict[str, Any] = {}
        for key, value in asdict(self).items():
            if isinstance(value, tuple):
                form[key] = [round(item, 6) if isinstance(item, float) else item for item in value]
            else:
                form[key] = round(value, 6) if isinstance(value, float) else value
        return form


class DriftWindow:
    """Counts of the latest samples of one model; of a sample it keeps nothing but the number of its bins.

    Args:
        model: Name of the model.
        reference: Its reference.
        size: Samples that are remembered; None remembers all.
    """

    def __init__(self, model: str, reference: Reference, size: int | None = None) -> None:
        self.model = model
        self.reference = reference
        # Tuples, for this is done for every request.
        self._bins = [
            (name, own.cuts, {label: place for place, label in enumerate(own.labels)})
            for name, own in reference.features.items()
        ]
        self._counts = [[0] * (NO_BIN + 1) for _ in self._bins]
        self._size = size
        self._rows: deque[bytes] = deque()
        self._lock = Lock()

    def add(self, values: Mapping[str, Any]) -> None:
        """Count a sample.

        Args:
            values: Feature -> number or label; features that the reference lacks are left out.
        """
        row = bytearray()
        for name, cuts, places in self._bins:
            value = values.get(name)
            if value is None:
                row.append(NO_BIN)
            else:
                row.append(bisect_right(cuts, value) if cuts else places.get(value, NO_BIN))
        with self._lock:
            for counts, place in zip(self._counts, row, strict=True):
                counts[place] += 1
            if self._size is None:
                return
            self._rows.append(bytes(row))
            if len(self._rows) > self._size:
                for counts, place in zip(self._counts, self._rows.popleft(), strict=True):
                    counts[place] -= 1

    def compare(self) -> list[FeatureDrift]:
        """Each feature of which there are samples beside the reference."""
        with self._lock:
            counts = [list(own) for own in self._counts]
        found = []
        for (name, feature), own in zip(self.reference.features.items(), counts, strict=True):
            current = own[: len(feature.shares)]
            if sum(current):
                found.append(_compare(self.model, name, feature, self.reference.n, current))
        return found


class DriftWatch:
    """Sorts predictions into the windows of the models that made them.

    A modality's answer counts for the model that read it; the fused answer counts for the fusion where at
    least two modalities were fused, since alone it is that of the modality.

    Args:
        bundles: Those without a reference are left out.
        size: Samples that each window remembers; None remembers all.
    """

    def __init__(self, bundles: Sequence[ModelBundle], size: int | None = None) -> None:
        self.windows = {
            bundle.name: DriftWindow(bundle.name, bundle.reference, size)
            for bundle in bundles
            if bundle.reference is not None
        }
        self._fusions = {bundle.name for bundle in bundles if bundle.kind == "fusion"} & self.windows.keys()

    def add(self, prediction: Prediction, inputs: Mapping[str, Mapping[str, float]]) -> None:
        """Count a prediction; errors count for nobody.

        Args:
            prediction: The answer.
            inputs: Model -> measured features of what it read, as far as they are known.
        """
        for model, values in read_values(prediction, self._fusions):
            window = self.windows.get(model)
            if window is not None:
                window.add({**inputs.get(model, {}), **values})

    def add_input(self, model: str, values: Mapping[str, float]) -> None:
        """Count features of an input alone, such as a picture that was measured apart from its prediction.

        Args:
            model: Name of the model.
            values: Feature -> value.
        """
        if values and model in self.windows:
            self.windows[model].add(values)

    def compare(self) -> list[FeatureDrift]:
        """Every feature of every model."""
        return [found for window in self.windows.values() for found in window.compare()]


def read_values(prediction: Prediction, fusions: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The features of a prediction's answers.

    Args:
        prediction: The answer.
        fusions: Names of the fusions that are watched.

    Yields:
        Model, and its features by name.
    """
    for part in prediction.modalities:
        yield part.model, _answer(part.emotion, part.sentiment)
    if len(prediction.modalities) > 1 and prediction.emotion and prediction.sentiment:
        for name in fusions & prediction.models.keys():
            values = _answer(prediction.emotion, prediction.sentiment)
            yield name, {**values, "abstained": "yes" if prediction.abstained else "no"}


def judge(found: Sequence[FeatureDrift]) -> str:
    """The worst verdict.

    Args:
        found: Any number of features.

    Returns:
        One of "too few", "stable", "watch", "shifted".
    """
    return max((own.verdict for own in found), key=VERDICTS.index, default=VERDICTS[0])


def _answer(emotion: Emotion, sentiment: Emotion) -> dict[str, Any]:
    values: dict[str, Any] = {
        "sentiment": sentiment.label,
        "sentiment_confidence": sentiment.confidence,
    }
    if emotion.taxonomy == "ekman7":  # in other labels it says nothing about those of the reference
        values |= {"emotion": emotion.label, "emotion_confidence": emotion.confidence}
    return values


def _compare(model: str, name: str, feature: Feature, n: int, counts: Sequence[int]) -> FeatureDrift:
    m = sum(counts)
    psi = population_stability_index(feature.shares, counts)
    ks = ks_statistic(feature.shares, counts) if feature.ordered else None
    return FeatureDrift(
        model=model,
        feature=name,
        n=m,
        psi=psi,
        psi_by_chance=expected_psi(len(counts), n, m),
        ks=ks,
        ks_p=None if ks is None else ks_p_value(ks, n, m),
        verdict=_verdict(psi, m),
        bins=feature.names,
        reference=feature.shares,
        current=tuple(count / m for count in counts),
    )


def _verdict(psi: float, n: int) -> str:
    if n < MIN_SAMPLES:
        return "too few"
    return "stable" if psi < PSI_WATCH else "watch" if psi < PSI_SHIFTED else "shifted"
