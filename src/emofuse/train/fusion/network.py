"""Fusion networks: vectors of several models and a mask in, logits out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from emofuse.train.fusion.recipe import POOLS, FusionHeadConfig

__all__ = ["HEADS", "FusionInputs", "FusionNetwork", "MemberLayout"]

SMALLEST = 1e-6  # probability, so that its logarithm is finite


class FusionInputs(NamedTuple):
    """A batch for a fusion; what an absent member holds has no effect, NaN included.

    Attributes:
        vectors: One (batch, size) float tensor per member.
        states: One (batch, n, width) float tensor per member with states, zero rows at the end where there
            are fewer; else empty.
        present: (batch, modalities) float, 1 where the modality is there.
    """

    vectors: tuple[Tensor, ...]
    states: tuple[Tensor, ...]
    present: Tensor


@dataclass(frozen=True)
class MemberLayout:
    """What stands where in a member's vector.

    Attributes:
        name: Of the member.
        modality: Column of `present`.
        parts: Label set or `embedding` -> begin and end.
        states: Width of its states; 0 without any.
    """

    name: str
    modality: int
    parts: Mapping[str, tuple[int, int]]
    states: int

    @property
    def size(self) -> int:
        """Width of the vector."""
        return max(end for _, end in self.parts.values())

    @property
    def embedding(self) -> tuple[int, int]:
        """Where the embedding stands; an empty range without one."""
        return self.parts.get("embedding", (self.size, self.size))


class FusionNetwork(nn.Module):
    """A head over the members' vectors and one linear layer per output, or a pool of what they answer."""

    def __init__(
        self,
        config: FusionHeadConfig,
        members: Sequence[MemberLayout],
        sizes: Mapping[str, int],
    ) -> None:
        super().__init__()
        self.backbone: Any = None
        self.members = tuple(members)
        self.modalities = 1 + max(member.modality for member in members)
        self.outputs = tuple(sizes)
        self.pooled = config.name in POOLS
        for index, member in enumerate(members):
            self.register_buffer(f"mean_{index}", torch.zeros(member.size))
            self.register_buffer(f"scale_{index}", torch.ones(member.size))
        if self.pooled:
            # Weight 1 for each modality, no preference for a label: the plain product of experts.
            self.weights = nn.ParameterDict(
                {name: nn.Parameter(torch.ones(self.modalities)) for name in sizes}
            )
            self.offsets = nn.ParameterDict(
                {name: nn.Parameter(torch.zeros(self.modalities, size)) for name, size in sizes.items()}
            )
        self.head: nn.Module | None = None
        if config.name != "log_linear":
            self.head = HEADS[config.name](config, self.members)
            # One weight a modality, or one logit a label.
            widths = [self.modalities if self.pooled else size for size in sizes.values()]
            self.answers = nn.ModuleList(nn.Linear(config.hidden, width) for width in widths)
            if self.pooled:
                for parameter in self.answers.parameters():
                    nn.init.zeros_(parameter)

    def settle(self, inputs: FusionInputs) -> None:
        """Take mean and spread of embeddings from training data, so that all members start at one scale.

        Args:
            inputs: The whole training set.
        """
        for index, (member, vectors) in enumerate(zip(self.members, inputs.vectors, strict=True)):
            begin, end = member.embedding
            seen = vectors[inputs.present[:, member.modality] > 0, begin:end]
            if len(seen) > 1 and end > begin:
                self.get_buffer(f"mean_{index}")[begin:end] = seen.mean(dim=0)
                self.get_buffer(f"scale_{index}")[begin:end] = seen.std(dim=0).clamp(min=1e-3)

    def forward(self, inputs: FusionInputs) -> tuple[Tensor, ...]:
        """Logits of every output.

        Args:
            inputs: The batch.

        Returns:
            One (batch, labels) float tensor per output, in order.
        """
        there = [inputs.present[:, member.modality, None] > 0.5 for member in self.members]
        vectors = [
            torch.where(mask, vector, torch.zeros_like(vector))
            for mask, vector in zip(there, inputs.vectors, strict=True)
        ]
        if self.head is None:
            return tuple(self._pool(name, vectors, inputs.present) for name in self.outputs)
        scaled = [
            torch.where(
                mask,
                (vector - self.get_buffer(f"mean_{index}")) / self.get_buffer(f"scale_{index}"),
                torch.zeros_like(vector),
            )
            for index, (mask, vector) in enumerate(zip(there, vectors, strict=True))
        ]
        joined = self.head(scaled, inputs.states, inputs.present)
        answers = [answer(joined) for answer in self.answers]
        if not self.pooled:
            return tuple(answers)
        # Between 0 and twice the modality's own weight.
        return tuple(
            self._pool(name, vectors, inputs.present, 2 * torch.sigmoid(own))
            for name, own in zip(self.outputs, answers, strict=True)
        )

    def _pool(
        self, output: str, vectors: Sequence[Tensor], present: Tensor, trust: Tensor | None = None
    ) -> Tensor:
        # A modality alone answers as it answers itself: weights and offsets are for several.
        several = (present.sum(dim=1, keepdim=True) > 1.5).to(present)
        total = torch.zeros(())
        columns = [member.modality for member in self.members]
        for member, vector in zip(self.members, vectors, strict=True):
            begin, end = member.parts[output]
            logs = torch.log(vector[:, begin:end].clamp(min=SMALLEST))
            learned = self.weights[output][member.modality]
            if trust is not None:
                learned = learned * trust[:, member.modality, None]
            weight = 1 + several * (learned - 1)
            own = weight * logs + several * self.offsets[output][member.modality]
            mask = present[:, member.modality, None] > 0.5
            total = total + torch.where(mask, own, torch.zeros_like(own)) / columns.count(member.modality)
        return total


class _Layers(nn.Module):
    """Everything side by side, through hidden layers; Baltrušaitis et al. 2019 call it early fusion.

    `early` sees embeddings, `mlp` probabilities, `hybrid` and `dynamic_pool` both.
    """

    def __init__(self, config: FusionHeadConfig, members: Sequence[MemberLayout]) -> None:
        super().__init__()
        self.ranges = [_seen(config.name, member) for member in members]
        width = sum(end - begin for ranges in self.ranges for begin, end in ranges)
        # The mask is data too, except for the published system, which knows no missing modality.
        self.masked = config.name != "mlp"
        width += (1 + max(member.modality for member in members)) * self.masked
        layers: list[nn.Module] = [] if config.name == "mlp" else [nn.Dropout(config.dropout)]
        for _ in range(config.layers):
            layers.append(nn.Linear(width, config.hidden))
            if config.batch_norm:
                layers.append(nn.BatchNorm1d(config.hidden))
            layers += [nn.ReLU(), nn.Dropout(config.dropout)]
            width = config.hidden
        self.layers = nn.Sequential(*layers)

    def forward(self, vectors: Sequence[Tensor], _: Sequence[Tensor], present: Tensor) -> Tensor:
        parts = [
            vector[:, begin:end]
            for vector, ranges in zip(vectors, self.ranges, strict=True)
            for begin, end in ranges
        ]
        joined: Tensor = self.layers(torch.cat([*parts, *([present] if self.masked else [])], dim=1))
        return joined


class _Gated(nn.Module):
    """A gate per modality, from all of them, decides how much of it comes through.

    Source: Arevalo et al. 2017, "Gated Multimodal Units for Information Fusion", section 3.2.
    """

    def __init__(self, config: FusionHeadConfig, members: Sequence[MemberLayout]) -> None:
        super().__init__()
        self.columns = [member.modality for member in members]
        self.dropout = nn.Dropout(config.dropout)
        self.encode = nn.ModuleList(nn.Linear(member.size, config.hidden) for member in members)
        self.gate = nn.Linear(
            config.hidden * len(members) + max(self.columns) + 1, config.hidden * len(members)
        )

    def forward(self, vectors: Sequence[Tensor], _: Sequence[Tensor], present: Tensor) -> Tensor:
        parts = [
            torch.tanh(encode(self.dropout(vector))) * present[:, column, None]
            for vector, encode, column in zip(vectors, self.encode, self.columns, strict=True)
        ]
        gates = torch.sigmoid(self.gate(torch.cat([*parts, present], dim=1))).chunk(len(parts), dim=1)
        total = torch.stack([gate * part for gate, part in zip(gates, parts, strict=True)]).sum(dim=0)
        joined: Tensor = self.dropout(total)
        return joined


class _TensorProduct(nn.Module):
    """The outer product of all modalities, each with a 1 in front, so that every subset interacts.

    Source: Zadeh et al. 2017, "Tensor Fusion Network for Multimodal Sentiment Analysis", eq. 1.
    """

    def __init__(self, config: FusionHeadConfig, members: Sequence[MemberLayout]) -> None:
        super().__init__()
        self.columns = [member.modality for member in members]
        self.dropout = nn.Dropout(config.dropout)
        self.encode = nn.ModuleList(nn.Linear(member.size, config.factor) for member in members)
        self.join = nn.Linear((config.factor + 1) ** len(members), config.hidden)

    def forward(self, vectors: Sequence[Tensor], _: Sequence[Tensor], present: Tensor) -> Tensor:
        product = torch.ones_like(present[:, :1])
        for vector, encode, column in zip(vectors, self.encode, self.columns, strict=True):
            part = torch.tanh(encode(self.dropout(vector))) * present[:, column, None]
            one = torch.cat([torch.ones_like(part[:, :1]), part], dim=1)
            product = (product[:, :, None] * one[:, None, :]).flatten(1)
        joined: Tensor = torch.relu(self.join(self.dropout(product)))
        return joined


class _CrossAttention(nn.Module):
    """A query looks at the tokens, patches and faces of all modalities at once, in several rounds.

    Source: the latent queries of Jaegle et al. 2021, "Perceiver", over what Tsai et al. 2019, "Multimodal
    Transformer for Unaligned Multimodal Language Sequences", attend to.
    """

    HEADS = 4

    def __init__(self, config: FusionHeadConfig, members: Sequence[MemberLayout]) -> None:
        super().__init__()
        width = self.width = config.hidden
        self.columns = [member.modality for member in members]
        self.dropout = nn.Dropout(config.dropout)
        self.encode = nn.ModuleList(nn.Linear(member.states, width) for member in members)
        self.whole = nn.ModuleList(nn.Linear(member.size, width) for member in members)
        self.kind = nn.Parameter(torch.randn(len(members), width) * 0.02)
        self.start = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.norms = nn.ModuleList(nn.LayerNorm(member.states) for member in members)
        self.rounds = nn.ModuleList(
            _AttentionRound(width, self.HEADS, config.dropout) for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, vectors: Sequence[Tensor], states: Sequence[Tensor], present: Tensor) -> Tensor:
        batch = present.shape[0]
        tokens, masks = [], []
        for index, column in enumerate(self.columns):
            there = present[:, column, None] > 0.5
            known = there & (states[index].abs().sum(dim=2) > 0)
            clean = torch.where(known[:, :, None], states[index], torch.zeros_like(states[index]))
            tokens.append(self.encode[index](self.norms[index](clean)) + self.kind[index])
            # The member's own summary is one more token.
            tokens.append((self.whole[index](self.dropout(vectors[index])) + self.kind[index])[:, None])
            masks += [known, there]
        query = self.start.expand(batch, 1, self.width)
        keys, mask = torch.cat(tokens, dim=1), torch.cat(masks, dim=1)
        for attend in self.rounds:
            query = attend(query, keys, mask)
        joined: Tensor = self.norm(query[:, 0])
        return joined


class _AttentionRound(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.middle = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.keys, self.out = (
            nn.Linear(width, width),
            nn.Linear(width, 2 * width),
            nn.Linear(width, width),
        )
        self.feed = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, query: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        keys, values = (self._split(part) for part in self.keys(tokens).chunk(2, dim=-1))
        asked = self._split(self.query(self.before(query)))
        scores = asked @ keys.transpose(-1, -2) / asked.shape[-1] ** 0.5
        scores = scores.masked_fill(~mask[:, None, None, :], -1e9)
        found = (scores.softmax(dim=-1) @ values).transpose(1, 2).flatten(2)
        query = query + self.dropout(self.out(found))
        result: Tensor = query + self.dropout(self.feed(self.middle(query)))
        return result

    def _split(self, values: Tensor) -> Tensor:
        split: Tensor = values.reshape(*values.shape[:-1], self.heads, -1)
        return split.transpose(1, 2)


HEADS: dict[str, Any] = {
    "mlp": _Layers,
    "early": _Layers,
    "hybrid": _Layers,
    "gated": _Gated,
    "dynamic_pool": _Layers,
    "tensor": _TensorProduct,
    "cross_attention": _CrossAttention,
}


def _seen(head: str, member: MemberLayout) -> list[tuple[int, int]]:
    labels = [ends for part, ends in member.parts.items() if part != "embedding"]
    begin, end = member.embedding
    embedding = [(begin, end)] if end > begin else []
    return {"mlp": labels, "early": embedding}.get(head, [*labels, *embedding])
