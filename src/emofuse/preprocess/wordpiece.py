"""BERT's uncased WordPiece, read from a `tokenizer.json`."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from emofuse.errors import BundleSchemaError

__all__ = ["WordPieceTokenizer"]

MAX_WORD = 100  # characters; longer words are unknown, as in BERT
REMEMBERED_WORDS = 1 << 14
CONTINUATION = "##"
UNKNOWN = "[UNK]"

# Ideographs that BERT sets apart, one token each; the blocks of 2018's BERT.
_IDEOGRAPHS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)
_ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_ASCII_WORD = re.compile(r"[a-z0-9]+|[^a-z0-9 ]")


class WordPieceTokenizer:
    """Lower-case, strip accents, split at spaces and punctuation, then take the longest pieces that fit.

    The ids equal those of the `tokenizers` package with `BertNormalizer`, `BertPreTokenizer` and `WordPiece`,
    except that the name of a special token within a text is text like any other, and for some hundred rare
    characters whose properties differ between the Unicode tables of Python and of that package.

    Args:
        vocabulary: Piece -> id, contiguous from 0; pieces that continue a word begin with `##`.

    Source: Devlin et al. 2019, "BERT"; pieces after Wu et al. 2016, "Google's Neural Machine Translation
    System", section 4.1.
    """

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self._vocabulary = dict(vocabulary)
        self._unknown = self._vocabulary[UNKNOWN]
        self._characters = _Characters()
        self._pieces = lru_cache(REMEMBERED_WORDS)(self._split_word)

    @classmethod
    def from_file(cls, path: Path) -> WordPieceTokenizer:
        """Read a tokenizer.

        Args:
            path: `tokenizer.json` as the `tokenizers` package writes it.

        Returns:
            The tokenizer.

        Raises:
            BundleSchemaError: The file is missing, is not JSON, or describes another kind of tokenizer.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if not _is_uncased_wordpiece(data):
                raise BundleSchemaError(
                    f"{path} is no uncased WordPiece tokenizer, the kind that emofuse reads.", item=str(path)
                )
            return cls(data["model"]["vocab"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BundleSchemaError(
                f"{path} is no tokenizer that can be read: {error!r}.", item=str(path)
            ) from error

    def __len__(self) -> int:
        """Number of pieces."""
        return len(self._vocabulary)

    @property
    def pieces(self) -> list[str]:
        """All pieces in the order of their ids."""
        return sorted(self._vocabulary, key=self._vocabulary.__getitem__)

    def frame(self) -> tuple[list[int], list[int]]:
        """Ids of the special tokens that stand before and after every text."""
        return [self._vocabulary["[CLS]"]], [self._vocabulary["[SEP]"]]

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, without special tokens.

        Args:
            text: Any string; time is linear in its length.

        Returns:
            Ids; words that the vocabulary cannot spell become `[UNK]`.
        """
        ids: list[int] = []
        # Most texts are plain: they need no look at each of their characters.
        plain = text.isascii() and text.isprintable()
        words = _ASCII_WORD.findall(text.lower()) if plain else text.translate(self._characters).split(" ")
        for word in words:
            if len(word) > MAX_WORD:
                ids.append(self._unknown)
            elif word:
                ids += self._pieces(word)
        return ids

    def _split_word(self, word: str) -> tuple[int, ...]:
        ids = []
        start, prefix = 0, ""
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = self._vocabulary.get(prefix + word[start:end])
                if piece is not None:
                    break
            else:
                return (self._unknown,)
            ids.append(piece)
            start, prefix = end, CONTINUATION
        return tuple(ids)


class _Characters(dict[int, str]):
    """Code point -> what BERT's normaliser and splitter make of it; a space stands for a boundary."""

    def __missing__(self, code: int) -> str:
        self[code] = replacement = _replace(chr(code))
        return replacement


def _replace(character: str) -> str:
    if character in "\t\n\r":
        return " "
    if character == "\ufffd" or unicodedata.category(character) in {"Cc", "Cf", "Co"}:
        return ""
    if character.isspace():
        return " "
    if any(low <= ord(character) <= high for low, high in _IDEOGRAPHS):
        return f" {unicodedata.normalize('NFD', character)} "
    bare = (c for c in unicodedata.normalize("NFD", character) if unicodedata.category(c) != "Mn")
    lowered = "".join(c.lower() for c in bare)
    return "".join(f" {c} " if _is_punctuation(c) else c for c in lowered)


def _is_punctuation(character: str) -> bool:
    return character in _ASCII_PUNCTUATION or unicodedata.category(character).startswith("P")


def _is_uncased_wordpiece(data: Mapping[str, Any]) -> bool:
    normalizer, model = data["normalizer"], data["model"]
    return bool(
        data["pre_tokenizer"]["type"] == "BertPreTokenizer"
        and normalizer["type"] == "BertNormalizer"
        and normalizer["lowercase"]
        and normalizer["clean_text"]
        and normalizer["handle_chinese_chars"]
        and normalizer["strip_accents"] is not False
        and model["type"] == "WordPiece"
        and model["unk_token"] == UNKNOWN
        and model["continuing_subword_prefix"] == CONTINUATION
        and model["max_input_chars_per_word"] == MAX_WORD
    )
