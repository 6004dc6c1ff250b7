"""Total tables from one label set to another, one JSON file each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from emofuse.errors import ConfigError, UnknownMappingError, UnknownTaxonomyError
from emofuse.taxonomy.taxonomy import Taxonomy, list_taxonomies, load_taxonomy
from emofuse.types import FloatArray

__all__ = ["LabelMapping", "build_mapping", "load_mapping"]

HUB = "ekman7"
TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class LabelMapping:
    """A table that moves probability from one label set to another without losing any.

    Attributes:
        source: Label set of what goes in.
        target: Label set of what comes out.
        matrix: (source labels, target labels) float32, >= 0, rows sum to 1; a read-only copy of what was
            given.
    """

    source: Taxonomy
    target: Taxonomy
    matrix: FloatArray

    def __post_init__(self) -> None:
        # Loaded mappings are cached and shared, so that one caller's write would reach all the others.
        matrix = np.array(self.matrix, dtype=np.float32)
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)

    def map_probabilities(self, probabilities: FloatArray) -> FloatArray:
        """Map distributions.

        Args:
            probabilities: (source labels,) or (batch, source labels) float, in source order.

        Returns:
            (target labels,) or (batch, target labels) float32, in target order, with the same sums along
            the last axis.
        """
        mapped: FloatArray = np.asarray(probabilities, dtype=np.float32) @ self.matrix
        return mapped

    def map_labels(self, labels: Mapping[str, float]) -> dict[str, float]:
        """Map label weights.

        Args:
            labels: Source label -> weight.

        Returns:
            Target label -> weight, in target order, without zeros; the total is unchanged.

        Raises:
            UnknownLabelError: A label is not in the source set.
        """
        total = np.zeros(len(self.target), dtype=np.float64)
        for label, weight in labels.items():
            total += weight * self.matrix[self.source.index(label)]
        return {
            label: float(weight) for label, weight in zip(self.target.labels, total, strict=True) if weight
        }


def build_mapping(data: Mapping[str, Any], where: str) -> LabelMapping:
    """Check and build a mapping from its JSON form.

    Args:
        data: Keys `source`, `target`, `rows` (source label -> target label -> weight).
        where: File name for messages.

    Returns:
        The mapping.

    Raises:
        ConfigError: A key is missing, a label set does not exist, the rows are not exactly one for each
            source label, a target label does not exist, or a row's weights are negative, not a number or
            do not sum to 1.
    """
    if missing := [key for key in ("source", "target", "rows") if key not in data]:
        raise ConfigError(f"{where}: the key {missing[0]!r} is missing.", item=where)
    try:
        source, target = load_taxonomy(data["source"]), load_taxonomy(data["target"])
    except UnknownTaxonomyError as error:
        raise ConfigError(f"{where}: {error.message}", item=where) from error
    return LabelMapping(source, target, _read_rows(data["rows"], source, target, where))


@cache
def load_mapping(source: str, target: str) -> LabelMapping:
    """Load the way from one label set to another.

    Args:
        source: Name of a label set.
        target: Name of a label set.

    Returns:
        The identity for equal names, the direct table where there is one, else the composition through
        `ekman7`.

    Raises:
        UnknownTaxonomyError: No such label set.
        UnknownMappingError: No way leads from one to the other; the message lists the direct tables.
    """
    left, right = load_taxonomy(source), load_taxonomy(target)
    if source == target:
        return LabelMapping(left, right, np.eye(len(left), dtype=np.float32))
    if (source, target) in _direct():
        return _load_direct(source, target)
    if {(source, HUB), (HUB, target)} <= _direct():
        first, second = _load_direct(source, HUB), _load_direct(HUB, target)
        return LabelMapping(left, right, first.matrix @ second.matrix)
    raise UnknownMappingError(f"{source} -> {target}", (f"{a} -> {b}" for a, b in _direct()))


@cache
def _direct() -> frozenset[tuple[str, str]]:
    folder = files("emofuse.taxonomy") / "mappings"
    names = {entry.name.removesuffix(".json") for entry in folder.iterdir()}
    known = list_taxonomies()
    return frozenset((a, b) for a in known for b in known if f"{a}__{b}" in names)


def _load_direct(source: str, target: str) -> LabelMapping:
    path = files("emofuse.taxonomy") / "mappings" / f"{source}__{target}.json"
    return build_mapping(json.loads(path.read_text(encoding="utf-8")), path.name)


def _read_rows(
    rows: Mapping[str, Mapping[str, float]], source: Taxonomy, target: Taxonomy, where: str
) -> FloatArray:
    if wrong := sorted(set(rows) ^ set(source.labels)):
        raise ConfigError(f"{where}: rows and labels of {source.name} differ in {wrong}.", item=where)
    matrix = np.zeros((len(source), len(target)), dtype=np.float32)
    for label, row in rows.items():
        if unknown := sorted(set(row) - set(target.labels)):
            raise ConfigError(
                f"{where}: {label!r} goes to {unknown[0]!r}, which {target.name} lacks.", item=where
            )
        # Said so that NaN, for which every comparison is false, is refused as well.
        if not (all(weight >= 0 for weight in row.values()) and abs(sum(row.values()) - 1) <= TOLERANCE):
            raise ConfigError(f"{where}: the weights of {label!r} must be >= 0 and sum to 1.", item=where)
        for name, weight in row.items():
            matrix[source.index(label), target.index(name)] = weight
    return matrix
