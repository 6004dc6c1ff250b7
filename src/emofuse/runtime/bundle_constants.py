"""What `bundle.json` must say for each kind of model, so that a wrong one is refused before it is used."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from emofuse.types import Modality

__all__ = ["KINDS", "check_constants"]


def check_constants(manifest: Mapping[str, Any]) -> None:
    """Check the constants that the runtime will look up.

    Args:
        manifest: Content of `bundle.json`; `kind` is one of `KINDS`.

    Raises:
        KeyError: A constant is missing.
        TypeError: A constant is of another type.
        ValueError: A constant is out of range; the message begins with its key.
    """
    KINDS[manifest["kind"]](manifest)


def _check_text(manifest: Mapping[str, Any]) -> None:
    constants = manifest["preprocessing"]
    _check_counts(constants, "max_tokens", "max_windows", "max_batch")
    if constants["max_tokens"] <= len(constants["prefix_ids"]) + len(constants["suffix_ids"]):
        raise ValueError("max_tokens, which leaves no room for the text")
    if constants["emoji"] not in {"spell", "keep"}:
        raise ValueError("emoji, which must be spell or keep")
    if not isinstance(constants.get("exact_alone", False), bool):
        raise ValueError("exact_alone, which must be true or false")


def _check_image(manifest: Mapping[str, Any]) -> None:
    _check_counts(manifest["preprocessing"], "size_px", "max_batch")


def _check_face_detector(manifest: Mapping[str, Any]) -> None:
    _check_counts(manifest["preprocessing"], "input_px")
    _check_shares(manifest["thresholds"], "score", "iou")
    if not 0 < manifest["thresholds"]["score"] < 1:
        raise ValueError("score, which must lie between 0 and 1")


def _check_fusion(manifest: Mapping[str, Any]) -> None:
    _check_shares(manifest["thresholds"], "abstain", "mixed", "opposed")
    parameters = manifest["parameters"]
    for name, weight in parameters["weights"].items():
        if name not in set(Modality) or not (math.isfinite(weight) and weight > 0):
            raise ValueError(f"weights, where {name} is no modality or its weight is not above 0")
    for member in parameters.get("members", ()):
        _check_counts(member, "size")
        if member["modality"] not in parameters["weights"] or not isinstance(member["states"], int):
            raise ValueError(f"members, where {member['model']} has no modality with a weight, or no states")


KINDS: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
    "text": _check_text,
    "face": _check_image,
    "scene": _check_image,
    "face_detector": _check_face_detector,
    "fusion": _check_fusion,
}


def _check_counts(constants: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if not isinstance(constants[name], int) or constants[name] < 1:
            raise ValueError(f"{name}, which must be a whole number above 0")


def _check_shares(constants: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if not 0 <= constants[name] <= 1:
            raise ValueError(f"{name}, which must lie between 0 and 1")
