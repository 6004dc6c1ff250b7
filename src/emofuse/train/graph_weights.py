"""Weights of an ONNX graph, as the floats that they stand for."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray

__all__ = ["EVEN", "GraphWeights"]

EVEN = "_even"  # behind the name of a value: the constant that shrinks its outlying channels

Matrix = NDArray[np.float64]


class GraphWeights:
    """The constants of a graph, brought back from integers where it was quantised.

    Args:
        graph: As `emofuse export` writes it for texts: float32, or with int8 products and token tables.
        dither: Draws noise of up to half a step of the int8 scale for the weights of int8 products; None
            reads them as they are.

    Attributes:
        unread: Names of the constants that nobody asked for yet, a quantised one by what it was before.
    """

    def __init__(self, graph: onnx.GraphProto, *, dither: np.random.Generator | None = None) -> None:
        self._dither = dither
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}
        self._makers = {name: node for node in graph.node for name in node.output}
        self._users: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)
        parts = ("_scale", "_zero_point")
        self.unread = {n.removesuffix("_quantized") for n in self._tensors if not n.endswith(parts)}

    def read(self, name: str) -> Matrix | None:
        """One constant.

        Args:
            name: Its name; of a quantised one that from before.

        Returns:
            float64 of any shape, or None where there is none.
        """
        self.unread.discard(name)
        if name in self._tensors:
            return self._array(name)
        if f"{name}_quantized" not in self._tensors:
            return None
        # One scale for all, or one for each column, which is what integer products have.
        values, zero = self._array(f"{name}_quantized"), self._array(f"{name}_zero_point")
        return (values - zero) * self._array(f"{name}_scale")

    def read_factor(self, bias: str) -> Matrix | None:
        """The matrix of the product to which a bias is added.

        Args:
            bias: Name of a constant.

        Returns:
            (inputs, outputs) float64, or None where the bias is added to no product with a constant.
        """
        for node in self._users.get(bias, []):
            if node.op_type == "Gemm":
                matrix = self.read(node.input[1])
                turned = any(entry.name == "transB" and entry.i for entry in node.attribute)
                return matrix.T if matrix is not None and turned else matrix
            if node.op_type == "Add":
                return self._factor_of(next(name for name in node.input if name != bias))
        return None

    def read_added(self, name: str) -> Matrix | None:
        """The constant that is added to the first rows of a table.

        Args:
            name: Of the table.

        Returns:
            float64, or None where there is none.
        """
        for node in self._users.get(name, []):
            for user in self._users.get(node.output[0], []):
                if user.op_type == "Add":
                    return self.read(next(other for other in user.input if other != node.output[0]))
        return None

    def _factor_of(self, product: str) -> Matrix | None:
        node = self._makers.get(product)
        # Over the few nodes that an int8 product is made of.
        while node is not None and node.op_type in {"Mul", "Cast"}:
            node = self._makers.get(node.input[0])
        if node is None or node.op_type not in {"MatMul", "MatMulInteger"}:
            return None
        source = self._makers.get(node.input[1])
        name = (source.input[0] if source is not None else node.input[1]).removesuffix("_quantized")
        matrix = self.read(name)
        if matrix is None:
            return None
        if self._dither is not None and name not in self._tensors:
            matrix = matrix + self._dither.uniform(-0.5, 0.5, matrix.shape) * self._array(f"{name}_scale")
        shrunk = self._shrunk(node.input[0])
        return matrix if shrunk is None else matrix * shrunk[:, None]

    def _shrunk(self, name: str) -> Matrix | None:
        # Rows of outlying channels are as much larger as the channels were made smaller.
        node = self._makers.get(name)
        while node is not None and node.op_type in {"QuantizeLinear", "DequantizeLinear"}:
            node = self._makers.get(node.input[0])
        if node is None or node.op_type != "Mul" or not node.input[1].endswith(EVEN):
            return None
        return self.read(node.input[1])

    def _array(self, name: str) -> Matrix:
        array: Matrix = onnx.numpy_helper.to_array(self._tensors[name]).astype(np.float64)
        return array
