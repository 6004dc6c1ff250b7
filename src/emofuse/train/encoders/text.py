"""Text encoders: token ids in, one vector per text out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from emofuse.train.encoders.minilm import WIDTH, MiniLm, SelfAttention
from emofuse.train.recipe import EncoderConfig

__all__ = ["BiLstmEncoder", "MiniLmBiLstmEncoder"]


class _RecurrentPooling(nn.Module):
    """BiLSTM, multi-head self-attention with a residual, then the mean and the maximum over time."""

    def __init__(self, width: int, hidden: int, heads: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, hidden, batch_first=True, bidirectional=True)
        self.attention = SelfAttention(2 * hidden, heads)
        self.norm = nn.LayerNorm(2 * hidden)
        self.dim = 4 * hidden

    def forward(self, states: Tensor) -> Tensor:
        states, _ = self.lstm(states)
        states = self.norm(states + self.attention(states))
        return torch.cat([states.mean(dim=1), states.amax(dim=1)], dim=-1)


class MiniLmBiLstmEncoder(nn.Module):
    """MiniLM-L6 -> BiLSTM -> multi-head attention -> mean and maximum, fine-tuned end to end."""

    def __init__(self, config: EncoderConfig, *, vocabulary: int, pretrained: bool = True) -> None:
        super().__init__()
        self.backbone = MiniLm(pretrained=pretrained)
        if vocabulary != self.backbone.words.num_embeddings:
            raise ValueError(f"MiniLM has {self.backbone.words.num_embeddings} tokens, not {vocabulary}")
        self.pooling = _RecurrentPooling(WIDTH, config.hidden, config.heads)
        self.dropout = nn.Dropout(config.dropout)
        self.dim = self.pooling.dim

    def forward(self, inputs: Tensor) -> Tensor:
        """Encode.

        Args:
            inputs: (batch, length) int64 token ids, no padding.

        Returns:
            (batch, 4 * hidden) float.
        """
        embedding: Tensor = self.dropout(self.pooling(self.backbone(inputs)))
        return embedding


class BiLstmEncoder(nn.Module):
    """Trained subword embedding -> BiLSTM -> multi-head attention -> mean and maximum."""

    backbone = None

    def __init__(self, config: EncoderConfig, *, vocabulary: int, pretrained: bool = True) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, config.embedding)
        nn.init.normal_(self.words.weight, std=0.1)
        self.pooling = _RecurrentPooling(config.embedding, config.hidden, config.heads)
        self.dropout = nn.Dropout(config.dropout)
        self.dim = self.pooling.dim

    def forward(self, inputs: Tensor) -> Tensor:
        """Encode.

        Args:
            inputs: (batch, length) int64 token ids, no padding.

        Returns:
            (batch, 4 * hidden) float.
        """
        embedding: Tensor = self.dropout(self.pooling(self.dropout(self.words(inputs))))
        return embedding
