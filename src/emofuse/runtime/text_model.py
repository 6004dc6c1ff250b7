"""A text bundle at work: normalise, tokenise, window, batch, run, calibrate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from emofuse.errors import InputError
from emofuse.preprocess import WordPieceTokenizer, normalize_text, spell_emoji, split_windows
from emofuse.runtime.activation import activate
from emofuse.runtime.bundle import ModelBundle
from emofuse.runtime.evidence import EMBEDDING, STATES, ModelReading
from emofuse.runtime.session import Session, has_outputs
from emofuse.types import FloatArray, Notice

__all__ = ["TextModel", "TextReading"]


@dataclass(frozen=True, eq=False)
class TextReading(ModelReading):
    """What a text model says about one text.

    Attributes:
        notices: What was done to the text.
    """

    notices: tuple[Notice, ...] = ()


class TextModel:
    """Reads texts with a bundle of kind "text"."""

    def __init__(self, bundle: ModelBundle, session: Session, tokenizer: WordPieceTokenizer) -> None:
        self.bundle = bundle
        self._session = session
        self._tokenizer = tokenizer
        constants = bundle.preprocessing
        self._prefix = list(constants["prefix_ids"])
        self._suffix = list(constants["suffix_ids"])
        self._window = constants["max_tokens"] - len(self._prefix) - len(self._suffix)
        self._max_windows: int = constants["max_windows"]
        self._max_batch: int = constants["max_batch"]
        self._exact_alone: bool = constants.get("exact_alone", False)
        self._softmax = bundle.softmax
        self._spell_emoji = constants["emoji"] == "spell"

    def predict(self, texts: Sequence[str], *, deep: bool = False) -> list[TextReading | InputError]:
        """Read texts.

        Texts are batched with others of exactly their length, so nothing is padded, and what is read in a
        text is the same to the last bit whatever its neighbours are.

        Args:
            texts: Any strings.
            deep: Also give embeddings and states, if the graph has them; of a long text the mean embedding
                and all states.

        Returns:
            One reading per text in order; the error instead where a text cannot be read.
        """
        results: list[TextReading | InputError | None] = [None] * len(texts)
        cleaned: dict[int, tuple[str, tuple[Notice, ...]]] = {}
        for index, text in enumerate(texts):
            try:
                cleaned[index] = normalize_text(text)
            except InputError as error:
                results[index] = error
        windows, spans, notices = self._windows(cleaned)
        deep = deep and has_outputs(self._session, EMBEDDING, STATES)
        found = self._run(windows, deep=deep)
        for index, span in spans.items():
            parts = found[span]
            own = parts[0] if len(parts) == 1 else _average(parts, [len(part) for part in windows[span]])
            embedding, states = own.pop(EMBEDDING, None), own.pop(STATES, None)
            results[index] = TextReading(
                self.bundle.name, own, self._softmax, embedding, states, notices[index]
            )
        return [result for result in results if result is not None]

    def _windows(
        self, cleaned: Mapping[int, tuple[str, tuple[Notice, ...]]]
    ) -> tuple[list[list[int]], dict[int, slice], dict[int, tuple[Notice, ...]]]:
        windows: list[list[int]] = []
        spans, notices = {}, {}
        for index, (text, own) in cleaned.items():
            ids = self._tokenizer.encode(spell_emoji(text) if self._spell_emoji else text)
            parts, notice = split_windows(ids, self._window, self._max_windows)
            windows += [[*self._prefix, *part, *self._suffix] for part in parts]
            spans[index] = slice(len(windows) - len(parts), len(windows))
            notices[index] = (*own, notice) if notice else own
        return windows, spans, notices

    def _run(self, windows: Sequence[Sequence[int]], *, deep: bool) -> list[dict[str, FloatArray]]:
        groups: dict[int, list[int]] = {}
        for row, window in enumerate(windows):
            groups.setdefault(len(window), []).append(row)
        heads = self.bundle.outputs
        names = [*heads, *((EMBEDDING, STATES) if deep else ())]
        found: list[dict[str, FloatArray]] = [{}] * len(windows)
        for group in groups.values():
            for start in range(0, len(group), self._max_batch):
                rows = group[start : start + self._max_batch]
                ids = np.array([windows[row] for row in rows], dtype=np.int64)
                if len(rows) == 1 < self._max_batch and not self._exact_alone:
                    # Float matrices of one row are multiplied in another order: in a pair, a text is read to
                    # the last bit as among many.
                    ids = np.repeat(ids, 2, axis=0)
                given = zip(names, self._session.run(names, {"input_ids": ids}), strict=True)
                read = [activate(values, heads[name]) if name in heads else values for name, values in given]
                for row, *values in zip(rows, *read, strict=False):
                    found[row] = dict(zip(names, values, strict=True))
        return found


def _average(parts: Sequence[Mapping[str, FloatArray]], lengths: Sequence[int]) -> dict[str, FloatArray]:
    weights = np.array(lengths, dtype=np.float32)
    shares = weights / weights.sum()
    columns = {name: [part[name] for part in parts] for name in parts[0]}
    return {
        name: np.concatenate(values) if name == STATES else shares @ np.stack(values)
        for name, values in columns.items()
    }
