"""The vocabulary of a text recipe: the backbone's own, or one learned from the corpora."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from emofuse.preprocess import WordPieceTokenizer
from emofuse.train.encoders.minilm import minilm_folder
from emofuse.train.recipe import TokenizerConfig

__all__ = ["write_tokenizer"]

SPECIAL = ["[UNK]", "[CLS]", "[SEP]"]
LEAST = 3  # occurrences of a piece
LETTERS = 600


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
    elif config.source == "train":
        tokenizer = _learn(config.vocabulary, texts)
    else:
        tokenizer = _keep_words(config.vocabulary, texts)
    tokenizer.save(str(path))
    return WordPieceTokenizer.from_file(path)


def _uncased(vocabulary: dict[str, int] | None = None) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def _count_words(texts: Iterable[str]) -> Counter[str]:
    splitter = _uncased()
    counts: Counter[str] = Counter()
    for text in texts:
        words = splitter.pre_tokenizer.pre_tokenize_str(splitter.normalizer.normalize_str(text))
        counts.update(word for word, _ in words)
    return counts


def _rank(counts: Counter[str]) -> list[tuple[str, int]]:
    # Ties by the alphabet, so that the same corpora always give the same vocabulary.
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _keep_words(size: int, texts: Iterable[str]) -> Tokenizer:
    words = [word for word, count in _rank(_count_words(texts)) if count >= LEAST][: size - len(SPECIAL)]
    return _uncased({word: index for index, word in enumerate([*SPECIAL, *words])})


def _learn(size: int, texts: Iterable[str]) -> Tokenizer:
    words = _count_words(texts)
    letters: Counter[str] = Counter()
    for word, count in words.items():
        for letter in word:
            letters[letter] += count
    alphabet = [letter for letter, _ in _rank(letters)][:LETTERS]
    # The trainer would number these in an order that changes with each process, and break ties by the number.
    inner = sorted(
        {f"##{letter}" for word in words for letter in word[1:]} & {f"##{own}" for own in alphabet}
    )
    tokenizer = _uncased()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=LEAST,
        special_tokens=[*SPECIAL, *inner],
        limit_alphabet=LETTERS,
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator((text for word, count in words.items() for text in [word] * count), trainer)
    return _uncased(tokenizer.get_vocab())
