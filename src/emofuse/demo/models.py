"""The models that a visitor chooses from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emofuse.runtime.model_set import ModelSet
from emofuse.runtime.predictor import Predictor

__all__ = ["Choice", "Choices", "build_choices"]


@dataclass(frozen=True, eq=False)
class Choice:
    """A set of models, whose sessions everything that reads with them shares.

    Attributes:
        models: Opened on first use.
        predictor: Reads with them.
    """

    models: ModelSet
    predictor: Predictor


Choices = Mapping[str, Choice]

_EMBEDDED: Mapping[str, tuple[str, ...]] = {
    "Default models": (),
    "Small text model": ("text_bilstm",),
    "Small text model from open corpora": ("text_bilstm_open",),
    "Published late fusion": ("fusion_mlp",),
}


def build_choices(models: Sequence[str] = ()) -> Choices:
    """Name what can be chosen, the first being what the page begins with.

    Args:
        models: Names or folders of bundles that come first; none leaves the embedded ones.

    Returns:
        Name as shown -> models; none is opened yet.

    Raises:
        UnknownModelError: No such bundle.
        ConfigError: Two bundles of one kind.
        BundleError: A bundle cannot be trusted.
    """
    own = {", ".join(models): tuple(models)} if models else {}
    return {name: _open(names) for name, names in {**own, **_EMBEDDED}.items()}


def _open(names: Sequence[str]) -> Choice:
    models = ModelSet(names, detector=None, threads=None)
    return Choice(models, Predictor(models))
