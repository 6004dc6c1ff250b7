"""A sample to explain: read once, then again and again with something taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from emofuse.errors import EmptySampleError, StoppedError, UnknownLabelError
from emofuse.preprocess import load_image
from emofuse.runtime.evidence import BASE, SENTIMENT, Evidence, ModelReading
from emofuse.runtime.model_set import ModelSet
from emofuse.runtime.predictor import fuse_evidence
from emofuse.runtime.reader import SampleReader
from emofuse.taxonomy import load_taxonomy, main_output
from emofuse.types import FaceBox, FloatArray, ImageArray, Modality, Sample

__all__ = ["Subject", "SubjectReader", "Target"]

PIXELS_AT_ONCE = 16_000_000
CHARACTERS_AT_ONCE = 50_000  # some two seconds


@dataclass(frozen=True)
class Target:
    """The label that is explained.

    Attributes:
        taxonomy: Its label set.
        label: Its name.
    """

    taxonomy: str
    label: str

    @property
    def index(self) -> int:
        """Its place in the label set."""
        return load_taxonomy(self.taxonomy).index(self.label)


@dataclass(frozen=True, eq=False)
class Subject:
    """A sample and what the models say about it.

    Attributes:
        text: None where there is none, or none that can be read.
        image: (H, W, 3) uint8 RGB, upright, or None.
        boxes: The faces that were read, largest first.
        evidence: What each modality says.
        fused: The answer.
    """

    text: str | None
    image: ImageArray | None
    boxes: tuple[FaceBox, ...]
    evidence: Mapping[Modality, Evidence]
    fused: ModelReading

    def choose(self, label: str | None) -> Target:
        """Find a label among the answer's.

        Args:
            label: `LABEL` or `TAXONOMY:LABEL`; None takes the most probable of the main label set.

        Returns:
            The target.

        Raises:
            UnknownLabelError: No such label.
        """
        main = main_output(self.fused.probabilities)
        if label is None:
            return Target(main, load_taxonomy(main).labels[int(self.fused.read_as(main).argmax())])
        names = dict.fromkeys((main, BASE, SENTIMENT))
        for name in names:
            for own in load_taxonomy(name).labels:
                if label in (own, f"{name}:{own}"):
                    return Target(name, own)
        raise UnknownLabelError(label, [own for name in names for own in load_taxonomy(name).labels])


class SubjectReader:
    """Reads samples for explainers, whole or with other words or pixels in place of their own.

    Args:
        models: The models.
        crop: Take every image as one face.
        stop: Asked again and again; once it says yes, reading ends with a StoppedError.
    """

    def __init__(
        self, models: ModelSet, *, crop: bool = False, stop: Callable[[], bool] = lambda: False
    ) -> None:
        self.models = models
        self.crop = crop
        self._stop = stop

    def check_wanted(self) -> None:
        """Call before any long step.

        Raises:
            StoppedError: The caller does not want the answer any more.
        """
        if self._stop():
            raise StoppedError("The explanation was called off before it was done.")

    def read(self, sample: Sample) -> Subject:
        """Read a sample as it is.

        Args:
            sample: With a text, an image or both.

        Returns:
            The subject.

        Raises:
            InputError: Nothing of it could be read.
            StoppedError: The caller called it off.
        """
        self.check_wanted()
        [reading] = SampleReader(self.models, crop=self.crop).read([sample])
        if not reading.evidence:
            raise (
                reading.errors[0]
                if reading.errors
                else EmptySampleError(
                    "The sample has neither text nor image that the chosen models read. Give it one.",
                    item=sample.id,
                )
            )
        seen = {Modality.FACE, Modality.SCENE} & reading.evidence.keys()
        return Subject(
            text=sample.text if Modality.TEXT in reading.evidence else None,
            image=load_image(sample.image)[0] if seen and sample.image is not None else None,
            boxes=tuple(box for box, _ in reading.faces),
            evidence=reading.evidence,
            fused=fuse_evidence(self.models, reading.evidence)[0],
        )

    def probability(
        self, subject: Subject, target: Target, changes: Mapping[Modality, Evidence | None]
    ) -> float:
        """Probability of a label when some modalities say something else.

        Args:
            subject: The sample.
            target: The label.
            changes: What they say instead; None when they say nothing.

        Returns:
            0-1; where nothing is left that says anything, that of a guess among all labels.
        """
        evidence = {
            name: known
            for name, own in subject.evidence.items()
            if (known := changes.get(name, own)) is not None
        }
        if not evidence:
            return 1 / len(load_taxonomy(target.taxonomy))
        fused, _ = fuse_evidence(self.models, evidence)
        return float(fused.read_as(target.taxonomy)[target.index])

    def score_texts(self, subject: Subject, target: Target, texts: Sequence[str]) -> FloatArray:
        """Probability of a label with each of several texts in place of the sample's own.

        Args:
            subject: Has a text.
            target: The label.
            texts: Any number; one that is empty says nothing.

        Returns:
            (texts,) float32.

        Raises:
            StoppedError: The caller called it off.
        """
        reader = SampleReader(self.models.only(Modality.TEXT))
        found = []
        for some in _in_parts(texts):
            self.check_wanted()
            for reading in reader.read([Sample(text=text) for text in some], deep=self._deep(subject)):
                changes = {Modality.TEXT: reading.evidence.get(Modality.TEXT)}
                found.append(self.probability(subject, target, changes))
        return np.array(found, dtype=np.float32)

    def score_pictures(
        self, subject: Subject, target: Target, modality: Modality, pictures: Iterable[ImageArray]
    ) -> FloatArray:
        """Probability of a label with each of several pictures in place of the sample's own.

        Only the models of one modality look at them, and faces are where they were in the sample's own: what
        is measured is not whether a face is found.

        Args:
            subject: Has an image.
            target: The label.
            modality: Face or scene.
            pictures: Of the shape of the sample's own; read a few at a time.

        Returns:
            (pictures,) float32.

        Raises:
            StoppedError: The caller called it off.
        """
        assert subject.image is not None
        reader = SampleReader(self.models.only(modality, lambda _: subject.boxes), crop=self.crop)
        at_once = max(1, PIXELS_AT_ONCE // subject.image[..., 0].size)
        waiting, found = iter(pictures), []
        while samples := [Sample(image=picture) for picture in islice(waiting, at_once)]:
            self.check_wanted()
            for reading in reader.read(samples, deep=self._deep(subject)):
                found.append(self.probability(subject, target, {modality: reading.evidence.get(modality)}))
        return np.array(found, dtype=np.float32)

    def _deep(self, subject: Subject) -> bool:
        alone = len(subject.evidence) == 1 and self.models.fusion.keeps_alone
        return self.models.deep and not alone


def _in_parts(texts: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    characters = 0
    for text in texts:
        if part and characters + len(text) > CHARACTERS_AT_ONCE:
            yield part
            part, characters = [], 0
        part.append(text)
        characters += len(text)
    if part:
        yield part
