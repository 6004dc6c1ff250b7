"""Channels of a transformer's activations that are far larger than the others, made even before rounding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from emofuse.runtime.session import open_session
from emofuse.train.graph_weights import EVEN
from emofuse.types import FloatArray

__all__ = ["even_out"]

USUAL = 99.5  # percentile of the channels that are left as they are
OUTLYING = 1.5  # times that; less is not worth a product


def even_out(path: Path, inputs: Sequence[NDArray[Any]]) -> None:
    """Shrink outlying channels before products with constants, and enlarge the constants' rows, in place.

    In every text some channels of a transformer are several times as large as all others, and would make the
    steps of an integer scale coarse for all. A constant bears larger rows better: each of its columns has a
    scale of its own.

    Args:
        path: ONNX file, float32.
        inputs: Batches that show what channels look like.

    Source: Xiao et al. 2023, "SmoothQuant". There the division melts into the norm before; here it stays a
    product, because residual connections read the norm too.
    """
    model = onnx.load(path)
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    products = [n for n in graph.node if n.op_type == "MatMul" and n.input[1] in constants]
    largest = _largest(model, dict.fromkeys(node.input[0] for node in products), inputs)
    factors = {name: np.maximum(1, values / np.percentile(values, USUAL)) for name, values in largest.items()}
    factors = {name: values for name, values in factors.items() if values.max() > OUTLYING}
    for node in products:
        if (factor := factors.get(node.input[0])) is not None:
            rows = numpy_helper.to_array(constants[node.input[1]]) * factor[:, None]
            constants[node.input[1]].CopyFrom(numpy_helper.from_array(rows.astype(np.float32), node.input[1]))
    nodes = []
    for node in graph.node:
        nodes.append(onnx.NodeProto.FromString(node.SerializeToString()))
        if node.op_type == "MatMul" and node.input[1] in constants and node.input[0] in factors:
            nodes[-1].input[0] = f"{node.input[0]}{EVEN}d"
        for name in factors.keys() & set(node.output):
            shrink = numpy_helper.from_array((1 / factors[name]).astype(np.float32), f"{name}{EVEN}")
            graph.initializer.append(shrink)
            nodes.append(helper.make_node("Mul", [name, shrink.name], [f"{name}{EVEN}d"]))
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.save(model, path)


def _largest(
    model: onnx.ModelProto, names: dict[str, None], inputs: Sequence[NDArray[Any]]
) -> dict[str, FloatArray]:
    shown = onnx.ModelProto.FromString(model.SerializeToString())
    for name in names:
        shown.graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    with TemporaryDirectory() as folder:
        onnx.save(shown, Path(folder) / "model.onnx")
        session = open_session(Path(folder) / "model.onnx")
    found: dict[str, FloatArray] = {}
    for batch in inputs:
        for name, values in zip(names, session.run(list(names), {"input_ids": batch}), strict=True):
            own = np.abs(values).reshape(-1, values.shape[-1]).max(axis=0)
            found[name] = np.maximum(own, found.get(name, own))
    return found
