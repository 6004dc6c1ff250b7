"""The recipe of a fusion: which models it joins, by which head, learned from which pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from emofuse.datasets import shows_crops
from emofuse.errors import ConfigError
from emofuse.taxonomy import POLARITIES
from emofuse.train.config import Count, Range, Share
from emofuse.train.recipe import CorpusConfig, ExportConfig, HeadConfig, SearchRange, TrainConfig

__all__ = ["POOLS", "FusionHeadConfig", "FusionRecipe", "MemberConfig"]

# Heads that weigh what the members answer instead of giving an answer of their own.
POOLS = ("log_linear", "dynamic_pool")


@dataclass(frozen=True, kw_only=True)
class MemberConfig:
    """A model whose reading is fused.

    Attributes:
        modality: What it reads.
        model: Name of an embedded bundle, or a bundle folder.
        gives: Label sets whose probabilities it hands over, and `embedding`.
        run: Run that the model was exported from; its network then learns along with the head, at the rate
            `train.backbone_lr`. Without one the model stays as it is.
    """

    modality: Literal["text", "face", "scene"]
    model: str
    gives: tuple[str, ...] = ("ekman7", "sentiment3", "embedding")
    run: str | None = None


@dataclass(frozen=True, kw_only=True)
class FusionHeadConfig:
    """How the members are joined.

    Attributes:
        name: A key of `emofuse.train.fusion.network.HEADS`, or `log_linear`. `log_linear` is a pool of the
            members' answers with one weight a modality, `dynamic_pool` one whose weights depend on the
            sample. They need members that give the outputs' label sets; a modality alone is then answered
            just as it answers itself.
        hidden: Width of the joined representation.
        layers: Hidden layers (`mlp`, `early`, `hybrid`, `dynamic_pool`) or rounds of attention
            (`cross_attention`).
        factor: Width of a modality inside the product of `tensor`.
        batch_norm: Normalise hidden layers over the batch, where there are some.
        dropout: On what is joined and on hidden layers, 0-1.
    """

    name: Literal[
        "log_linear", "mlp", "early", "hybrid", "gated", "dynamic_pool", "tensor", "cross_attention"
    ]
    hidden: Count = 96
    layers: Count = 1
    factor: Count = 12
    batch_norm: bool = False
    dropout: Annotated[float, Range(0, 0.99)] = 0.3


@dataclass(frozen=True, kw_only=True)
class FusionRecipe:
    """One fusion that can be trained.

    Attributes:
        name: Name of the bundle.
        task: Always `fusion`.
        members: The models that are fused; their order is that of the modalities.
        head: How they are joined.
        heads: Label set of an output -> its loss; softmax only. `own` stands for the labels that the training
            data hold.
        corpora: Paired corpora, and which outputs each one labels.
        modality_dropout: Probability that a modality of a training sample is masked; one always stays.
        mispairing: Share of training pairs of text and picture that get the picture of another pair.
        noise: Share of them whose text is replaced by random letters, and as many whose picture by a field
            with nothing on it.
        train: Optimisation.
        export: Bundle settings.
        search: Dotted key -> values that `emofuse tune` tries; training ignores it.
        seed: Of everything random.
    """

    name: str
    task: Literal["fusion"]
    members: tuple[MemberConfig, ...]
    head: FusionHeadConfig
    heads: Mapping[str, HeadConfig]
    corpora: tuple[CorpusConfig, ...]
    modality_dropout: Share = 0.3
    mispairing: Share = 0.0
    noise: Annotated[float, Range(0, 0.5)] = 0.0
    train: TrainConfig = field(default_factory=TrainConfig)
    export: ExportConfig = field(default_factory=ExportConfig)
    search: Mapping[str, SearchRange] = field(default_factory=dict)
    seed: int = 7

    def __post_init__(self) -> None:
        """Check what only the whole recipe shows."""
        if self.head.name in POOLS:
            for head in self.heads:
                if any(head not in member.gives for member in self.members):
                    raise ConfigError(
                        f"The pool needs the output {head!r} from every member. Add it to their `gives`, or "
                        "choose another head.",
                        item=head,
                    )
        if (self.mispairing or self.noise) and (len(self.modalities) < 2 or "text" not in self.modalities):
            raise ConfigError(
                "mispairing and noise are for pairs of text and picture. Add members that read both, or "
                "leave the two out.",
                item=self.name,
            )
        self._check_tuning()
        if set(self.heads) <= set(POLARITIES):
            raise ConfigError(
                "A fusion needs an output with emotions or labels of your own, beside that of sentiment.",
                item=self.name,
            )
        for name, config in self.heads.items():
            if config.multi_label:
                raise ConfigError(f"heads.{name}: a fusion has outputs with one label a sample.", item=name)
        for head in self.heads:
            if not any(head in corpus.heads and corpus.validation for corpus in self.corpora):
                raise ConfigError(
                    f"No corpus with a validation split labels the head {head!r}. Give one a `validation` "
                    "split.",
                    item=head,
                )

    def _check_tuning(self) -> None:
        tuned = [member for member in self.members if member.run]
        if tuned and (self.mispairing or self.noise or self.looks_at_states):
            raise ConfigError(
                "Members with a `run` learn along without mispairing and noise, and under a head that reads "
                "no tokens and patches. Leave these out, or the runs.",
                item=self.name,
            )
        whole = [corpus.name for corpus in self.corpora if not shows_crops(corpus.name)]
        if any(member.modality == "scene" for member in tuned):
            raise ConfigError(
                "A member that reads whole pictures cannot learn along. Leave out its `run`.", item=self.name
            )
        if whole and any(member.modality != "text" for member in tuned):
            raise ConfigError(
                f"A member that reads pictures learns along on crops of single faces only, and {whole[0]} "
                "shows whole pictures. Leave out the member's `run`, or take another corpus.",
                item=whole[0],
            )

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities of the members, in order."""
        return tuple(dict.fromkeys(member.modality for member in self.members))

    @property
    def looks_at_states(self) -> bool:
        """Whether the head reads tokens and patches."""
        return self.head.name == "cross_attention"
