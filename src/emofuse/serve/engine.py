"""The models in use: they answer batches, explain, and can be exchanged while requests run."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import NamedTuple

from PIL import Image

from emofuse.errors import EmofuseError, ImageTooLargeError, InputError, TextTooLongError
from emofuse.explain import SampleExplainer
from emofuse.preprocess.image import FORMATS
from emofuse.runtime.bundle import ModelBundle
from emofuse.runtime.model_set import DEFAULT_MODELS, ModelSet
from emofuse.runtime.predictor import Predictor
from emofuse.types import ErrorEntry, Prediction, Sample

__all__ = ["Answer", "Engine", "ExplainOptions", "PredictOptions", "SampleLimits"]


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
        stop: Says when nobody waits for it any more.
    """

    crop: bool = False
    method: str | None = None
    label: str | None = None
    stop: Callable[[], bool] = lambda: False


class Answer(NamedTuple):
    """A prediction, and the same as JSON.

    Attributes:
        prediction: The prediction.
        body: Its `to_json`.
    """

    prediction: Prediction
    body: bytes


class SampleLimits(NamedTuple):
    """What is too large to be read.

    Attributes:
        max_characters: Longest text.
        max_pixels: Largest picture.
    """

    max_characters: int
    max_pixels: int

    def check(self, sample: Sample) -> None:
        """Refuse a sample before it costs anything.

        Args:
            sample: With an image as bytes, if any.

        Raises:
            TextTooLongError: Its text has too many characters.
            ImageTooLargeError: Its picture has too many pixels.
        """
        if sample.text is not None and len(sample.text) > self.max_characters:
            raise TextTooLongError(
                f"A text may have {self.max_characters:,} characters here, not {len(sample.text):,}.",
                item=sample.id,
            )
        if not isinstance(sample.image, bytes):
            return
        try:
            width, height = Image.open(io.BytesIO(sample.image), formats=FORMATS).size
        except Image.DecompressionBombError as error:
            raise ImageTooLargeError(f"{error}. Scale it down first.", item=sample.id) from error
        except (OSError, SyntaxError, ValueError):
            return  # no picture; the reader says so
        if width * height > self.max_pixels:
            raise ImageTooLargeError(
                f"A picture may have {self.max_pixels:,} pixels here, not {width:,} x {height:,}. Scale it "
                "down first.",
                item=sample.id,
            )


class Engine:
    """Predicts and explains with one set of models until another takes its place.

    Args:
        models: Names or folders of bundles that replace the defaults of their kind.
        limits: What is too large.

    Raises:
        UnknownModelError: No such bundle.
        BundleError: A bundle cannot be trusted.
    """

    def __init__(self, models: Sequence[str], limits: SampleLimits) -> None:
        self._models = _open_models(models)
        self._limits = limits

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
        refused = {i: own for i, sample in enumerate(samples) if (own := self._refuse(sample)) is not None}
        read = iter(predictor.predict(own for i, own in enumerate(samples) if i not in refused))
        found = [refused[i] if i in refused else next(read) for i in range(len(samples))]
        return [Answer(prediction, prediction.to_json()) for prediction in found]

    def _refuse(self, sample: Sample) -> Prediction | None:
        try:
            self._limits.check(sample)
        except InputError as error:
            entry = ErrorEntry(error.code, error.message, error.item)
            return Prediction(id=sample.id or "", error=entry)
        return None

    def explain(self, options: ExplainOptions, samples: Sequence[Sample]) -> list[bytes | EmofuseError]:
        """Explain samples.

        Args:
            options: How.
            samples: With ids.

        Returns:
            One report per sample in order as JSON, or the error that says why there is none.
        """
        explainer = SampleExplainer(self._models, crop=options.crop, stop=options.stop)
        return [self._explain(explainer, sample, options) for sample in samples]

    def _explain(
        self, explainer: SampleExplainer, sample: Sample, options: ExplainOptions
    ) -> bytes | EmofuseError:
        try:
            self._limits.check(sample)
            return explainer.explain(sample, method=options.method, label=options.label).to_json()
        except EmofuseError as error:
            return error


def _open_models(names: Sequence[str]) -> ModelSet:
    models = ModelSet(names or None, detector=None, threads=1)
    # Opens every session, so that no request waits for it and a broken bundle is found out now.
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "grey").save(picture, "PNG")
    warm = Sample(text="warm", image=picture.getvalue())
    for crop in (False, True):
        Predictor(models, crop=crop).predict([warm])
    return models
