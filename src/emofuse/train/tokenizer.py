"""The vocabulary of a text recipe: the backbone's own, or one learned from the corpora."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from emofuse.preprocess import WordPieceTokenizer
from emofuse.train.encoders.minilm import minilm_folder
from emofuse.train.recipe import TokenizerConfig

__all__ = ["write_tokenizer"]


def write_tokenizer(config: TokenizerConfig, texts: Iterable[str], path: Path) -> WordPieceTokenizer:
    """Load or learn the vocabulary, and keep it as `tokenizer.json`.

    Args:
        config: Its source and size.
        texts: Normalised training texts; read only when a vocabulary is learned.
        path: File to write.

    Returns:
        The tokenizer in the file.
    """
    if config.source == "minilm":
        tokenizer = Tokenizer.from_file(str(minilm_folder() / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
    else:
        tokenizer = _learn(config.vocabulary, texts)
    tokenizer.save(str(path))
    return WordPieceTokenizer.from_file(path)


def _learn(size: int, texts: Iterable[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=3,
        special_tokens=["[UNK]", "[CLS]", "[SEP]"],
        limit_alphabet=600,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer
