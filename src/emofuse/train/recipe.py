"""A recipe: everything that decides a training run, read from one YAML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from emofuse.errors import ConfigError
from emofuse.train.config import Amount, Count, Positive, Range, Share, build_config, read_yaml

__all__ = [
    "AugmentConfig",
    "CorpusConfig",
    "DistillConfig",
    "EncoderConfig",
    "ExportConfig",
    "HeadConfig",
    "PersonsConfig",
    "Precision",
    "Recipe",
    "SearchRange",
    "TokenizerConfig",
    "TrainConfig",
    "read_recipe",
]

Precision: TypeAlias = Literal["32-true", "bf16-mixed", "16-mixed"]


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Which encoder, and its size.

    Attributes:
        name: A key of `emofuse.train.encoders.ENCODERS` for the recipe's task.
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
        feed_forward: Share of the pretrained transformer's feed-forward units that is kept; those go that the
            others can best stand in for, which makes the model smaller and faster.
        image_px: Side to which a face crop is enlarged inside the network (not for `cnn`), or of the square
            into which a whole picture is brought.
        channels: Widths of the convolution blocks (`cnn` only).
    """

    name: str
    embedding: Count = 128
    vectors: str | None = None
    hidden: Count = 128
    layers: Count = 1
    bidirectional: bool = True
    heads: Annotated[int, Range(0)] = 4
    batch_norm: bool = False
    dropout: Annotated[float, Range(0, 0.99)] = 0.1
    frozen: bool = False
    feed_forward: Annotated[float, Range(0.01, 1)] = 1.0
    image_px: Annotated[int, Range(32)] = 80
    channels: tuple[Count, ...] = (32, 64, 128, 256)


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
    vocabulary: Annotated[int, Range(10)] = 12000
    max_tokens: Annotated[int, Range(4)] = 128
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
    gamma: Amount = 0.0
    weight: Amount = 1.0
    smoothing: Share = 0.0
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
        share: Part of the training samples, from 0 to 1; which part a sample is in follows from its text, or
            its id without one. Models that are to be fused learn from one part, their fusion from another.
        limit: At most so many training samples, drawn with the recipe's seed; None takes all.
        labels: Only samples with one of these labels, of any split; empty takes all.
    """

    name: str
    root: str
    heads: Mapping[str, str]
    train: str | None = "train"
    validation: str | None = "validation"
    share: tuple[Share, ...] = (0.0, 1.0)
    limit: Count | None = None
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an empty share."""
        if len(self.share) != 2 or self.share[0] >= self.share[1]:
            raise ConfigError(
                f"Corpus {self.name!r}: share is two numbers, the smaller one first, not {self.share}.",
                item=self.name,
            )


@dataclass(frozen=True, kw_only=True)
class DistillConfig:
    """Another model whose probabilities are learned beside the labels.

    Attributes:
        teacher: Name of an embedded text bundle, or a bundle folder. It teaches every head that it shares
            with the recipe, on every training text, labelled for that head or not.
        weight: Share of the teacher's probabilities in the target of a labelled head, 0-1.
        rehearsal: Number of texts of random words that only the teacher labels, for learning without the
            corpora that the teacher learned from.
    """

    teacher: str
    weight: Share = 0.7
    rehearsal: Annotated[int, Range(0)] = 0


@dataclass(frozen=True, kw_only=True)
class PersonsConfig:
    """Sentences that differ only in the person spoken of are learned to get one answer.

    Attributes:
        weight: Of the divergence of their answers, beside the loss of a text.
        groups: Drawn in a step; a group is one sentence with 16 names, or with two nouns.
    """

    weight: Positive = 4.0
    groups: Count = 5


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

    synonyms: Share = 0.0
    flip: Share = 0.0
    rotate_deg: Amount = 0.0
    shift: Share = 0.0
    zoom: Annotated[float, Range(0, 0.9)] = 0.0
    light: Share = 0.0
    erase: Share = 0.0


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How the weights are found.

    Attributes:
        epochs: Passes over the training data.
        batch_size: Samples per step, in all processes together.
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
        precision: Lightning's name; "bf16-mixed" also speeds up recent CPUs, and is "32-true" on others.
    """

    epochs: Count = 3
    batch_size: Count = 64
    lr: Positive = 1e-3
    backbone_lr: Positive = 1e-4
    optimizer: Literal["adamw", "adam"] = "adamw"
    weight_decay: Amount = 0.01
    schedule: Literal["cosine", "plateau"] = "cosine"
    warmup: Share = 0.1
    patience: Annotated[int, Range(0)] = 0
    clip: Positive = 1.0
    ema: Annotated[float, Range(0, 0.999999)] = 0.0
    precision: Precision = "bf16-mixed"


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """How the trained network becomes a bundle.

    Attributes:
        quantize: `int8_static` for convolutions and the products of transformers, whose activations get
            constant scales from validation samples; `int8_dynamic` for products whose activations are scaled
            anew in each batch; `int8_embedding` for the token table alone, `none` for float32.
        max_batch: Samples per session run. With `int8_dynamic` only batches of one keep a result independent
            of its neighbours.
        version: Version of the bundle.
        average: Take the mean of the best and the last epoch's weights; between two epochs of one run it is
            mostly better than either (Wortsman et al. 2022, "Model soups").
        calibration: Which temperature makes probabilities of a softmax output: that of the highest
            `likelihood` on validation data, or that whose mean confidence is the `accuracy` there; `kept`
            takes temperatures and thresholds of the bundle in `init_from`, for which no head needs labels.
        mirror: Faces only: the graph averages over a crop and its mirror image, which takes twice the time.
        description: One sentence for `emofuse models list`.
        limits: Known failures, a sentence each, for the model card.
    """

    quantize: Literal["none", "int8_dynamic", "int8_static", "int8_embedding"] = "none"
    max_batch: Count = 64
    average: bool = False
    calibration: Literal["likelihood", "accuracy", "kept"] = "likelihood"
    mirror: bool = False
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
        task: `text`, `face` or `scene`.
        encoder: The encoder.
        heads: Taxonomy of the output -> its loss; the taxonomy is also the ONNX output's name.
        corpora: What it learns from.
        train: Optimisation.
        tokenizer: Text only.
        augment: Random changes of training samples.
        distill: Text only; None learns from labels alone.
        persons: Text only; None leaves what a model makes of persons as it is.
        export: Bundle settings.
        init_from: What this run starts from, or None: a run folder (its best weights), a bundle folder or the
            name of an embedded bundle of a text model. The encoder must be as it was there.
        search: Dotted key -> values that `emofuse tune` tries; training ignores it.
        seed: Of everything random.
    """

    name: str
    task: Literal["text", "face", "scene"]
    encoder: EncoderConfig
    heads: Mapping[str, HeadConfig]
    corpora: tuple[CorpusConfig, ...]
    train: TrainConfig = field(default_factory=TrainConfig)
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    distill: DistillConfig | None = None
    persons: PersonsConfig | None = None
    export: ExportConfig = field(default_factory=ExportConfig)
    init_from: str | None = None
    search: Mapping[str, SearchRange] = field(default_factory=dict)
    seed: int = 7

    def __post_init__(self) -> None:
        """Check what only the whole recipe shows."""
        states = self.encoder.hidden * (2 if self.encoder.bidirectional else 1)
        if self.task == "text" and self.encoder.heads and states % self.encoder.heads:
            raise ConfigError(
                f"encoder.heads must divide the width of the LSTM's states, {states}; {self.encoder.heads} "
                "does not.",
                item="encoder.heads",
            )
        if self.export.mirror and self.task != "face":
            raise ConfigError("export.mirror is for faces; a text has no mirror image.", item="export.mirror")
        if self.persons and self.task != "text":
            raise ConfigError("persons is for texts; leave it out of other recipes.", item="persons")
        if self.encoder.name == "minilm_bilstm" and self.tokenizer.source != "minilm":
            raise ConfigError(
                "The encoder minilm_bilstm reads its own vocabulary: set tokenizer.source to minilm.",
                item="tokenizer.source",
            )
        self._check_heads()

    def _check_heads(self) -> None:
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
        validated = {head for corpus in self.corpora if corpus.validation for head in corpus.heads}
        for head in self.heads:
            if head not in validated and not (validated and self.export.calibration == "kept"):
                raise ConfigError(
                    f"No corpus with a validation split labels the head {head!r}; its epoch, temperature and "
                    "thresholds could not be chosen. Give one a `validation` split.",
                    item=head,
                )


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
