"""Fusion of what the modalities say into one answer, and each one's share in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from emofuse.errors import ConfigError, NoModalityError
from emofuse.runtime.activation import activate
from emofuse.runtime.bundle import ModelBundle
from emofuse.runtime.evidence import BASE, MAX_STATES, SENTIMENT, Evidence, ModelReading, feature_vector
from emofuse.runtime.session import Session
from emofuse.types import FloatArray, Modality

__all__ = [
    "Fusion",
    "FusionMember",
    "GraphFusion",
    "LogLinearFusion",
    "fuse_subsets",
    "fusion_members",
    "shapley_shares",
    "subsets",
]

FLOOR = 1e-7


class Fusion(Protocol):
    """Turns what the modalities say into one answer; copes with any non-empty subset of them.

    Attributes:
        keeps_alone: A single modality is answered just as it answers itself.
        outputs: Label sets of the answers.
    """

    @property
    def keeps_alone(self) -> bool: ...  # noqa: D102
    @property
    def outputs(self) -> Sequence[str]: ...  # noqa: D102

    def fuse(
        self, evidence: Mapping[Modality, Evidence], present: NDArray[np.bool_]
    ) -> Mapping[str, FloatArray]:
        """Fuse one sample, once for each of several subsets of its modalities.

        Args:
            evidence: What each modality says.
            present: (subsets, modalities) bool, columns in key order of `evidence`.

        Returns:
            Label set -> (subsets, labels) float32, rows sum to 1.

        Raises:
            NoModalityError: A row of `present` is all False.
        """
        ...


class LogLinearFusion:
    """Logarithmic opinion pool of calibrated distributions.

    With weights w_m over the modalities present, the answer is proportional to prod_m p_m^(a_m), where
    a_m = w_m / max(w). The strongest modality counts in full and the others on top of it: agreement makes the
    answer more certain, and a single modality is returned as it is.

    Args:
        weights: Modality -> finite weight > 0.

    Raises:
        ConfigError: A weight is not above 0.

    Source: Genest and Zidek 1986, "Combining Probability Distributions", section 3.
    """

    keeps_alone = True
    outputs = (BASE, SENTIMENT)

    def __init__(self, weights: Mapping[Modality, float]) -> None:
        self.weights = dict(weights)
        if not all(np.isfinite(weight) and weight > 0 for weight in self.weights.values()):
            raise ConfigError(f"Fusion weights must be above 0, not {self.weights}.", item="weights")

    def fuse(
        self, evidence: Mapping[Modality, Evidence], present: NDArray[np.bool_]
    ) -> Mapping[str, FloatArray]:
        """Pool emotions and sentiments; see `Fusion.fuse`."""
        rows = len(present)
        emotions = {m: np.tile(own.emotion, (rows, 1)) for m, own in evidence.items()}
        sentiments = {m: np.tile(own.sentiment, (rows, 1)) for m, own in evidence.items()}
        return {BASE: self.pool(emotions, present), SENTIMENT: self.pool(sentiments, present)}

    def pool(self, probabilities: Mapping[Modality, FloatArray], present: NDArray[np.bool_]) -> FloatArray:
        """Pool the modalities that are present, row by row.

        Args:
            probabilities: Modality -> (batch, labels) float, rows sum to 1; rows that are not present may
                hold anything, NaN included.
            present: (batch, modalities) bool, columns in key order of `probabilities`.

        Returns:
            (batch, labels) float32, rows sum to 1.

        Raises:
            NoModalityError: A row of `present` is all False.
            ConfigError: A modality has no weight.
        """
        exponents = self._exponents(probabilities, present)
        parts = list(probabilities.values())
        if len(parts) == 1:
            return parts[0].astype(np.float32)
        logs = np.stack([np.log(np.maximum(part, FLOOR)) for part in parts], axis=1)
        total = (np.where(present[:, :, None], logs, 0.0) * exponents[:, :, None]).sum(axis=1)
        raised = np.exp(total - total.max(axis=1, keepdims=True))
        pooled: FloatArray = (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)
        alone = present & (present.sum(axis=1, keepdims=True) == 1)
        for part, rows in zip(parts, alone.T, strict=True):
            pooled[rows] = part[rows]
        return pooled

    def _exponents(
        self, probabilities: Mapping[Modality, FloatArray], present: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        if unweighted := sorted(set(probabilities) - set(self.weights)):
            raise ConfigError(
                f"The fusion has no weight for {', '.join(unweighted)}. Choose a fusion that knows it.",
                item=unweighted[0],
            )
        _refuse_nothing(present)
        weights = np.where(present, np.array([self.weights[modality] for modality in probabilities]), 0.0)
        exponents: NDArray[np.float64] = weights / weights.max(axis=1, keepdims=True)
        return exponents


@dataclass(frozen=True, kw_only=True)
class FusionMember:
    """A model whose reading a trained fusion takes in.

    Attributes:
        modality: What the model reads.
        model: Its name.
        gives: Label sets, and `embedding`; see `feature_vector`.
        size: Width of that vector.
        states: Width of its states, 0 where the fusion does not look at them.
        sha256: Of its graph; another model of this name would give vectors that mean something else.
    """

    modality: Modality
    model: str
    gives: tuple[str, ...]
    size: int
    states: int
    sha256: str

    @property
    def deep(self) -> bool:
        """Whether probabilities alone are not enough."""
        return bool(self.states) or "embedding" in self.gives


class GraphFusion:
    """A trained fusion: a graph that takes a vector of each member model and which modalities are there.

    The graph has one input per member, named like it, `NAME.states` beside it where the fusion looks at
    tokens and patches, and `present` (batch, modalities) float32. What an absent member holds has no effect.

    Args:
        bundle: Of kind "fusion", with members.
        session: Of its graph.
    """

    def __init__(self, bundle: ModelBundle, session: Session) -> None:
        self.bundle = bundle
        self.members = fusion_members(bundle)
        self.keeps_alone: bool = bundle.parameters["keeps_alone"]
        self.outputs = tuple(bundle.outputs)
        self._session = session

    def fuse(
        self, evidence: Mapping[Modality, Evidence], present: NDArray[np.bool_]
    ) -> Mapping[str, FloatArray]:
        """Run the graph; see `Fusion.fuse`."""
        _refuse_nothing(present)
        readings = {reading.model: reading for own in evidence.values() for reading in own.readings}
        feeds: dict[str, FloatArray] = {}
        for member in self.members:
            feeds |= _feeds(member, readings.get(member.model), len(present))
        modalities = list(dict.fromkeys(member.modality for member in self.members))
        columns = {modality: present[:, i] for i, modality in enumerate(evidence)}
        absent = np.zeros(len(present), dtype=bool)
        given = np.stack([columns.get(modality, absent) for modality in modalities], axis=1)
        logits = self._session.run(self.outputs, {**feeds, "present": given.astype(np.float32)})
        return {
            name: activate(values, self.bundle.outputs[name])
            for name, values in zip(self.outputs, logits, strict=True)
        }


def fusion_members(bundle: ModelBundle) -> tuple[FusionMember, ...]:
    """The models that a fusion was trained on.

    Args:
        bundle: Of kind "fusion".

    Returns:
        Its members, those of one modality together; none for a pool, which takes any models.
    """
    return tuple(
        FusionMember(**{**row, "modality": Modality(row["modality"]), "gives": tuple(row["gives"])})
        for row in bundle.parameters.get("members", ())
    )


def _feeds(member: FusionMember, reading: ModelReading | None, rows: int) -> dict[str, FloatArray]:
    vector = np.zeros(member.size) if reading is None else feature_vector(reading, member.gives)
    feeds = {member.model: np.tile(vector, (rows, 1)).astype(np.float32)}
    if member.states:
        states = None if reading is None else reading.states
        known = np.zeros((1, member.states)) if states is None else states[:MAX_STATES]
        feeds[f"{member.model}.states"] = np.tile(known, (rows, 1, 1)).astype(np.float32)
    return feeds


def fuse_subsets(fusion: Fusion, evidence: Mapping[Modality, Evidence]) -> Mapping[str, FloatArray]:
    """Fuse every subset of what is known about a sample.

    Args:
        fusion: The fusion.
        evidence: What each modality says; at least one.

    Returns:
        Label set -> (2 ** modalities - 1, labels) float32 in the order of `subsets`; the last row is the
        answer.
    """
    if len(evidence) == 1 and fusion.keeps_alone:
        [own] = evidence.values()
        return {name: own.read_as(name)[None] for name in fusion.outputs}
    return fusion.fuse(evidence, subsets(len(evidence)))


def subsets(count: int) -> NDArray[np.bool_]:
    """Every non-empty subset of some things.

    Args:
        count: How many things.

    Returns:
        (2 ** count - 1, count) bool; row i holds the binary digits of i + 1, so the last row is everything.
    """
    numbers = np.arange(1, 2**count)
    found: NDArray[np.bool_] = (numbers[:, None] >> np.arange(count)) % 2 == 1
    return found


def shapley_shares(values: FloatArray, nothing: float) -> FloatArray:
    """Share of each modality in a decision: its Shapley value among all subsets, as far as it speaks for it.

    Args:
        values: (2 ** n - 1,) probability of the final answer with each of `subsets(n)`.
        nothing: Its probability when nothing is known.

    Returns:
        (n,) float32, 0-1, sums to 1. A modality that speaks against the answer has no share in it; if all do,
        the shares are equal.

    Source: Shapley 1953; the subsets of few modalities can all be computed, so nothing is sampled.
    """
    count = (len(values) + 1).bit_length() - 1
    worth = [nothing, *values.tolist()]
    shares = np.zeros(count)
    for own in range(count):
        for others in range(2**count):
            if others >> own & 1:
                continue
            size = others.bit_count()
            weight = math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)
            shares[own] += weight * (worth[others | 1 << own] - worth[others])
    shares = np.maximum(shares, 0.0)
    total = shares.sum()
    equal = np.full(count, 1 / count)
    result: FloatArray = (shares / total if total > 0 else equal).astype(np.float32)
    return result


def _refuse_nothing(present: NDArray[np.bool_]) -> None:
    empty = np.flatnonzero(~present.any(axis=1))
    if empty.size:
        raise NoModalityError(
            "A row has no modality present. Give each sample a text or an image.", item=f"row {empty[0]}"
        )
