"""Emotion and sentiment from text, faces and photos, alone or fused.

from emofuse import Predictor, Sample

predictor = Predictor.load()
[prediction] = predictor.predict([Sample(text="I am so proud of you", image="photo.jpg")])
print(prediction.emotion.label, prediction.emotion.confidence)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from emofuse.errors import EmofuseError
from emofuse.types import (
    Emotion,
    ErrorEntry,
    Face,
    FaceBox,
    Modality,
    ModalityPrediction,
    Notice,
    Prediction,
    Sample,
    Sentiment,
)

if TYPE_CHECKING:
    from emofuse.runtime.bundle import ModelBundle, list_bundles, load_bundle, verify_bundle
    from emofuse.runtime.predictor import Predictor
    from emofuse.taxonomy import (
        LabelMapping,
        Taxonomy,
        list_taxonomies,
        load_mapping,
        load_taxonomy,
    )
    from emofuse.tracking import Tracker, TrackState

__version__ = "0.1.0"

__all__ = [
    "EmofuseError",
    "Emotion",
    "ErrorEntry",
    "Face",
    "FaceBox",
    "LabelMapping",
    "Modality",
    "ModalityPrediction",
    "ModelBundle",
    "Notice",
    "Prediction",
    "Predictor",
    "Sample",
    "Sentiment",
    "Taxonomy",
    "TrackState",
    "Tracker",
    "__version__",
    "list_bundles",
    "list_taxonomies",
    "load_bundle",
    "load_mapping",
    "load_taxonomy",
    "verify_bundle",
]

# Loaded on first use, so that `import emofuse` costs little more than numpy.
_LAZY = {
    **dict.fromkeys(
        ("ModelBundle", "list_bundles", "load_bundle", "verify_bundle"), "emofuse.runtime.bundle"
    ),
    **dict.fromkeys(
        ("LabelMapping", "Taxonomy", "list_taxonomies", "load_mapping", "load_taxonomy"), "emofuse.taxonomy"
    ),
    "Predictor": "emofuse.runtime.predictor",
    **dict.fromkeys(("TrackState", "Tracker"), "emofuse.tracking"),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'emofuse' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return __all__
