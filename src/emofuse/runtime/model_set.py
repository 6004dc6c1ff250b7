"""The models behind a predictor, opened when a call first needs them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

from emofuse.errors import ConfigError
from emofuse.preprocess import WordPieceTokenizer
from emofuse.runtime.bundle import ModelBundle, load_bundle
from emofuse.runtime.face_detector import FaceDetector, FaceDetectorFn
from emofuse.runtime.face_model import FaceModel
from emofuse.runtime.fusion import FusionHead, LogLinearFusion
from emofuse.runtime.session import Session, open_session
from emofuse.runtime.text_model import TextModel
from emofuse.types import Modality

__all__ = ["DEFAULT_MODELS", "ModelSet", "open_face_model", "open_text_model"]

DEFAULT_MODELS = {
    "text": "text_bert_bilstm",
    "face": "face_ferplus",
    "face_detector": "face_detector",
    "fusion": "fusion_default",
}


class ModelSet:
    """One bundle per kind; sessions are opened on first use and shared between threads.

    Args:
        models: Names or folders that replace the default of their kind.
        detector: A callable that replaces the face detector.
        threads: Threads within an operator; None leaves the choice to ONNX Runtime.

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
    ) -> None:
        self._chosen: dict[str, ModelBundle] = {}
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
        if kind not in self._chosen:
            self._chosen[kind] = load_bundle(DEFAULT_MODELS[kind])
        return self._chosen[kind]

    @property
    def text(self) -> TextModel:
        """The text model."""
        model: TextModel = self._open(
            "text", lambda: open_text_model(self.bundle("text"), threads=self._threads)
        )
        return model

    @property
    def face(self) -> FaceModel:
        """The face model."""
        model: FaceModel = self._open(
            "face", lambda: open_face_model(self.bundle("face"), threads=self._threads)
        )
        return model

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
    def fusion(self) -> FusionHead:
        """The fusion head."""
        weights = self.bundle("fusion").parameters["weights"]
        return LogLinearFusion({Modality(name): weight for name, weight in weights.items()})

    def detector_versions(self) -> dict[str, str]:
        """Name -> version of the embedded detector; empty when the caller brought one."""
        if self._detector is not None:
            return {}
        bundle = self.bundle("face_detector")
        return {bundle.name: bundle.version}

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


def open_face_model(bundle: ModelBundle, *, threads: int | None = None) -> FaceModel:
    """Open a face bundle.

    Args:
        bundle: Of kind "face".
        threads: As for `open_session`.

    Returns:
        The model.

    Raises:
        BundleSchemaError: The graph cannot be used.
    """
    return FaceModel(bundle, _open_graph(bundle, "images", threads))


def _open_detector(bundle: ModelBundle, *, threads: int | None) -> FaceDetector:
    return FaceDetector(bundle, _open_graph(bundle, "images", threads))


def _open_graph(bundle: ModelBundle, source: str, threads: int | None) -> Session:
    return open_session(bundle.model_path, threads=threads, names=(source, *bundle.outputs))
