"""The LSTM as one ONNX operator; torch.export would fix its sequence length."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

__all__ = ["replace_lstms"]


class _OnnxLstm(nn.Module):
    """Stands in for a one-layer, bidirectional, batch-first `nn.LSTM` while a network is traced."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.hidden = lstm.hidden_size
        sides = ("", "_reverse")
        self.inputs = nn.Buffer(torch.stack([_gates(lstm, f"weight_ih_l0{side}") for side in sides]))
        self.states = nn.Buffer(torch.stack([_gates(lstm, f"weight_hh_l0{side}") for side in sides]))
        biases = [
            torch.cat([_gates(lstm, f"bias_ih_l0{side}"), _gates(lstm, f"bias_hh_l0{side}")])
            for side in sides
        ]
        self.biases = nn.Buffer(torch.stack(biases))

    def forward(self, sequence: Tensor) -> tuple[Tensor, None]:
        batch, length = sequence.shape[0], sequence.shape[1]
        states = torch.onnx.ops.symbolic(
            "LSTM",
            (sequence.transpose(0, 1), self.inputs, self.states, self.biases),
            attrs={"direction": "bidirectional", "hidden_size": self.hidden},
            dtype=sequence.dtype,
            shape=(length, 2, batch, self.hidden),
            version=14,
        )
        return states.permute(2, 0, 1, 3).flatten(2), None


def replace_lstms(network: nn.Module) -> nn.Module:
    """Copy a network with every LSTM replaced by its ONNX operator, ready to be traced.

    Args:
        network: LSTMs in it have one layer, two directions and the batch first.

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
