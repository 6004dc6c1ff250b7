"""Explainers by name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from emofuse.errors import ConfigError, MissingExtraError
from emofuse.explain.explanation import Explainer
from emofuse.explain.subject import SubjectReader
from emofuse.types import Modality

__all__ = ["DEFAULT_METHODS", "METHODS", "NO_BETTER_THAN_CHANCE", "build_explainer", "methods_of"]

PICTURES = (Modality.FACE, Modality.SCENE)

# Name -> the modalities that it explains, and module and class of each kind of input.
_TEXT: Mapping[str, tuple[str, str]] = {
    "attention": ("attention", "AttentionExplainer"),
    "integrated_gradients": ("integrated_gradients", "IntegratedGradientsExplainer"),
    "lime": ("lime_words", "LimeExplainer"),
    "occlusion": ("text", "TextOcclusion"),
    "shap": ("shap_words", "ShapExplainer"),
    "shapley": ("text", "TextShapley"),
}
_PICTURE: Mapping[str, tuple[str, str]] = {
    "grad_cam": ("grad_cam", "GradCamExplainer"),
    "occlusion": ("picture", "PictureOcclusion"),
}

METHODS = tuple(sorted({*_TEXT, *_PICTURE}))
DEFAULT_METHODS: Mapping[Modality, str] = {
    Modality.TEXT: "occlusion",
    Modality.FACE: "occlusion",
    Modality.SCENE: "occlusion",
}

# Model and method whose figures point at what matters no better than chance, by benchmarks/explanations.json.
NO_BETTER_THAN_CHANCE = frozenset({("text_bert_bilstm", "attention")})


def methods_of(modality: Modality) -> tuple[str, ...]:
    """Names of the explainers of a modality, sorted."""
    return tuple(sorted(_TEXT if modality == Modality.TEXT else _PICTURE))


def build_explainer(name: str, modality: Modality, reader: SubjectReader) -> Explainer:
    """Build an explainer.

    Args:
        name: One of `methods_of(modality)`.
        modality: Whose parts it weighs.
        reader: Reads the samples.

    Returns:
        The explainer.

    Raises:
        ConfigError: No such method for the modality; the message lists the valid ones.
        MissingExtraError: It needs a package that is not installed.
    """
    if name not in methods_of(modality):
        raise ConfigError(
            f"No method {name!r} explains a {modality}. Valid: {', '.join(methods_of(modality))}.", item=name
        )
    module, kind = (_TEXT if modality == Modality.TEXT else _PICTURE)[name]
    try:
        built: Any = getattr(import_module(f"emofuse.explain.{module}"), kind)
    except ModuleNotFoundError as error:
        raise MissingExtraError("explain", error.name or "unknown") from error
    explainer: Explainer = built(reader) if modality == Modality.TEXT else built(reader, modality)
    return explainer
