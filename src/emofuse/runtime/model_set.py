"""The models behind a predictor, opened when a call first needs them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from emofuse.errors import BundleSchemaError, ConfigError
from emofuse.preprocess import WordPieceTokenizer
from emofuse.runtime.bundle import ModelBundle, load_bundle
from emofuse.runtime.face_detector import FaceDetector, FaceDetectorFn
from emofuse.runtime.fusion import Fusion, GraphFusion, LogLinearFusion, fusion_members
from emofuse.runtime.image_model import ImageModel
from emofuse.runtime.session import Session, open_session
from emofuse.runtime.text_model import TextModel
from emofuse.types import Modality

__all__ = ["DEFAULT_MODELS", "ModelSet", "open_image_model", "open_text_model"]

DEFAULT_MODELS = {
    "text": "text_bert_bilstm",
    "face": "face_ferplus",
    "scene": "scene_image",
    "face_detector": "face_detector",
    "fusion": "fusion_default",
}


class ModelSet:
    """The models of a predictor; sessions are opened on first use and shared between threads.

    A fusion brings the models that it was trained on. A model of the caller's takes the place of all that
    read its modality; a trained fusion, which knows only its own members, then gives way to a plain pool.

    Args:
        models: Names or folders that replace the default of their kind.
        detector: A callable that replaces the face detector.
        threads: Threads within an operator; None leaves the choice to ONNX Runtime.
        members: The bundles that read each modality, instead of the fusion's own.

    Raises:
        UnknownModelError: No such bundle.
        ConfigError: Two bundles of one kind.
        BundleError: A bundle cannot be trusted.
    """

    def __init__(
        self,
        models: Sequence[str | os.PathLike[str]] | None,
        *,
        detector: FaceDetectorFn | None,
        threads: int | None,
        members: Mapping[Modality, Sequence[ModelBundle]] | None = None,
    ) -> None:
        self._members = members
        self._chosen: dict[str, ModelBundle] = {}
        self._loaded: dict[str, ModelBundle] = {}
        for name in models or ():
            bundle = load_bundle(name)
            if bundle.kind in self._chosen:
                raise ConfigError(
                    f"Give one {bundle.kind} model, not both {self._chosen[bundle.kind].name} and "
                    f"{bundle.name}.",
                    item=bundle.name,
                )
            self._chosen[bundle.kind] = bundle
        self._detector = detector
        self._threads = threads
        self._lock = Lock()
        self._opened: dict[str, Any] = {}

    def bundle(self, kind: str) -> ModelBundle:
        """The bundle of a kind; reads `bundle.json` but opens no session."""
        if kind in self._chosen:
            return self._chosen[kind]
        return self._load(DEFAULT_MODELS[kind])

    def members(self, modality: Modality) -> tuple[ModelBundle, ...]:
        """The bundles that read a modality; none if the fusion leaves it aside and the caller gave none."""
        if self._members is not None:
            return tuple(self._members.get(modality, ()))
        fusion = self.bundle("fusion")
        if modality in self._chosen:
            return (self._chosen[modality],)
        if learned := fusion_members(fusion):
            names = [member.model for member in learned if member.modality is modality]
            return tuple(self._load(_find_member(fusion, name)) for name in names)
        return (self.bundle(modality),) if modality in fusion.parameters["weights"] else ()

    def only(self, modality: Modality, detector: FaceDetectorFn | None = None) -> ModelSet:
        """The same open models and fusion, of which those of one modality alone read.

        Args:
            modality: Which one.
            detector: Stands in for the face detector, such as one that knows the faces already.

        Returns:
            A set that shares its sessions with this one.
        """
        narrowed = copy(self)
        narrowed._members = {modality: self.members(modality)}
        narrowed._detector = detector or self._detector
        return narrowed

    def texts(self) -> list[TextModel]:
        """The text models."""
        return [
            self._open(f"text {bundle.path}", partial(open_text_model, bundle, threads=self._threads))
            for bundle in self.members(Modality.TEXT)
        ]

    def images(self, modality: Modality) -> list[ImageModel]:
        """The models that read faces, or those that read whole pictures."""
        return [
            self._open(f"{modality} {bundle.path}", partial(open_image_model, bundle, threads=self._threads))
            for bundle in self.members(modality)
        ]

    @property
    def detector(self) -> FaceDetectorFn:
        """The caller's detector, or the embedded one."""
        if self._detector is not None:
            return self._detector
        found: FaceDetectorFn = self._open(
            "face_detector", lambda: _open_detector(self.bundle("face_detector"), threads=self._threads)
        )
        return found

    @property
    def fusion(self) -> Fusion:
        """The fusion."""
        fusion: Fusion = self._open("fusion", self._build_fusion)
        return fusion

    @property
    def deep(self) -> bool:
        """Whether the fusion looks at more than probabilities."""
        return isinstance(self.fusion, GraphFusion) and any(own.deep for own in self.fusion.members)

    def pool(self) -> LogLinearFusion:
        """The pool with the weights of the fusion's bundle, for what a trained fusion does not answer."""
        weights = dict.fromkeys(set(Modality) & self._chosen.keys(), 1.0)
        weights |= self.bundle("fusion").parameters["weights"]
        return LogLinearFusion({Modality(name): weight for name, weight in weights.items()})

    def _build_fusion(self) -> Fusion:
        bundle = self.bundle("fusion")
        learned = fusion_members(bundle)
        known = {member.model: member.sha256 for member in learned}
        for modality in set(Modality) & self._chosen.keys():
            own = self._chosen[modality]
            if [(m.model, m.sha256) for m in learned if m.modality == modality] != [(own.name, own.sha256)]:
                return self.pool()
        if not learned:
            return self.pool()
        used = {member.name: member.sha256 for modality in Modality for member in self.members(modality)}
        if changed := [name for name, digest in known.items() if used.get(name, digest) != digest]:
            raise BundleSchemaError(
                f"{bundle.name} was trained on another {changed[0]} than is installed. Export the fusion "
                "again, or bring back that model.",
                item=bundle.name,
            )
        inputs = [own.model for own in learned] + [f"{own.model}.states" for own in learned if own.states]
        names = ("present", *inputs, *bundle.outputs)
        return GraphFusion(bundle, open_session(bundle.model_path, threads=self._threads, names=names))

    def detector_versions(self) -> dict[str, str]:
        """Name -> version of the embedded detector; empty when the caller brought one."""
        if self._detector is not None:
            return {}
        bundle = self.bundle("face_detector")
        return {bundle.name: bundle.version}

    def _load(self, place: str | Path) -> ModelBundle:
        if str(place) not in self._loaded:
            self._loaded[str(place)] = load_bundle(place)
        return self._loaded[str(place)]

    def _open(self, kind: str, build: Callable[[], Any]) -> Any:
        with self._lock:
            if kind not in self._opened:
                self._opened[kind] = build()
            return self._opened[kind]


def open_text_model(bundle: ModelBundle, *, threads: int | None = None) -> TextModel:
    """Open a text bundle with its tokenizer.

    Args:
        bundle: Of kind "text".
        threads: As for `open_session`.

    Returns:
        The model.

    Raises:
        BundleSchemaError: The graph or the tokenizer cannot be used.
    """
    tokenizer = WordPieceTokenizer.from_file(bundle.path / "tokenizer.json")
    return TextModel(bundle, _open_graph(bundle, "input_ids", threads), tokenizer)


def open_image_model(bundle: ModelBundle, *, threads: int | None = None) -> ImageModel:
    """Open a face or scene bundle.

    Args:
        bundle: Of kind "face" or "scene".
        threads: As for `open_session`.

    Returns:
        The model.

    Raises:
        BundleSchemaError: The graph cannot be used.
    """
    return ImageModel(bundle, _open_graph(bundle, "images", threads))


def _open_detector(bundle: ModelBundle, *, threads: int | None) -> FaceDetector:
    return FaceDetector(bundle, _open_graph(bundle, "images", threads))


def _open_graph(bundle: ModelBundle, source: str, threads: int | None) -> Session:
    return open_session(bundle.model_path, threads=threads, names=(source, *bundle.outputs))


def _find_member(fusion: ModelBundle, name: str) -> str | Path:
    own = fusion.path / "members" / name
    return own if own.is_dir() else name
