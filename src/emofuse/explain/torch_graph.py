"""A text bundle's own graph, computed by torch so that gradients flow through it.

Weights are those of the bundle, brought back from integers. Activations are not rounded to integers on the
way, as the int8 graph does, since a rounded function has no gradient; `parity` says how far that moves an
answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor
from torch.nn import functional

from emofuse.errors import ConfigError

__all__ = ["TorchGraph"]

Attributes = Mapping[str, Any]


class TorchGraph:
    """The graph of a text model.

    Args:
        path: ONNX file.

    Attributes:
        embedding: Name of the value that holds the vectors of the tokens.

    Raises:
        ConfigError: The graph has an operation that is not known here, or no token vectors.
    """

    def __init__(self, path: Path) -> None:
        model = onnx.load(path)
        self._nodes = [
            (node.op_type, list(node.input), list(node.output), _attributes(node))
            for node in model.graph.node
        ]
        self._weights = {
            tensor.name: torch.from_numpy(np.array(numpy_helper.to_array(tensor)))
            for tensor in model.graph.initializer
        }
        if unknown := sorted({kind for kind, *_ in self._nodes} - _OPERATIONS.keys()):
            raise ConfigError(
                f"Gradients cannot flow through {', '.join(unknown)} in {path.parent.name}. Explain it by "
                "occlusion or shapley.",
                item=str(path),
            )
        self.embedding = self._find_embedding(path)

    def run(self, input_ids: Tensor, outputs: list[str], known: Mapping[str, Tensor]) -> list[Tensor]:
        """Compute values of the graph.

        Args:
            input_ids: (batch, length) int64.
            outputs: Names of the values.
            known: Values that take the place of what the graph would compute, such as that of `embedding`.

        Returns:
            One tensor per name.
        """
        values: dict[str, Tensor] = {**self._weights, "input_ids": input_ids, **known}
        for kind, inputs, names, attributes in self._nodes:
            if all(name in values for name in names):
                continue
            given = [values[name] if name else None for name in inputs]
            results = _OPERATIONS[kind](attributes, *given)
            values.update(zip(names, results if isinstance(results, tuple) else (results,), strict=False))
        return [values[name] for name in outputs]

    def _find_embedding(self, path: Path) -> str:
        found: list[str] = [
            outputs[0]
            for kind, inputs, outputs, _ in self._nodes
            if kind == "Gather" and inputs[1] == "input_ids"
        ]
        if len(found) != 1:
            raise ConfigError(f"{path.parent.name} has no vectors of tokens to start from.", item=str(path))
        back: list[str] = [
            outputs[0]
            for kind, inputs, outputs, _ in self._nodes
            if kind == "DequantizeLinear" and inputs[0] == found[0]
        ]
        return back[0] if back else found[0]


def _attributes(node: Any) -> Attributes:
    return {entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute}


def _axes(attributes: Attributes, axes: Tensor | None) -> list[int]:
    return attributes["axes"] if axes is None else axes.tolist()


def _reduce(kind: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def reduce(attributes: Attributes, values: Tensor, axes: Tensor | None = None) -> Tensor:
        return kind(values, _axes(attributes, axes), keepdim=bool(attributes.get("keepdims", 1)))

    return reduce


def _slice(_: Attributes, values: Tensor, *bounds: Tensor) -> Tensor:
    starts, ends, *rest = (bound.tolist() for bound in bounds)
    axes = rest[0] if rest else range(len(starts))
    steps = rest[1] if len(rest) > 1 else [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        chosen = range(values.shape[axis])[start:end:step]
        values = values.index_select(axis, torch.tensor(list(chosen), dtype=torch.int64))
    return values


def _reshape(_: Attributes, values: Tensor, shape: Tensor) -> Tensor:
    return values.reshape([values.shape[i] if size == 0 else size for i, size in enumerate(shape.tolist())])


def _gather(attributes: Attributes, values: Tensor, indices: Tensor) -> Tensor:
    axis = attributes.get("axis", 0)
    taken = values.index_select(axis, indices.reshape(-1))
    return taken.reshape(*values.shape[:axis], *indices.shape, *values.shape[axis + 1 :])


def _dequantize(attributes: Attributes, values: Tensor, scale: Tensor, zero: Tensor | None = None) -> Tensor:
    start = torch.zeros(()) if zero is None else zero.float()
    if scale.ndim == 1:
        shape = [1] * values.ndim
        shape[attributes.get("axis", 1)] = -1
        scale, start = scale.reshape(shape), start.reshape(shape) if start.ndim else start
    return (values.float() - start) * scale


def _not_rounded(_: Attributes, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return values, torch.ones(()), torch.zeros(())


def _scale_not_rounded(_: Attributes, values: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
    return values / scale + zero.float()


def _matmul_integer(
    _: Attributes, left: Tensor, right: Tensor, left_zero: Tensor, right_zero: Tensor | None = None
) -> Tensor:
    start = torch.zeros(()) if right_zero is None else right_zero.float()
    return (left - left_zero) @ (right.float() - start)


def _layer_norm(attributes: Attributes, values: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return functional.layer_norm(values, weight.shape, weight, bias, attributes.get("epsilon", 1e-5))


def _gemm(attributes: Attributes, left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
    product: Tensor = left @ (right.T if attributes.get("transB") else right) * attributes.get("alpha", 1.0)
    return product if bias is None else product + bias * attributes.get("beta", 1.0)


def _gelu(attributes: Attributes, values: Tensor) -> Tensor:
    return functional.gelu(values, approximate=attributes.get("approximate", b"none").decode())


def _lstm(
    attributes: Attributes,
    values: Tensor,
    inputs: Tensor,
    states: Tensor,
    biases: Tensor | None = None,
    *_: Any,
) -> tuple[Tensor, ...]:
    hidden, directions = attributes["hidden_size"], len(inputs)
    # ONNX orders the gates input, output, forget, cell; torch input, forget, cell, output.
    order = torch.tensor([0, 2, 3, 1])[:, None] * hidden + torch.arange(hidden)
    order = order.reshape(-1)
    flat: list[Tensor] = []
    for own in range(directions):
        bias = torch.zeros(8 * hidden) if biases is None else biases[own]
        halves = (bias[: 4 * hidden][order], bias[4 * hidden :][order])
        flat += [inputs[own][order], states[own][order], *halves]
    start = torch.zeros(directions, values.shape[1], hidden)
    outputs, last, cell = torch.lstm(
        values, (start, start), flat, True, 1, 0.0, False, directions == 2, False
    )
    return outputs.reshape(*outputs.shape[:2], directions, hidden).permute(0, 2, 1, 3), last, cell


_TYPES = {onnx.TensorProto.FLOAT: torch.float32, onnx.TensorProto.INT64: torch.int64}

# Operation -> what computes it from its attributes and inputs.
_OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "Add": lambda _, left, right: left + right,
    "Cast": lambda attributes, values: values.to(_TYPES[attributes["to"]]),
    "Concat": lambda attributes, *values: torch.cat(values, dim=attributes["axis"]),
    "DequantizeLinear": _dequantize,
    "Div": lambda _, left, right: left / right,
    "DynamicQuantizeLinear": _not_rounded,
    "Gather": _gather,
    "Gelu": _gelu,
    "Gemm": _gemm,
    "Identity": lambda _, values: values,
    "LSTM": _lstm,
    "LayerNormalization": _layer_norm,
    "MatMul": lambda _, left, right: left @ right,
    "MatMulInteger": _matmul_integer,
    "Mul": lambda _, left, right: left * right,
    "QuantizeLinear": _scale_not_rounded,
    "ReduceMax": _reduce(torch.amax),
    "ReduceMean": _reduce(torch.mean),
    "Relu": lambda _, values: values.relu(),
    "Reshape": _reshape,
    "Shape": lambda attributes, values: torch.tensor(
        values.shape[attributes.get("start", 0) : attributes.get("end", values.ndim)]
    ),
    "Slice": _slice,
    "Softmax": lambda attributes, values: values.softmax(attributes.get("axis", -1)),
    "Sub": lambda _, left, right: left - right,
    "Tanh": lambda _, values: values.tanh(),
    "Transpose": lambda attributes, values: values.permute(*attributes["perm"]),
    "Unsqueeze": lambda attributes, values, axes=None: values.unsqueeze(_axes(attributes, axes)[0]),
}
