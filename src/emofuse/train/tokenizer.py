"""The tokenizer of a text recipe: the backbone's own, or a vocabulary learned from the corpora."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from emofuse.train.encoders.minilm import minilm_folder
from emofuse.train.recipe import TokenizerConfig

__all__ = ["build_tokenizer", "special_ids"]


def build_tokenizer(config: TokenizerConfig, texts: Iterable[str]) -> Tokenizer:
    """Load or learn the tokenizer.

    Args:
        config: Its source and size.
        texts: Normalised training texts; read only when a vocabulary is learned.

    Returns:
        A tokenizer that frames each text with its special tokens and cuts after `max_tokens`.
    """
    if config.source == "minilm":
        tokenizer = Tokenizer.from_file(str(minilm_folder() / "tokenizer.json"))
    else:
        tokenizer = _train(config, texts)
    tokenizer.no_padding()
    tokenizer.enable_truncation(config.max_tokens)
    return tokenizer


def special_ids(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """Token ids that stand before and after every text."""
    framed = tokenizer.encode("a").ids
    bare = tokenizer.encode("a", add_special_tokens=False).ids
    start = next(i for i in range(len(framed)) if framed[i : i + len(bare)] == bare)
    return framed[:start], framed[start + len(bare) :]


def _train(config: TokenizerConfig, texts: Iterable[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Lowercase(), normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=config.vocabulary,
        min_frequency=3,
        special_tokens=["[UNK]", "[CLS]", "[SEP]"],
        limit_alphabet=600,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    return tokenizer
