"""Word vectors that a trained embedding starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from emofuse.errors import ConfigError, CorpusFormatError, CorpusNotFoundError, MissingExtraError
from emofuse.preprocess import WordPieceTokenizer
from emofuse.train.data import Example
from emofuse.train.recipe import EncoderConfig
from emofuse.types import FloatArray

__all__ = ["load_vectors"]

WINDOW, EPOCHS = 5, 5


def load_vectors(
    config: EncoderConfig, tokenizer: WordPieceTokenizer, examples: Sequence[Example], seed: int
) -> FloatArray:
    """Learn or read a vector per piece of a vocabulary.

    Args:
        config: `vectors` is `word2vec` (skip-gram with negative sampling, learned from the examples) or the
            path of a text file of GloVe or word2vec vectors; `embedding` is their width.
        tokenizer: Names the pieces.
        examples: Training texts as token ids.
        seed: Of the learning and of the pieces without a vector.

    Returns:
        (pieces, width) float32; pieces without a vector get a random one of the same spread.

    Raises:
        MissingExtraError: gensim is not installed.
        CorpusNotFoundError: The file is missing or cannot be read.
        CorpusFormatError: The file is malformed.
        ConfigError: The file's vectors have another width than the embedding.

    Source: Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their
    Compositionality".
    """
    if config.vectors == "word2vec":
        known = _learn(config, examples, seed)
    else:
        ids = {piece: index for index, piece in enumerate(tokenizer.pieces)}
        known = _read(Path(str(config.vectors)), ids, config.embedding)
    if not known:
        raise ConfigError(
            f"None of the vectors in {config.vectors} belongs to a word of the vocabulary.",
            item=config.vectors,
        )
    spread = float(np.std(list(known.values())))
    rows = np.random.default_rng(seed).normal(0, spread, (len(tokenizer), config.embedding))
    for index, vector in known.items():
        rows[index] = vector
    return rows.astype(np.float32)


def _learn(config: EncoderConfig, examples: Sequence[Example], seed: int) -> dict[int, FloatArray]:
    try:
        from gensim.models import Word2Vec  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("train", "gensim") from error
    # One worker: several would make the vectors depend on chance.
    vectors = Word2Vec(
        [[str(token) for token in example.inputs.tolist()] for example in examples],
        vector_size=config.embedding,
        window=WINDOW,
        min_count=1,
        sg=1,
        epochs=EPOCHS,
        seed=seed,
        workers=1,
    ).wv
    return {int(token): vectors[token] for token in vectors.index_to_key}


def _read(path: Path, ids: Mapping[str, int], width: int) -> dict[int, FloatArray]:
    # Line by line and only the vocabulary's words: the published files hold gigabytes.
    known = {}
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                word, *values = line.rstrip().rsplit(" ", width)
                if number == 1 and len(line.split()) == 2:
                    continue  # word2vec's text form begins with the numbers of words and dimensions
                if number <= 2 and len(line.split()) != width + 1:
                    raise ConfigError(
                        f"The vectors in {path} are {len(line.split()) - 1} wide (line {number}). Set "
                        "encoder.embedding to that.",
                        item=str(path),
                    )
                if word in ids:
                    known[ids[word]] = np.array(values, dtype=np.float32)
    except OSError as error:
        raise CorpusNotFoundError(
            f"Cannot read word vectors at {path}: {error.strerror}.", item=str(path)
        ) from error
    except ValueError as error:
        raise CorpusFormatError(f"{path} line {number}: not a vector ({error}).", item=str(path)) from error
    return known
