"""A bundle: a folder with a model and everything that must travel with it."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np

from emofuse.errors import (
    BundleChecksumError,
    BundleError,
    BundleFileMissingError,
    BundleSchemaError,
    UnknownModelError,
)
from emofuse.runtime.bundle_constants import KINDS, check_constants
from emofuse.runtime.reference import Reference, parse_reference
from emofuse.taxonomy import load_taxonomy
from emofuse.types import FloatArray

__all__ = [
    "SCHEMA",
    "ModelBundle",
    "OutputSpec",
    "list_bundles",
    "load_bundle",
    "read_bundle",
    "verify_bundle",
]

SCHEMA = 1
# What `sha256sum` writes: two spaces before a name, or a space and a star in binary mode.
_SUM = re.compile(r"([0-9a-f]{64}) [ *](.+)")
DEFAULT_THRESHOLD = 0.5  # of a label for which a bundle states none


@dataclass(frozen=True)
class OutputSpec:
    """One head of a model.

    Attributes:
        taxonomy: Label set; also the name of the ONNX output.
        activation: What turns logits into probabilities.
        temperature: Logits are divided by it first; > 0.
        thresholds: Label -> smallest probability that counts as a yes when several labels may hold; total,
            0.5 where the bundle states none.
    """

    taxonomy: str
    activation: Literal["softmax", "sigmoid"]
    temperature: float
    thresholds: Mapping[str, float]

    @cached_property
    def limits(self) -> FloatArray:
        """The thresholds, (labels,) float32 in taxonomy order."""
        labels = load_taxonomy(self.taxonomy).labels
        return np.array([self.thresholds[label] for label in labels], dtype=np.float32)


@dataclass(frozen=True)
class ModelBundle:
    """What `bundle.json` says, and where the folder is.

    Attributes:
        path: The folder.
        name: Such as "text_bilstm".
        version: Of the weights.
        kind: "text", "face", "scene", "face_detector" or "fusion".
        description: One sentence.
        preprocessing: Constants that prepare the input.
        outputs: Taxonomy -> head.
        thresholds: Decision constants of detectors and fusions.
        parameters: Of a fusion: the weights of its pool, and the members of a trained one.
        metrics: Measured figures, each with corpus, split, metric, value and n.
        data: Training corpora with licence and whether commercial use is clear.
        recipe: File that trains it.
        code_revision: Of the code that exported it.
        created: ISO date.
        history: What training logged, an entry for each epoch; empty where it was not kept.
        reference: What it read and answered on validation samples; None where that was not kept.
    """

    path: Path
    name: str
    version: str
    kind: str
    description: str
    preprocessing: Mapping[str, Any]
    outputs: Mapping[str, OutputSpec]
    thresholds: Mapping[str, float]
    parameters: Mapping[str, Any]
    metrics: tuple[Mapping[str, Any], ...]
    data: tuple[Mapping[str, str], ...]
    recipe: str
    code_revision: str
    created: str
    history: tuple[Mapping[str, float], ...] = ()
    reference: Reference | None = None

    @property
    def model_path(self) -> Path:
        """The ONNX file."""
        return self.path / "model.onnx"

    @property
    def softmax(self) -> tuple[str, ...]:
        """Outputs that are distributions over one label set."""
        return tuple(name for name, output in self.outputs.items() if output.activation == "softmax")

    @property
    def sha256(self) -> str:
        """Recorded checksum of the ONNX file; empty without one."""
        sums = (self.path / "SHA256SUMS").read_text(encoding="utf-8", errors="replace")
        return next((line.split()[0] for line in sums.splitlines() if line.endswith("model.onnx")), "")

    @property
    def size_bytes(self) -> int:
        """Size of all files of the bundle."""
        return sum(entry.stat().st_size for entry in self.path.iterdir() if entry.is_file())


def list_bundles() -> list[str]:
    """Names of the embedded bundles, sorted."""
    folder = _embedded()
    return sorted(entry.name for entry in folder.iterdir() if (entry / "bundle.json").is_file())


def load_bundle(name_or_path: str | os.PathLike[str]) -> ModelBundle:
    """Load an embedded bundle by name, or any bundle by its folder.

    The checksums of a folder that is not embedded are verified; those of embedded bundles only by
    `verify_bundle`, since reading 40 MB would slow every start.

    Args:
        name_or_path: A name of `list_bundles()`, or a folder.

    Returns:
        The bundle.

    Raises:
        UnknownModelError: Neither an embedded name nor a folder; the message lists the names.
        BundleError: The folder is incomplete, altered, malformed, too new or cannot be read.
    """
    name = os.fspath(name_or_path)
    if name in list_bundles():
        return read_bundle(_embedded() / name)
    path = Path(name)
    try:
        if not path.is_dir():
            raise UnknownModelError(name, list_bundles())
        verify_bundle(path)
        return read_bundle(path)
    except OSError as error:
        raise BundleError(
            f"The bundle {path} cannot be read: {error.strerror}. Check its place and its permissions.",
            item=name,
        ) from error


def read_bundle(path: Path) -> ModelBundle:
    """Read and check `bundle.json`.

    Args:
        path: Bundle folder.

    Returns:
        The bundle; its model file is not opened.

    Raises:
        BundleFileMissingError: A file that this kind of bundle needs is not there.
        BundleSchemaError: `bundle.json` is malformed, too new, or disagrees with a taxonomy.
    """
    manifest = path / "bundle.json"
    try:
        data = json.loads(manifest.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _missing(path, "bundle.json") from error
    except ValueError as error:
        raise BundleSchemaError(f"{manifest} is not valid JSON: {error}.", item=str(manifest)) from error
    try:
        bundle = _build(path, data)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BundleSchemaError(
            f"{manifest} lacks or misuses the key {error}.", item=str(manifest)
        ) from error
    for name in _required(bundle.kind):
        if not (path / name).is_file():
            raise _missing(path, name)
    return bundle


def verify_bundle(path: Path) -> None:
    """Compare every file of a bundle with its recorded checksum.

    Args:
        path: Bundle folder.

    Raises:
        BundleFileMissingError: `SHA256SUMS` or a file that it lists is not there.
        BundleChecksumError: A file differs, or `SHA256SUMS` does not list it or is malformed.
    """
    sums = path / "SHA256SUMS"
    if not sums.is_file():
        raise _missing(path, sums.name)
    listed = set()
    for line in sums.read_text(encoding="utf-8", errors="replace").splitlines():
        match = _SUM.fullmatch(line)
        if match is None:
            raise BundleChecksumError(
                f"{sums} is no list of SHA-256 checksums. Install or copy the bundle again.", item=str(sums)
            )
        expected, name = match.groups()
        if not (path / name).is_file():
            raise _missing(path, name)
        listed.add(name)
        if hashlib.sha256((path / name).read_bytes()).hexdigest() != expected:
            raise BundleChecksumError(
                f"{path / name} differs from its checksum. Install or copy the bundle again.",
                item=str(path / name),
            )
    extra = sorted(entry.name for entry in path.iterdir() if entry.is_file() and entry.name not in listed)
    if extra != [sums.name]:
        unlisted = next(name for name in extra if name != sums.name)
        raise BundleChecksumError(
            f"{path / unlisted} is not listed in SHA256SUMS. Remove it or export the bundle again.",
            item=str(path / unlisted),
        )


def _embedded() -> Path:
    return Path(str(files("emofuse") / "models"))


def _required(kind: str) -> tuple[str, ...]:
    always = ("SHA256SUMS", "MODEL_CARD.md")
    if kind == "fusion":
        return always
    return (*always, "model.onnx", "tokenizer.json") if kind == "text" else (*always, "model.onnx")


def _missing(path: Path, name: str) -> BundleFileMissingError:
    return BundleFileMissingError(
        f"The bundle {path} has no {name}. Install or copy the bundle again.", item=str(path / name)
    )


def _build(path: Path, data: Mapping[str, Any]) -> ModelBundle:
    if data["schema"] > SCHEMA:
        raise BundleSchemaError(
            f"The bundle {path} has schema {data['schema']}, newer than {SCHEMA}. Upgrade emofuse.",
            item=str(path),
        )
    if data["kind"] not in KINDS:
        raise BundleSchemaError(f"The bundle {path} is of unknown kind {data['kind']!r}.", item=str(path))
    check_constants(data)
    return ModelBundle(
        path=path,
        name=data["name"],
        version=data["version"],
        kind=data["kind"],
        description=data["description"],
        preprocessing=data["preprocessing"],
        outputs={name: _build_output(path, name, output) for name, output in data["outputs"].items()},
        thresholds=data["thresholds"],
        parameters=data["parameters"],
        metrics=tuple(data["metrics"]),
        data=tuple(data["data"]),
        recipe=data["recipe"],
        code_revision=data["code_revision"],
        created=data["created"],
        history=tuple(data.get("history", ())),
        reference=parse_reference(data["reference"]) if "reference" in data else None,
    )


def _build_output(path: Path, name: str, output: Mapping[str, Any]) -> OutputSpec:
    labels = load_taxonomy(name).labels
    if tuple(output["labels"]) != labels:
        raise BundleSchemaError(
            f"The bundle {path} orders the labels of {name} in another way than this emofuse.", item=str(path)
        )
    if output["activation"] not in {"softmax", "sigmoid"}:
        raise ValueError("activation, which must be softmax or sigmoid")
    temperature = float(output["temperature"])
    if not (math.isfinite(temperature) and temperature > 0):
        raise ValueError("temperature, which must be above 0")
    stated = output["thresholds"] or {}
    thresholds = {label: float(stated.get(label, DEFAULT_THRESHOLD)) for label in labels}
    return OutputSpec(name, output["activation"], temperature, thresholds)
