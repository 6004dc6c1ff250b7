"""Readers whose answers are known by hand."""

import numpy as np

from emofuse.explain.subject import Subject
from emofuse.runtime.evidence import Evidence, ModelReading
from emofuse.types import FaceBox, Modality

JOY = 3  # of ekman7


def reading(joy):
    rest = (1 - joy) / 6
    values = np.full(7, rest, np.float32)
    values[JOY] = joy
    return ModelReading("fake", {"ekman7": values}, ["ekman7"])


class FakeReader:
    """Joy is a base and a weight per word, plus bonuses for words that stand together."""

    crop = False

    def __init__(self, weights=None, together=None, base=0.2):
        self.weights, self.together, self.base = weights or {}, together or {}, base
        self.calls = 0

    def worth(self, text):
        words = set(text.split())
        alone = sum(weight for word, weight in self.weights.items() if word in words)
        return self.base + alone + sum(w for pair, w in self.together.items() if set(pair) <= words)

    def read(self, sample):
        own = reading(self.worth(sample.text))
        return Subject(sample.text, None, (), {Modality.TEXT: Evidence([own])}, own)

    def probability(self, subject, target, changes):
        return self.base if changes else float(subject.fused.probabilities["ekman7"][target.index])

    def score_texts(self, subject, target, texts):
        self.calls += 1
        return np.array([self.worth(text) for text in texts], np.float32)


class FakePictureReader:
    """Joy is the brightness of one rectangle of the picture; the models of other modalities see nothing."""

    crop = False

    def __init__(self, rows, columns, boxes=(), modality=Modality.SCENE):
        self.rows, self.columns, self.boxes, self.modality = rows, columns, boxes, modality

    def worth(self, picture):
        return 0.2 + 0.6 * picture[self.rows, self.columns].mean() / 255

    def read(self, sample):
        own = reading(self.worth(sample.image))
        boxes = tuple(FaceBox(*box) for box in self.boxes)
        return Subject(None, sample.image, boxes, {self.modality: Evidence([own])}, own)

    def probability(self, subject, target, changes):
        return float(subject.fused.probabilities["ekman7"][target.index])

    def score_pictures(self, subject, target, modality, pictures):
        return np.array([self.worth(picture) for picture in pictures], np.float32)
