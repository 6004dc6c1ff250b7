"""Everything about one sample: its prediction and why."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from emofuse.errors import ConfigError, EmofuseError
from emofuse.explain.explanation import Explanation
from emofuse.explain.registry import DEFAULT_METHODS, METHODS, build_explainer, methods_of
from emofuse.explain.subject import SubjectReader
from emofuse.runtime.face_detector import FaceDetectorFn
from emofuse.runtime.model_set import ModelSet
from emofuse.runtime.predictor import Predictor
from emofuse.types import ImageArray, Modality, Prediction, Sample

__all__ = ["EXPLANATION_SCHEMA", "Report", "SampleExplainer"]

EXPLANATION_SCHEMA = "emofuse.explanation/1"


@dataclass(frozen=True, eq=False)
class Report:
    """A prediction and its explanations.

    Attributes:
        prediction: The answer; `modalities` holds each modality's share in it.
        explanations: One per modality that could be explained, in the order of `prediction.modalities`.
        text: The sample's text, or None.
        image: (H, W, 3) uint8 RGB, upright, or None.
    """

    prediction: Prediction
    explanations: tuple[Explanation, ...]
    text: str | None = None
    image: ImageArray | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, versioned by `schema`."""
        return {
            "schema": EXPLANATION_SCHEMA,
            "prediction": self.prediction.to_dict(),
            "explanations": [own.to_dict() for own in self.explanations],
        }

    def to_json(self) -> bytes:
        """`to_dict` as one line of UTF-8, without the line's end; half a surrogate becomes a JSON escape."""
        line = json.dumps(self.to_dict(), ensure_ascii=False, separators=(",", ":"))
        return line.encode("utf-8", errors="backslashreplace")


class SampleExplainer:
    """Predicts a sample and explains the answer modality by modality.

    Args:
        models: The models.
        crop: Take every image as one face.
        stop: Asked again and again from the thread that explains; once it says yes, `explain` ends within
            seconds.
    """

    def __init__(
        self, models: ModelSet, *, crop: bool = False, stop: Callable[[], bool] = lambda: False
    ) -> None:
        self._predictor = Predictor(models, crop=crop)
        self._reader = SubjectReader(models, crop=crop, stop=stop)

    @classmethod
    def load(
        cls,
        models: Sequence[str | os.PathLike[str]] | None = None,
        *,
        crop: bool = False,
        detector: FaceDetectorFn | None = None,
        threads: int | None = None,
    ) -> SampleExplainer:
        """Build one from the names that `Predictor.load` takes.

        Args:
            models: Names of embedded bundles or bundle folders; each replaces the default of its kind.
            crop: Take every image as one face.
            detector: Callable that replaces the face detector.
            threads: Threads within an operator; None leaves the choice to ONNX Runtime.

        Returns:
            The explainer; no model is opened yet.

        Raises:
            UnknownModelError: No such bundle; the message lists the names.
            BundleError: A bundle cannot be trusted.
        """
        return cls(ModelSet(models, detector=detector, threads=threads), crop=crop)

    def explain(self, sample: Sample, *, method: str | None = None, label: str | None = None) -> Report:
        """Predict and explain.

        Args:
            sample: With a text, an image or both.
            method: Name of an explainer; None takes the default of each modality. One that cannot explain
                every modality of the sample explains those that it can.
            label: What to explain; see `Explainer.explain`.

        Returns:
            The report.

        Raises:
            InputError: The sample cannot be read.
            ConfigError: No such method, or it explains nothing that the sample has.
            MissingExtraError: The method needs a package that is not installed.
            StoppedError: `stop` said so.
        """
        if method is not None and method not in METHODS:
            raise ConfigError(f"Unknown method {method!r}. Valid: {', '.join(METHODS)}.", item=method)
        subject = self._reader.read(sample)
        wanted = {
            modality: method or DEFAULT_METHODS[modality]
            for modality in subject.evidence
            if method is None or method in methods_of(modality)
        }
        if not wanted:
            raise _nothing_to_explain(method or "", list(subject.evidence))
        [prediction] = self._predictor.predict([sample])
        # A picture is decoded once.
        decoded = sample if subject.image is None else replace(sample, image=subject.image)
        explanations = tuple(
            build_explainer(name, modality, self._reader).explain(decoded, label)
            for modality, name in wanted.items()
        )
        return Report(prediction, explanations, subject.text, subject.image)


def _nothing_to_explain(method: str, found: Sequence[Modality]) -> EmofuseError:
    valid = sorted({name for modality in found for name in methods_of(modality)})
    return ConfigError(
        f"{method} cannot explain what was read here ({', '.join(found)}). Valid: {', '.join(valid)}.",
        item=method,
    )
