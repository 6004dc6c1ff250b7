"""Pairs that published systems make up: a face and a text of the same label, from two corpora."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from emofuse.datasets.adapter import DatasetAdapter, check_split
from emofuse.errors import CorpusFormatError
from emofuse.taxonomy import load_mapping
from emofuse.types import Sample

__all__ = ["LabelMatchedAdapter"]

SEED = 7


class LabelMatchedAdapter:
    """A face and a text with the same label, 9,600 pairs to train on and 1,200 each to validate and test.

    The pairs are made after splitting: each split pairs faces and texts of that split alone, so no face and
    no text is on two sides. Every label comes equally often; where a corpus has too few faces or texts of
    one, they are used again with others. The pairs depend on a fixed seed, and `Sample.id` names both halves.

    Such pairs prove little. Given the label, what the face shows and what the text says are independent of
    each other, which real posts never are, so the errors of two models cancel for free.

    Args:
        name: Name on the command line.
        taxonomy: Label set of the pairs.
        faces: Adapter and folder of the faces, and label of the corpus -> label of the pairs.
        texts: Adapter and folder of the texts, and label of the corpus -> label of the pairs.
    """

    multi_label = False
    splits = ("train", "validation", "test")
    counts: Mapping[str, int] = {"train": 9600, "validation": 1200, "test": 1200}

    def __init__(
        self,
        name: str,
        taxonomy: str,
        *,
        faces: tuple[DatasetAdapter, str, Mapping[str, str]],
        texts: tuple[DatasetAdapter, str, Mapping[str, str]],
    ) -> None:
        self.name = name
        self.taxonomies = (taxonomy,)
        self.licence = f"that of {faces[0].name} and {texts[0].name}"
        self.commercial_use = "unclear"
        self._faces = faces
        self._texts = texts

    def iter_samples(self, root: Path, split: str) -> Iterator[Sample]:
        """Read a split; `root` holds the folders of both corpora. See `DatasetAdapter.iter_samples`."""
        check_split(self, split)
        taxonomy = self.taxonomies[0]
        faces, texts = _by_label(self._faces, root, split), _by_label(self._texts, root, split)
        labels = sorted(set(self._faces[2].values()))
        for label in labels:
            if not faces.get(label) or not texts.get(label):
                raise CorpusFormatError(f"{self.name} {split} finds nothing labelled {label}.", item=label)
        each = self.counts[split] // len(labels)
        random = np.random.default_rng([SEED, self.splits.index(split)])
        for label in labels:
            drawn = zip(_draw(faces[label], each, random), _draw(texts[label], each, random), strict=True)
            for number, (face, text) in enumerate(drawn):
                yield Sample(
                    id=f"{label}:{number}:{face.id}|{text.id}",
                    text=text.text,
                    image=face.image,
                    labels={taxonomy: {label: 1.0}},
                )


def _by_label(
    half: tuple[DatasetAdapter, str, Mapping[str, str]], root: Path, split: str
) -> dict[str, list[Sample]]:
    adapter, folder, names = half
    found: dict[str, list[Sample]] = {}
    for sample in adapter.iter_samples(root / folder, split):
        own = sample.labels[adapter.taxonomies[0]]
        if adapter.multi_label:
            own = load_mapping(adapter.taxonomies[0], "ekman7").map_labels(own)
        top = max(own.values())
        best = [label for label, weight in own.items() if weight == top]
        # A sample that says two things at once matches neither.
        if len(best) == 1 and best[0] in names and (not adapter.multi_label or len(own) == 1):
            found.setdefault(names[best[0]], []).append(sample)
    return found


def _draw(samples: Sequence[Sample], count: int, random: np.random.Generator) -> Iterable[Sample]:
    # Everything once before anything twice.
    rounds = -(-count // len(samples))
    order = np.concatenate([random.permutation(len(samples)) for _ in range(rounds)])[:count]
    return [samples[i] for i in order]
