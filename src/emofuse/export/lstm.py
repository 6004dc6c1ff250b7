"""The LSTM as ONNX operators, one a layer; torch.export would fix its sequence length."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

__all__ = ["replace_lstms"]


class _OnnxLstm(nn.Module):
    """Stands in for a batch-first `nn.LSTM` while a network is traced."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_OnnxLayer(lstm, layer) for layer in range(lstm.num_layers))

    def forward(self, sequence: Tensor) -> tuple[Tensor, None]:
        for layer in self.layers:
            sequence = layer(sequence)
        return sequence, None


class _OnnxLayer(nn.Module):
    def __init__(self, lstm: nn.LSTM, layer: int) -> None:
        super().__init__()
        self.hidden = lstm.hidden_size
        sides = [f"l{layer}", f"l{layer}_reverse"][: 2 if lstm.bidirectional else 1]
        self.inputs = nn.Buffer(torch.stack([_gates(lstm, f"weight_ih_{side}") for side in sides]))
        self.states = nn.Buffer(torch.stack([_gates(lstm, f"weight_hh_{side}") for side in sides]))
        biases = [
            torch.cat([_gates(lstm, f"bias_ih_{side}"), _gates(lstm, f"bias_hh_{side}")]) for side in sides
        ]
        self.biases = nn.Buffer(torch.stack(biases))

    def forward(self, sequence: Tensor) -> Tensor:
        batch, length, directions = sequence.shape[0], sequence.shape[1], len(self.inputs)
        states = torch.onnx.ops.symbolic(
            "LSTM",
            (sequence.transpose(0, 1), self.inputs, self.states, self.biases),
            attrs={
                "direction": "bidirectional" if directions == 2 else "forward",
                "hidden_size": self.hidden,
            },
            dtype=sequence.dtype,
            shape=(length, directions, batch, self.hidden),
            version=14,
        )
        return states.permute(2, 0, 1, 3).flatten(2)


def replace_lstms(network: nn.Module) -> nn.Module:
    """Copy a network with every LSTM replaced by ONNX operators, ready to be traced.

    Args:
        network: LSTMs in it take the batch first.

    Returns:
        A copy that can be traced but not run.
    """
    traced = copy.deepcopy(network)
    for parent in list(traced.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.LSTM):
                setattr(parent, name, _OnnxLstm(child))
    return traced


def _gates(lstm: nn.LSTM, name: str) -> Tensor:
    # torch orders the gates input, forget, cell, output; ONNX input, output, forget, cell.
    into, forget, cell, out = getattr(lstm, name).detach().chunk(4)
    return torch.cat([into, out, forget, cell])
