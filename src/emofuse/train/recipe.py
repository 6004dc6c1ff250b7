"""A recipe: everything that decides a training run, read from one YAML file."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from emofuse.errors import ConfigError

__all__ = [
    "AugmentConfig",
    "CorpusConfig",
    "DistillConfig",
    "EncoderConfig",
    "ExportConfig",
    "HeadConfig",
    "Recipe",
    "SearchRange",
    "TokenizerConfig",
    "TrainConfig",
    "apply_overrides",
    "build_config",
    "read_recipe",
    "read_yaml",
    "set_key",
]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Which encoder, and its size.

    Attributes:
        name: A key of `emofuse.train.encoders.ENCODERS`.
        embedding: Width of a trained token embedding (`bilstm` only).
        vectors: Where that embedding starts: None at random, `word2vec` with vectors that gensim learns from
            the training texts, or a file of GloVe or word2vec vectors in text form.
        hidden: LSTM units per direction.
        layers: LSTM layers.
        bidirectional: Whether the LSTM also reads backwards.
        heads: Heads of the attention over LSTM states; 0 takes the LSTM's final states instead.
        batch_norm: Normalise the encoder's output over the batch.
        dropout: Dropout on the encoder's output, 0-1.
        frozen: Keep the pretrained layers as they are.
        feed_forward: Share of the pretrained transformer's feed-forward units that is kept; the units with
            the smallest weights go, which makes the model smaller and faster.
        image_px: Side to which a face crop is enlarged inside the network (`efficientnet_lite0` only).
        channels: Widths of the convolution blocks (`cnn` only).
    """

    name: str
    embedding: int = 128
    vectors: str | None = None
    hidden: int = 128
    layers: int = 1
    bidirectional: bool = True
    heads: int = 4
    batch_norm: bool = False
    dropout: float = 0.1
    frozen: bool = False
    feed_forward: float = 1.0
    image_px: int = 80
    channels: tuple[int, ...] = (32, 64, 128, 256)


@dataclass(frozen=True, kw_only=True)
class TokenizerConfig:
    """How text becomes token ids.

    Attributes:
        source: `minilm` takes the backbone's WordPiece, `train` learns a vocabulary of subwords from the
            corpora, `words` takes their most frequent words whole.
        vocabulary: Size of a learned vocabulary.
        max_tokens: Longest window, special tokens included.
        emoji: `spell` writes emoji as words for vocabularies without them, `keep` leaves them.
    """

    source: Literal["minilm", "train", "words"] = "minilm"
    vocabulary: int = 12000
    max_tokens: int = 128
    emoji: Literal["spell", "keep"] = "spell"


@dataclass(frozen=True, kw_only=True)
class HeadConfig:
    """One output of a model.

    Attributes:
        loss: A key of `emofuse.train.losses.LOSSES`; decides softmax or sigmoid.
        gamma: Focusing exponent, for `asymmetric` that of the negatives; 0 gives plain cross-entropy.
        weight: Factor of this head in the total loss (the alpha of a focal loss).
        smoothing: Share of a label that is spread over all labels, 0-1; `focal` only.
        class_weights: `focal` only. `balanced` weighs a label by the inverse of its frequency in the training
            data, `root` by the inverse square root; the mean weight of a sample stays 1.
    """

    loss: Literal["focal", "focal_multilabel", "asymmetric"] = "focal"
    gamma: float = 0.0
    weight: float = 1.0
    smoothing: float = 0.0
    class_weights: Literal["none", "root", "balanced"] = "none"

    @property
    def multi_label(self) -> bool:
        """Whether several labels may hold at once."""
        return self.loss != "focal"


@dataclass(frozen=True, kw_only=True)
class CorpusConfig:
    """A corpus and which heads it teaches.

    Attributes:
        name: A dataset adapter.
        root: Folder of the corpus below the data root.
        heads: Head -> taxonomy of the corpus that labels it (mapped where they differ).
        train: Split to train on, or None to use the corpus for validation only.
        validation: Split that chooses the epoch, temperature and thresholds, or None.
        limit: At most so many training samples, drawn with the recipe's seed; None takes all.
        labels: Only samples with one of these labels, of any split; empty takes all.
    """

    name: str
    root: str
    heads: Mapping[str, str]
    train: str | None = "train"
    validation: str | None = "validation"
    limit: int | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DistillConfig:
    """A larger model whose probabilities are learned beside the labels.

    Attributes:
        teacher: Name of an embedded text bundle, or a bundle folder. It teaches every head that it shares
            with the recipe, on every training text, labelled for that head or not.
        weight: Share of the teacher's probabilities in the target of a labelled head, 0-1.
    """

    teacher: str
    weight: float = 0.7


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """Random changes of training samples; all zero turns augmentation off.

    Attributes:
        synonyms: Texts only: share of the words that WordNet synonyms replace in an extra copy of every text
            with a label that is rarer than average.
        flip: Probability of a mirror image.
        rotate_deg: Largest rotation either way.
        shift: Largest shift as a share of the side.
        zoom: Largest relative change of scale.
        light: Largest relative change of brightness and contrast.
        erase: Probability that a rectangle is blanked.
    """

    synonyms: float = 0.0
    flip: float = 0.0
    rotate_deg: float = 0.0
    shift: float = 0.0
    zoom: float = 0.0
    light: float = 0.0
    erase: float = 0.0


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How the weights are found.

    Attributes:
        epochs: Passes over the training data.
        batch_size: Samples per step.
        lr: Peak learning rate of what is trained from scratch.
        backbone_lr: Peak learning rate of pretrained layers.
        optimizer: `adamw` decays weights apart from the gradient; `adam` adds the decay to it (L2).
        weight_decay: Strength of that decay; what suits AdamW is far too strong for `adam`.
        schedule: `cosine` rises and falls by the step; `plateau` halves the rate after an epoch that did not
            improve the validation score.
        warmup: Share of the steps in which a cosine's rate rises.
        patience: Epochs without a better validation score after which training stops; 0 never stops early.
        clip: Largest gradient norm.
        ema: Decay per step of the averaged weights that are kept; 0 keeps the last weights.
        precision: Lightning's name; "bf16-mixed" also speeds up recent CPUs.
    """

    epochs: int = 3
    batch_size: int = 64
    lr: float = 1e-3
    backbone_lr: float = 1e-4
    optimizer: Literal["adamw", "adam"] = "adamw"
    weight_decay: float = 0.01
    schedule: Literal["cosine", "plateau"] = "cosine"
    warmup: float = 0.1
    patience: int = 0
    clip: float = 1.0
    ema: float = 0.0
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "bf16-mixed"


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """How the trained network becomes a bundle.

    Attributes:
        quantize: `int8_dynamic` for matrix products of transformers, `int8_static` for convolutions,
            `int8_embedding` for the token table alone, `none` for float32.
        max_batch: Samples per session run. Dynamic int8 scales activations over the whole batch, so
            only batches of one keep a result independent of its neighbours.
        version: Version of the bundle.
        description: One sentence for `emofuse models list`.
        limits: Known failures, a sentence each, for the model card.
    """

    quantize: Literal["none", "int8_dynamic", "int8_static", "int8_embedding"] = "none"
    max_batch: int = 64
    version: str = "0.1.0"
    description: str = ""
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SearchRange:
    """Values that `emofuse tune` tries for one key of a recipe.

    Attributes:
        low: Smallest value.
        high: Largest value.
        log: Spread the trials evenly over orders of magnitude.
        choices: The only values instead of a range.
    """

    low: float = 0.0
    high: float = 1.0
    log: bool = False
    choices: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an empty range."""
        if not self.choices and not (self.low < self.high and (self.low > 0 or not self.log)):
            raise ConfigError(
                f"A search range needs low < high, and low > 0 with log; not {self.low} to {self.high}.",
                item="search",
            )


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One model that can be trained.

    Attributes:
        name: Name of the bundle.
        task: `text` or `face`.
        encoder: The encoder.
        heads: Taxonomy of the output -> its loss; the taxonomy is also the ONNX output's name.
        corpora: What it learns from.
        train: Optimisation.
        tokenizer: Text only.
        augment: Random changes of training samples.
        distill: Text only; None learns from labels alone.
        export: Bundle settings.
        init_from: Run directory whose best weights start this run, or None.
        search: Dotted key -> values that `emofuse tune` tries; training ignores it.
        seed: Of everything random.
    """

    name: str
    task: Literal["text", "face"]
    encoder: EncoderConfig
    heads: Mapping[str, HeadConfig]
    corpora: tuple[CorpusConfig, ...]
    train: TrainConfig = field(default_factory=TrainConfig)
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    distill: DistillConfig | None = None
    export: ExportConfig = field(default_factory=ExportConfig)
    init_from: str | None = None
    search: Mapping[str, SearchRange] = field(default_factory=dict)
    seed: int = 7

    def __post_init__(self) -> None:
        """Check what only the whole recipe shows."""
        if self.train.epochs < 1 or self.train.batch_size < 1:
            raise ConfigError("train.epochs and train.batch_size must be at least 1.", item="train")
        if not 0 <= self.encoder.dropout < 1:
            raise ConfigError("encoder.dropout must lie between 0 and 1.", item="encoder.dropout")
        for name, config in self.heads.items():
            if config.multi_label and (config.smoothing or config.class_weights != "none"):
                raise ConfigError(
                    f"heads.{name}: smoothing and class_weights are for heads with one label a sample, not "
                    f"for {config.loss}.",
                    item=name,
                )
        for corpus in self.corpora:
            if unknown := set(corpus.heads) - set(self.heads):
                raise ConfigError(
                    f"Corpus {corpus.name!r} labels the heads {sorted(unknown)}, but the recipe has only "
                    f"{sorted(self.heads)}. Add the head or remove it from the corpus.",
                    item=corpus.name,
                )
        for head in self.heads:
            if not any(head in corpus.heads and corpus.validation for corpus in self.corpora):
                raise ConfigError(
                    f"No corpus with a validation split labels the head {head!r}; its epoch, temperature and "
                    "thresholds could not be chosen. Give one a `validation` split.",
                    item=head,
                )


def read_yaml(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Read a recipe file as plain data.

    Args:
        path: YAML file.
        overrides: `key.sub=value` strings, values in YAML syntax; applied in order.

    Returns:
        The mapping in the file with the overrides applied.

    Raises:
        ConfigError: The file is missing, is not YAML or holds no mapping; an override has no `=`.
    """
    import yaml  # noqa: PLC0415 - an extra

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"Cannot read the recipe {path}: {error.strerror}.", item=str(path)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"The recipe {path} is not valid YAML: {error}", item=str(path)) from error
    if not isinstance(data, dict):
        raise ConfigError(f"The recipe {path} must be a YAML mapping.", item=str(path))
    return apply_overrides(data, overrides)


def apply_overrides(data: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Set dotted keys in nested dicts, in place.

    Args:
        data: Nested mapping.
        overrides: `train.lr=3e-5` and the like; the value is read as YAML.

    Returns:
        `data`.

    Raises:
        ConfigError: An override has no `=`, or its key leads through something that is no mapping.
    """
    import yaml  # noqa: PLC0415 - an extra

    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator:
            raise ConfigError(f"--set takes key=value, not {override!r}.", item=override)
        try:
            parsed = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {key}: {value!r} is not valid YAML.", item=override) from error
        set_key(data, key.strip(), _number(parsed) if isinstance(parsed, str) else parsed)
    return data


def set_key(data: dict[str, Any], key: str, value: Any) -> None:
    """Set one dotted key in nested dicts, in place.

    Args:
        data: Nested mapping.
        key: `train.lr` and the like.
        value: Plain data.

    Raises:
        ConfigError: The key leads through something that is no mapping.
    """
    node = data
    *parents, leaf = key.split(".")
    for parent in parents:
        child = node.setdefault(parent, {})
        if not isinstance(child, dict):
            raise ConfigError(f"{key}: {parent!r} is a value, not a group of keys.", item=key)
        node = child
    node[leaf] = value


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read and check a text or face recipe.

    Args:
        path: YAML file.
        overrides: See `apply_overrides`.

    Returns:
        The recipe.

    Raises:
        ConfigError: A key is unknown or missing, or a value has the wrong type.
    """
    return build_config(Recipe, read_yaml(path, overrides))


def build_config(cls: type[T], data: Mapping[str, Any], where: str = "") -> T:
    """Build a frozen dataclass from plain data, refusing anything it does not know.

    Args:
        cls: A dataclass with annotated fields.
        data: Plain mapping.
        where: Dotted path for messages.

    Returns:
        An instance of `cls`.

    Raises:
        ConfigError: Unknown or missing key (the message lists the valid ones), wrong type or choice.
    """
    fields = {item.name: item for item in dataclasses.fields(cls)}  # type: ignore[arg-type]
    hints = typing.get_type_hints(cls)
    if unknown := sorted(set(data) - set(fields)):
        raise ConfigError(
            f"Unknown key {where}{unknown[0]!r}. Valid: {', '.join(sorted(fields))}.", item=unknown[0]
        )
    missing = [
        name
        for name, item in fields.items()
        if name not in data
        and item.default is dataclasses.MISSING
        and item.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ConfigError(f"The key {where}{missing[0]!r} is missing.", item=missing[0])
    return cls(**{key: _convert(hints[key], value, f"{where}{key}") for key, value in data.items()})


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
        return build_config(typing.cast("type[Any]", hint), value, f"{where}.")
    if origin is types.UnionType:
        if value is None and type(None) in arguments:
            return None
        return _convert(next(a for a in arguments if a is not type(None)), value, where)
    if origin is tuple and isinstance(value, list):
        return tuple(_convert(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is Mapping and isinstance(value, Mapping):
        return {key: _convert(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    return _convert_scalar(hint, value, where)


def _convert_scalar(hint: Any, value: Any, where: str) -> Any:
    if hint is Any:
        return value
    if typing.get_origin(hint) is Literal:
        choices = typing.get_args(hint)
        if value not in choices:
            raise ConfigError(f"{where} must be one of {', '.join(choices)}, not {value!r}.", item=where)
        return value
    if hint is float and isinstance(value, int | str) and not isinstance(value, bool):
        value = _number(value)
    if isinstance(hint, type) and isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    raise ConfigError(f"{where} must be {getattr(hint, '__name__', hint)}, not {value!r}.", item=where)


def _number(value: Any) -> Any:
    # YAML 1.1 reads 3e-5 as a string because it has no dot.
    try:
        return float(value)
    except ValueError:
        return value
