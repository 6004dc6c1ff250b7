"""Text encoders: token ids in, one vector per text out, and one per token."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from emofuse.train.encoders.minilm import WIDTH, MiniLm, SelfAttention
from emofuse.train.recipe import EncoderConfig

__all__ = ["BiLstmEncoder", "MiniLmBiLstmEncoder"]


class _BatchNorm(nn.BatchNorm1d):
    """Batch norm that also takes the one text of a rare length: it is measured by the running figures."""

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training and len(inputs) == 1:
            return functional.batch_norm(
                inputs, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(inputs)


class _RecurrentPooling(nn.Module):
    """LSTM, then multi-head self-attention with a residual, and the mean and the maximum over time.

    Without attention heads: the final state of each direction. Batch norm, where asked for, and dropout end
    it.
    """

    def __init__(self, width: int, config: EncoderConfig) -> None:
        super().__init__()
        self.lstm = nn.LSTM(
            width,
            config.hidden,
            num_layers=config.layers,
            dropout=config.dropout if config.layers > 1 else 0.0,
            batch_first=True,
            bidirectional=config.bidirectional,
        )
        states = config.hidden * (2 if config.bidirectional else 1)
        self.hidden = config.hidden
        self.attention = SelfAttention(states, config.heads) if config.heads else None
        self.norm = nn.LayerNorm(states) if config.heads else nn.Identity()
        self.dim = 2 * states if config.heads else states
        self.batch_norm = _BatchNorm(self.dim) if config.batch_norm else nn.Identity()
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        states, _ = self.lstm(states)
        if self.attention is None:
            forwards, backwards = states[:, -1, : self.hidden], states[:, 0, self.hidden :]
            pooled = torch.cat([forwards, backwards], dim=-1)
        else:
            states = self.norm(states + self.attention(states))
            pooled = torch.cat([states.mean(dim=1), states.amax(dim=1)], dim=-1)
        return self.dropout(self.batch_norm(pooled)), states


class MiniLmBiLstmEncoder(nn.Module):
    """MiniLM-L6 -> BiLSTM -> multi-head attention -> mean and maximum, fine-tuned end to end or frozen."""

    def __init__(self, config: EncoderConfig, *, vocabulary: int, pretrained: bool = True) -> None:
        super().__init__()
        # What it was trained with, unless a recipe wants less: 0 turns all dropout off.
        self.backbone = MiniLm(pretrained=pretrained, dropout=min(0.1, config.dropout))
        if vocabulary != self.backbone.words.num_embeddings:
            raise ValueError(f"MiniLM has {self.backbone.words.num_embeddings} tokens, not {vocabulary}")
        self.frozen = config.frozen
        self.backbone.requires_grad_(not config.frozen)
        self.pooling = _RecurrentPooling(WIDTH, config)
        self.dim = self.pooling.dim

    def train(self, mode: bool = True) -> MiniLmBiLstmEncoder:
        """Switch dropout on or off; that of a frozen backbone stays off."""
        super().train(mode)
        if self.frozen:
            self.backbone.eval()
        return self

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Encode.

        Args:
            inputs: (batch, length) int64 token ids, no padding.

        Returns:
            (batch, dim) float embeddings, and the (batch, length, states) float states that they pool.
        """
        encoded: tuple[Tensor, Tensor] = self.pooling(self.backbone(inputs))
        return encoded


class BiLstmEncoder(nn.Module):
    """Trained token embedding -> (Bi)LSTM -> attention or final states."""

    backbone = None

    def __init__(self, config: EncoderConfig, *, vocabulary: int, **_: Any) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, config.embedding)
        nn.init.normal_(self.words.weight, std=0.1)
        self.dropout = nn.Dropout(config.dropout)
        self.pooling = _RecurrentPooling(config.embedding, config)
        self.dim = self.pooling.dim

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Encode.

        Args:
            inputs: (batch, length) int64 token ids, no padding.

        Returns:
            (batch, dim) float embeddings, and the (batch, length, states) float states that they pool.
        """
        encoded: tuple[Tensor, Tensor] = self.pooling(self.dropout(self.words(inputs)))
        return encoded
