"""iSarcasmEval: tweets that their own authors call sarcastic or not, with literal rephrases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from emofuse.datasets.adapter import check_split, find_file, hash_share, malformed, read_table
from emofuse.taxonomy import OWN
from emofuse.types import Sample

__all__ = ["ISarcasmEvalAdapter", "read_rephrases"]

_FOLDER = "isarcasmeval"
_TRAIN = ("train/train.En.csv", "train.En.csv")
_TEST = ("test/task_A_En_test.csv", "task_A_En_test.csv")
_PAIRS = ("test/task_C_En_test.csv", "task_C_En_test.csv")
_LABELS = {"0": "literal", "1": "sarcastic"}


class ISarcasmEvalAdapter:
    """English subtask A: `train/train.En.csv` and `test/task_A_En_test.csv`, literal or sarcastic.

    The labels are no emotion and no sentiment, so they are labels of the user's own: a recipe calls its head
    `own:literal|sarcastic`. `validation` is about a seventh of the training tweets, those whose text hashes
    lowest. Training tweets without text, with two labels or with the words of a test tweet are left out; a
    sarcastic tweet is a quarter of `train` but a seventh of `test`.

    Source: Abu Farha et al. 2022, "SemEval-2022 Task 6: iSarcasmEval, Intended Sarcasm Detection in English
    and Arabic".
    """

    name = "isarcasmeval"
    taxonomies = (OWN,)
    multi_label = False
    licence = "MIT"
    commercial_use = "yes"
    splits = ("train", "validation", "test")

    def iter_samples(self, root: Path, split: str) -> Iterator[Sample]:
        """Read a split; see `DatasetAdapter.iter_samples`."""
        check_split(self, split)
        test = list(_read_labelled(find_file(root, *_TEST, folder=_FOLDER), "text"))
        if split == "test":
            rows = [(name, text, label) for name, text, label in test if text.strip()]
        else:
            known = {_words(text) for _, text, _ in test}
            train = list(_read_labelled(find_file(root, *_TRAIN, folder=_FOLDER), "tweet"))
            rows = [
                row
                for row in _drop_repeated(train)
                if _words(row[1]) not in known
                and (hash_share(_words(row[1])) < 0.15) == (split == "validation")
            ]
        for name, text, label in rows:
            yield Sample(id=f"{split}:{name}", text=text, labels={OWN: {label: 1.0}})


def read_rephrases(root: Path, split: str) -> list[tuple[str, str]]:
    """Sarcastic tweets beside what their authors say that they mean.

    Args:
        root: Folder of the corpus.
        split: `train`, from the same tweets as the training and validation splits, or `test`: those of
            subtask C.

    Returns:
        (sarcastic text, literal rephrase) in file order.

    Raises:
        CorpusNotFoundError: A file is missing.
        CorpusFormatError: A row does not follow the layout.
    """
    if split == "train":
        path = find_file(root, *_TRAIN, folder=_FOLDER)
        rows = read_table(path, ("tweet", "sarcastic", "rephrase"))
        return [
            (row["tweet"], row["rephrase"])
            for _, row in rows
            if row["sarcastic"] == "1" and row["rephrase"].strip()
        ]
    path = find_file(root, *_PAIRS, folder=_FOLDER)
    pairs = []
    for line, row in read_table(path, ("text_0", "text_1", "sarcastic_id")):
        texts = (row["text_0"], row.get("text_1", ""))
        if (which := row.get("sarcastic_id")) not in _LABELS:
            raise malformed(path, line, "sarcastic_id must be 0 or 1.")
        pairs.append(texts if which == "0" else texts[::-1])
    return pairs


def _read_labelled(path: Path, column: str) -> Iterator[tuple[str, str, str]]:
    for number, (line, row) in enumerate(read_table(path, (column, "sarcastic"))):
        if (label := row.get("sarcastic")) not in _LABELS:
            raise malformed(path, line, "sarcastic must be 0 or 1.")
        yield str(number), row[column], _LABELS[label]


def _drop_repeated(rows: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    labels: dict[str, set[str]] = {}
    for _, text, label in rows:
        labels.setdefault(_words(text), set()).add(label)
    kept = {
        _words(row[1]): row for row in reversed(rows) if row[1].strip() and len(labels[_words(row[1])]) == 1
    }
    return list(reversed(kept.values()))


def _words(text: str) -> str:
    return " ".join(text.lower().split())
