"""Ordered label sets, one JSON file each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from emofuse.errors import ConfigError, UnknownLabelError, UnknownTaxonomyError

__all__ = [
    "OWN",
    "POLARITIES",
    "Taxonomy",
    "build_taxonomy",
    "list_taxonomies",
    "load_taxonomy",
    "main_output",
    "name_own_labels",
]

POLARITIES = ("sentiment3", "polarity2")  # sets of sentiment; all others are of emotion
OWN = "own"  # labels of the user's own, known only from the data


@dataclass(frozen=True)
class Taxonomy:
    """An ordered set of labels.

    Attributes:
        name: Such as "ekman7".
        labels: Label names; their order is the order of every probability vector.
        description: One sentence.
        source: Where the set comes from.
    """

    name: str
    labels: tuple[str, ...]
    description: str
    source: str

    def __len__(self) -> int:
        return len(self.labels)

    def index(self, label: str) -> int:
        """Position of a label.

        Args:
            label: A label of this set.

        Returns:
            0-based position.

        Raises:
            UnknownLabelError: The label is not in the set.
        """
        try:
            return self.labels.index(label)
        except ValueError:
            raise UnknownLabelError(label, self.labels) from None


def build_taxonomy(data: dict[str, Any], where: str) -> Taxonomy:
    """Check and build a label set from its JSON form.

    Args:
        data: Keys `name`, `labels`, `description`, `source`.
        where: File name for messages.

    Returns:
        The label set.

    Raises:
        ConfigError: A key is missing, a label is empty or stands twice, or there are fewer than two.
    """
    if missing := [key for key in ("name", "labels", "description", "source") if key not in data]:
        raise ConfigError(f"{where}: the key {missing[0]!r} is missing.", item=where)
    labels = tuple(data["labels"])
    if len(labels) < 2 or len(set(labels)) != len(labels) or not all(labels):
        raise ConfigError(
            f"{where}: labels must be at least two, distinct and not empty, but are {list(labels)}.",
            item=where,
        )
    return Taxonomy(data["name"], labels, data["description"], data["source"])


def list_taxonomies() -> list[str]:
    """Names of all label sets, sorted."""
    folder = files("emofuse.taxonomy") / "sets"
    return sorted(entry.name.removesuffix(".json") for entry in folder.iterdir())


@cache
def load_taxonomy(name: str) -> Taxonomy:
    """Load a label set by name.

    Args:
        name: One of `list_taxonomies()`, or a name of `name_own_labels`.

    Returns:
        The label set.

    Raises:
        UnknownTaxonomyError: No such set; the message lists the valid names.
    """
    if name.startswith(f"{OWN}:"):
        labels = name.removeprefix(f"{OWN}:").split("|")
        return build_taxonomy({"name": name, "labels": labels, "description": "", "source": ""}, name)
    if name not in list_taxonomies():
        raise UnknownTaxonomyError(name, list_taxonomies())
    path = files("emofuse.taxonomy") / "sets" / f"{name}.json"
    return build_taxonomy(json.loads(path.read_text(encoding="utf-8")), path.name)


def name_own_labels(labels: Iterable[str]) -> str:
    """A name under which `load_taxonomy` finds a set of the user's own labels; the name says them all.

    Args:
        labels: At least two, in any order, without `|`.

    Returns:
        `own:` and the labels, sorted.

    Raises:
        ConfigError: A label is empty or holds a `|`, or there are fewer than two.
    """
    ordered = sorted(set(labels))
    if wrong := [label for label in ordered if "|" in label]:
        raise ConfigError(f"The label {wrong[0]!r} holds a '|'. Rename it.", item=wrong[0])
    return load_taxonomy(f"{OWN}:" + "|".join(ordered)).name


def main_output(names: Iterable[str]) -> str:
    """The output of a model that its confidence is about.

    Args:
        names: Label sets of its outputs; at least one.

    Returns:
        The user's own labels, else `ekman7`, else another set of emotions, else what there is.
    """
    return min(names, key=lambda name: (not name.startswith(f"{OWN}:"), name in POLARITIES, name != "ekman7"))
