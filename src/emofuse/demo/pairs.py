"""The pairs that ship with the page, and those of a corpus on this machine."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from emofuse.datasets import load_adapter
from emofuse.errors import CorpusFormatError
from emofuse.types import Sample

__all__ = ["EXAMPLES", "SHIPPED", "Corpus", "draw_samples", "open_corpus", "read_examples"]

EXAMPLES = Path(__file__).parent / "examples"


@dataclass(frozen=True)
class Corpus:
    """A split of a corpus on this machine.

    Attributes:
        name: Of its dataset adapter.
        root: Its folder or file.
        split: One of the adapter's splits.
        title: As the page calls it.
        remark: What is to be known about figures on it; may be empty.
    """

    name: str
    root: Path
    split: str
    title: str
    remark: str = ""

    def iter_samples(self) -> Iterator[Sample]:
        """Read the split in file order; see `DatasetAdapter.iter_samples`."""
        return load_adapter(self.name).iter_samples(self.root, self.split)


SHIPPED = Corpus(
    "jsonl",
    EXAMPLES / "pairs.jsonl",
    "test",
    "Examples",
    "The examples were written to show the page at work; they measure nothing.",
)


def open_corpus(name: str, root: Path, split: str) -> Corpus:
    """Check that a corpus can be read, by its first sample.

    Args:
        name: Of a dataset adapter.
        root: Folder of the corpus.
        split: One of the adapter's splits.

    Returns:
        The split.

    Raises:
        UnknownCorpusError: No such corpus.
        ConfigError: No such split.
        DatasetError: The corpus is not there, malformed or empty.
    """
    corpus = Corpus(name, root, split, f"{name} {split}")
    if next(corpus.iter_samples(), None) is None:
        raise CorpusFormatError(f"{name} {split} holds no sample below {root}.", item=str(root))
    return corpus


def draw_samples(samples: Iterable[Sample], count: int, seed: int) -> list[Sample]:
    """Draw samples without holding the others.

    Args:
        samples: In an order that is always the same.
        count: How many; all where there are fewer.
        seed: Any number.

    Returns:
        The samples in the order of the draw, which a larger count continues.
    """
    # The sign of a number would be lost on the generator.
    places = random.Random(str(seed))
    return heapq.nsmallest(count, samples, key=lambda _: places.random())


def read_examples() -> Sequence[Sample]:
    """The pairs of `demo/examples`, labelled over `ekman7` and `sentiment3`, in the order of their file."""
    return list(SHIPPED.iter_samples())
