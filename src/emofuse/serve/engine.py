"""The models in use: they answer batches, explain, and can be exchanged while requests run."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image

from emofuse.errors import EmofuseError
from emofuse.explain import SampleExplainer
from emofuse.runtime.bundle import ModelBundle
from emofuse.runtime.model_set import DEFAULT_MODELS, ModelSet
from emofuse.runtime.predictor import Predictor
from emofuse.types import Prediction, Sample

__all__ = ["Answer", "Engine", "ExplainOptions", "PredictOptions"]


class PredictOptions(NamedTuple):
    """What the caller may choose for a prediction.

    Attributes:
        taxonomy: Label set of the emotions in the answer.
        crop: Take every image as one face.
        pictured: Whether the samples have images; texts do not wait for pictures.
    """

    taxonomy: str = "ekman7"
    crop: bool = False
    pictured: bool = False


class ExplainOptions(NamedTuple):
    """What the caller may choose for an explanation.

    Attributes:
        crop: Take the image as one face.
        method: Name of an explainer, or None for the default.
        label: What to explain, or None for the most probable label.
    """

    crop: bool = False
    method: str | None = None
    label: str | None = None


class Answer(NamedTuple):
    """A prediction, and the same as JSON.

    Attributes:
        prediction: The prediction.
        body: Its `to_json`.
    """

    prediction: Prediction
    body: bytes


class Engine:
    """Predicts and explains with one set of models until another takes its place.

    Args:
        models: Names or folders of bundles that replace the defaults of their kind.

    Raises:
        UnknownModelError: No such bundle.
        BundleError: A bundle cannot be trusted.
    """

    def __init__(self, models: Sequence[str] = ()) -> None:
        self._models = _open_models(models)

    @property
    def bundles(self) -> list[ModelBundle]:
        """The bundle of each kind that is in use."""
        return [self._models.bundle(kind) for kind in DEFAULT_MODELS]

    def exchange(self, models: Sequence[str]) -> None:
        """Put other models in place; runs that have begun end with the old ones.

        Args:
            models: As for the class.

        Raises:
            UnknownModelError: No such bundle; the old models stay.
            BundleError: A bundle cannot be trusted; the old models stay.
        """
        self._models = _open_models(models)

    def predict(self, options: PredictOptions, samples: Sequence[Sample]) -> list[Answer]:
        """Read samples.

        Args:
            options: How.
            samples: With ids.

        Returns:
            One answer per sample in order.
        """
        predictor = Predictor(self._models, taxonomy=options.taxonomy, crop=options.crop)
        return [Answer(prediction, prediction.to_json()) for prediction in predictor.predict(samples)]

    def explain(self, options: ExplainOptions, samples: Sequence[Sample]) -> list[bytes | EmofuseError]:
        """Explain samples.

        Args:
            options: How.
            samples: With ids.

        Returns:
            One report per sample in order as JSON, or the error that says why there is none.
        """
        explainer = SampleExplainer(self._models, crop=options.crop)
        return [_explain(explainer, sample, options) for sample in samples]


def _explain(explainer: SampleExplainer, sample: Sample, options: ExplainOptions) -> bytes | EmofuseError:
    try:
        report = explainer.explain(sample, method=options.method, label=options.label)
    except EmofuseError as error:
        return error
    line = json.dumps(report.to_dict(), ensure_ascii=False, separators=(",", ":"))
    return line.encode("utf-8", errors="backslashreplace")


def _open_models(names: Sequence[str]) -> ModelSet:
    models = ModelSet(names or None, detector=None, threads=1)
    # Opens every session, so that no request waits for it and a broken bundle is found out now.
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "grey").save(picture, "PNG")
    warm = Sample(text="warm", image=picture.getvalue())
    for crop in (False, True):
        Predictor(models, crop=crop).predict([warm])
    return models
