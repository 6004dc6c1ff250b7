"""Inputs for `throughput.py`: short texts, crops of faces and photographs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from emofuse.datasets import load_adapter

SEED = 7
CORPORA = {
    "emotion": "text/emotion",
    "goemotions": "text/goemotions",
    "meld": "text/meld",
    "semeval2017": "text/semeval2017_4a",
    "sentiment140": "text/sentiment140",
}


def write_texts(data: Path, path: Path, count: int) -> None:
    """Write distinct short texts, one a line: the first half of one corpus text and the second of another.

    Corpora are drawn from by their size, so that lengths are those of tweets, comments and turns of dialogue.
    """
    own = random.Random(SEED)
    words = [words for text in _read(data) if (words := text.split())]
    seen: set[int] = set()
    with path.open("w", encoding="utf-8") as out:
        while len(seen) < count:
            first, second = own.choice(words), own.choice(words)
            text = " ".join([*first[: len(first) // 2], *second[len(second) // 2 :]])
            if text and hash(text) not in seen:
                seen.add(hash(text))
                out.write(text + "\n")


def write_crops(data: Path, folder: Path, count: int) -> None:
    """Write face crops of 48 px as PNG files."""
    folder.mkdir()
    samples = load_adapter("ferplus").iter_samples(data / "faces", "train")
    for number, sample in enumerate(islice(samples, count)):
        (folder / f"{number:06d}.png").write_bytes(bytes(sample.image))


def link_photos(data: Path, folder: Path, count: int) -> None:
    """Link photographs of a corpus, so that they are read from where they are."""
    folder.mkdir()
    places = sorted((data / "msed").rglob("*.jpg"))
    for number, place in enumerate(random.Random(SEED).sample(places, count)):
        (folder / f"{number:06d}.jpg").symlink_to(place.resolve())


def _read(data: Path) -> Iterator[str]:
    for name, root in CORPORA.items():
        adapter = load_adapter(name)
        for split in adapter.splits:
            yield from (sample.text or "" for sample in adapter.iter_samples(data / root, split))
