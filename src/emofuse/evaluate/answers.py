"""What a bundle says about a split of a corpus, by the same path that users take."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emofuse.datasets import VALENCE, DatasetAdapter, load_adapter, shows_crops
from emofuse.errors import ConfigError, CorpusFormatError, InputError
from emofuse.evaluate.readers import Reader, build_reader
from emofuse.runtime.bundle import ModelBundle, OutputSpec
from emofuse.runtime.evidence import SENTIMENT
from emofuse.taxonomy import OWN, POLARITIES, load_mapping, load_taxonomy
from emofuse.types import FloatArray, ImageSource, Sample

__all__ = ["Answers", "Task", "answer_corpus", "choose_output", "open_task"]

SMALLEST = 1e-9  # probability that keeps a chosen label possible


@dataclass(frozen=True, eq=False)
class Answers:
    """What a bundle says about the labelled samples of a split.

    Attributes:
        taxonomy: Label set of truth and probabilities, or `valence`.
        samples: The samples that could be read.
        truth: (n, labels) float32 label weights; (n, 1) from -1 to 1 for `valence`.
        probabilities: (n, labels) float32, 0-1; for `valence` (n, 1), the probability of positive less that
            of negative.
        thresholds: Label -> smallest probability of a yes, for a multi-label corpus in the bundle's labels.
        multi_label: Several labels may be right at once.
        unreadable: Id -> error code of the samples that could not be read.
    """

    taxonomy: str
    samples: Sequence[Sample]
    truth: FloatArray
    probabilities: FloatArray
    thresholds: Mapping[str, float] | None
    multi_label: bool
    unreadable: Mapping[str, str]

    @property
    def ids(self) -> list[str]:
        """Ids of the samples, in order."""
        return [str(sample.id) for sample in self.samples]

    @property
    def data_sha256(self) -> str:
        """Digest of everything that was asked: ids, texts, pictures and labels, in order."""
        digest = hashlib.sha256()
        for sample in self.samples:
            picture = hashlib.sha256(_bytes_of(sample.image)).hexdigest()
            labels = {name: {k: float(v) for k, v in own.items()} for name, own in sample.labels.items()}
            row = [sample.id, sample.text, picture, labels]
            digest.update(json.dumps(row).encode())
        return digest.hexdigest()

    def decide(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Truth and answers: (n,) int indices, or (n, labels) bool for a multi-label corpus."""
        if not self.multi_label:
            return self.truth.argmax(axis=1), self.probabilities.argmax(axis=1)
        labels = load_taxonomy(self.taxonomy).labels
        cuts = np.array([(self.thresholds or {}).get(label, 0.5) for label in labels])
        return self.truth > 0.5, self.probabilities >= cuts


def answer_corpus(  # noqa: PLR0913 - what to read, and which part of it
    bundle: ModelBundle,
    corpus: str,
    root: Path,
    *,
    split: str = "test",
    labels: Sequence[str] = (),
    modalities: Sequence[str] = (),
    taxonomy: str | None = None,
) -> Answers:
    """Run a bundle over the labelled samples of a split.

    Args:
        bundle: Any bundle that reads samples.
        corpus: Name of a dataset adapter.
        root: Folder of the corpus.
        split: One of the adapter's splits.
        labels: As for `evaluate_bundle`.
        modalities: As for `build_reader`.
        taxonomy: One of the label sets of the corpus; None takes the first that the bundle can answer.

    Returns:
        Truth and probabilities in the corpus's labels.

    Raises:
        ConfigError: No output of the bundle leads to the corpus's labels, or labels were chosen from a
            multi-label corpus.
        UnknownLabelError: The corpus has no such label.
        DatasetError: The corpus is missing or malformed, or none of its samples has a label or can be read.
    """
    task = open_task(bundle, corpus, root, split=split, labels=labels, taxonomy=taxonomy)
    answers = task.answer(build_reader(bundle, modalities, crops=shows_crops(corpus)), task.samples)
    if not answers.samples:
        raise CorpusFormatError(
            f"None of the {len(task.samples)} samples of {corpus} {split} could be read: "
            f"{', '.join(sorted(set(answers.unreadable.values()))) or 'none has the labels asked for'}.",
            item=corpus,
        )
    return answers


@dataclass(frozen=True, eq=False)
class Task:
    """The labelled samples of a split, and which of a bundle's outputs answers them.

    Attributes:
        taxonomy: Label set of the truth, or `valence`.
        output: The bundle's output that leads to it.
        samples: The samples, in file order.
        chosen: Indices of the only labels that may be answered; empty allows all.
        multi_label: Several labels may be right at once.
    """

    taxonomy: str
    output: OutputSpec
    samples: Sequence[Sample]
    chosen: Sequence[int]
    multi_label: bool

    def answer(self, reader: Reader, samples: Sequence[Sample]) -> Answers:
        """Read samples of the task.

        Args:
            reader: From `build_reader`.
            samples: Some of the task's samples, or altered copies that kept their ids and labels.

        Returns:
            Truth and probabilities in the corpus's labels; without rows where nothing could be read.
        """
        kept, probabilities, unreadable = _ask(reader, samples, self.output.taxonomy)
        answered = SENTIMENT if self.taxonomy == VALENCE else self.taxonomy
        if self.output.taxonomy != answered:
            probabilities = load_mapping(self.output.taxonomy, answered).map_probabilities(probabilities)
        if self.taxonomy == VALENCE:
            probabilities = probabilities[:, [2]] - probabilities[:, [0]]
        if self.chosen:
            probabilities = _restrict(probabilities, self.chosen)
        return Answers(
            self.taxonomy,
            kept,
            _truth(kept, self.taxonomy),
            probabilities,
            self.output.thresholds if self.multi_label and self.output.taxonomy == self.taxonomy else None,
            self.multi_label,
            unreadable,
        )


def open_task(
    bundle: ModelBundle,
    corpus: str,
    root: Path,
    *,
    split: str = "test",
    labels: Sequence[str] = (),
    taxonomy: str | None = None,
) -> Task:
    """Find the samples of a split that a bundle can be scored on.

    Args:
        bundle: As for `answer_corpus`.
        corpus: As for `answer_corpus`.
        root: As for `answer_corpus`.
        split: As for `answer_corpus`.
        labels: As for `evaluate_bundle`.
        taxonomy: As for `answer_corpus`.

    Returns:
        The task.

    Raises:
        ConfigError: As for `answer_corpus`.
        UnknownLabelError: The corpus has no such label.
        DatasetError: The corpus is missing or malformed, or none of its samples has a label.
    """
    adapter = load_adapter(corpus)
    if labels and adapter.multi_label:
        raise ConfigError(
            f"{corpus} may give several labels to a sample; `labels` would leave some of them out.",
            item=corpus,
        )
    everything = list(adapter.iter_samples(root, split))
    present = _present(adapter, everything, split, taxonomy)
    output, taxonomy = choose_output(bundle, present, corpus)
    if labels and taxonomy == VALENCE:
        raise ConfigError(
            f"{corpus} gives a number for the valence; it has no `labels` to choose.", item=corpus
        )
    chosen = [load_taxonomy(taxonomy).index(label) for label in labels]
    samples = _select(everything, taxonomy, chosen)
    return Task(taxonomy, output, samples, chosen, adapter.multi_label)


def _ask(
    reader: Reader, samples: Sequence[Sample], taxonomy: str
) -> tuple[list[Sample], FloatArray, dict[str, str]]:
    unreadable: dict[str, str] = {}
    readings: list[FloatArray] = []
    kept: list[Sample] = []
    for sample, reading in zip(samples, reader(samples), strict=True):
        if isinstance(reading, InputError):
            unreadable[str(sample.id)] = reading.code
        else:
            readings.append(reading[taxonomy])
            kept.append(sample)
    empty = np.zeros((0, len(load_taxonomy(taxonomy).labels)), dtype=np.float32)
    return kept, np.stack(readings) if readings else empty, unreadable


def _present(
    adapter: DatasetAdapter, samples: Sequence[Sample], split: str, taxonomy: str | None
) -> list[str]:
    present = [name for name in adapter.taxonomies if any(sample.labels.get(name) for sample in samples)]
    if not present:
        raise CorpusFormatError(
            f"{adapter.name} {split} holds no sample labelled in {', '.join(adapter.taxonomies)}.",
            item=adapter.name,
        )
    if taxonomy is None:
        return present
    if taxonomy not in present:
        raise ConfigError(
            f"{adapter.name} {split} is not labelled in {taxonomy!r}. Valid: {', '.join(present)}.",
            item=taxonomy,
        )
    return [taxonomy]


def _select(samples: Sequence[Sample], taxonomy: str, chosen: Sequence[int]) -> list[Sample]:
    if taxonomy.startswith(f"{OWN}:"):
        samples = [_rename_own(sample, taxonomy) for sample in samples]
    labelled = [sample for sample in samples if sample.labels.get(taxonomy)]
    if not chosen:
        return labelled
    top = _truth(labelled, taxonomy).argmax(axis=1)
    return [sample for sample, label in zip(labelled, top, strict=True) if label in chosen]


def _rename_own(sample: Sample, taxonomy: str) -> Sample:
    # The corpus does not know which labels the model was trained on.
    labels = sample.labels.get(OWN, {})
    for label in labels:
        load_taxonomy(taxonomy).index(label)
    return replace(sample, labels={taxonomy: labels})


def _restrict(probabilities: FloatArray, chosen: Sequence[int]) -> FloatArray:
    allowed = np.zeros_like(probabilities)
    allowed[:, chosen] = np.maximum(probabilities[:, chosen], SMALLEST)
    restricted: FloatArray = allowed / allowed.sum(axis=1, keepdims=True)
    return restricted


def choose_output(bundle: ModelBundle, taxonomies: Sequence[str], corpus: str) -> tuple[OutputSpec, str]:
    """Pick the output that answers a corpus: one in its main labels, else one that maps to them.

    Args:
        bundle: A text or face bundle.
        taxonomies: Label sets of the corpus, main one first; the next is tried when nothing leads to one.
        corpus: Its name, for the message.

    Returns:
        The output, and the label set to compare in.

    Raises:
        ConfigError: No output leads to any of the label sets.
    """
    for taxonomy in taxonomies:
        if taxonomy in bundle.outputs:
            return bundle.outputs[taxonomy], taxonomy
        feeling = taxonomy in POLARITIES or taxonomy == VALENCE
        if taxonomy == OWN:
            own = [name for name in bundle.outputs if name.startswith(f"{OWN}:")]
            if own:
                return bundle.outputs[own[0]], own[0]
            continue
        for name, output in bundle.outputs.items():
            if (
                output.activation == "softmax"
                and not name.startswith(f"{OWN}:")
                and (name in POLARITIES) == feeling
            ):
                return output, taxonomy
    raise ConfigError(
        f"{bundle.name} answers in {', '.join(bundle.outputs)}; none of them leads to the labels of "
        f"{corpus} ({', '.join(taxonomies)}).",
        item=corpus,
    )


def _truth(samples: Sequence[Sample], taxonomy: str) -> FloatArray:
    labels = (VALENCE,) if taxonomy == VALENCE else load_taxonomy(taxonomy).labels
    truth = np.zeros((len(samples), len(labels)), dtype=np.float32)
    for row, sample in enumerate(samples):
        for label, weight in sample.labels[taxonomy].items():
            truth[row, labels.index(label)] = weight
    return truth


def _bytes_of(image: ImageSource | None) -> bytes:
    if isinstance(image, str | os.PathLike):
        # A picture that is not there was not read, and does not count.
        return Path(image).read_bytes() if Path(image).is_file() else b""
    return image if isinstance(image, bytes) else b""
