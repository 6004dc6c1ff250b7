"""From a torch network to an ONNX file: export, parity check, quantisation."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from emofuse.errors import EmofuseError
from emofuse.export.lstm import replace_lstms
from emofuse.export.outliers import even_out
from emofuse.runtime.session import load_onnxruntime, open_session

__all__ = ["QUANTIZERS", "ParityError", "check_parity", "export_onnx", "trace_onnx"]

PARITY_TOLERANCE = 1e-4

Inputs = Sequence[Any]


class ParityError(EmofuseError):
    """The exported graph does not compute what the torch network computes."""

    code = "export_parity"


def export_onnx(network: nn.Module, example: NDArray[Any], outputs: Sequence[str], path: Path) -> None:
    """Write a network as float32 ONNX with named outputs.

    Args:
        network: In evaluation mode; takes one input and returns one logits tensor per output.
        example: A batch of one or more inputs. (batch, length) int64 token ids become the input `input_ids`,
            whose length may change; (batch, side, side) or (batch, side, side, 3) uint8 pictures `images`.
        outputs: Output names in the order that the network returns them.
        path: File to write.
    """
    batch = torch.export.Dim("batch", min=1, max=4096)
    # A dimension of one would be taken for a constant.
    tensor = torch.from_numpy(np.repeat(example[:1], 2, axis=0))
    shapes: dict[int, Any] = {0: batch}
    if text := example.ndim == 2:
        shapes[1] = torch.export.Dim("length", min=2, max=512)
    names = ["input_ids" if text else "images"], list(outputs)
    trace_onnx(network, (tensor,), (shapes,), names=names, path=path)


def trace_onnx(
    network: nn.Module,
    examples: tuple[Tensor, ...],
    shapes: tuple[Any, ...],
    *,
    names: tuple[list[str], list[str]],
    path: Path,
) -> None:
    """Trace a network and write it as ONNX.

    Args:
        network: In evaluation mode.
        examples: Inputs of the right types.
        shapes: Of each argument of `forward`, dimension -> `torch.export.Dim`, for those that may change.
        names: Names of the inputs and of the outputs.
        path: File to write.
    """
    with warnings.catch_warnings():
        # The exporter warns about its own internals, which nobody here can act on.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            replace_lstms(network),
            examples,
            dynamo=True,
            dynamic_shapes=shapes,
            input_names=names[0],
            output_names=names[1],
            verbose=False,
        )
    if program is None:
        raise ParityError("torch.onnx.export returned nothing.")
    program.save(path)
    _clean(path)


def check_parity(network: nn.Module, path: Path, inputs: Inputs, *, units: Sequence[float] = ()) -> float:
    """Compare the ONNX file with the torch network.

    Args:
        network: In evaluation mode.
        path: ONNX file.
        inputs: Batches to run through both: one array, or one per input of the graph.
        units: What counts as 1 in each output; empty takes 1. Coordinates reach hundreds of px, where float32
            itself is coarser than 1e-4 px, and are compared in sides of the picture.

    Returns:
        Largest absolute difference over all outputs, in their units.

    Raises:
        ParityError: It exceeds 1e-4.
    """
    session = open_session(path)
    names = [node.name for node in onnx.load(path).graph.input]
    worst = 0.0
    for batch in inputs:
        arrays = batch if isinstance(batch, tuple) else (batch,)
        with torch.no_grad():
            expected = network(*map(torch.from_numpy, arrays))
        feeds: dict[str, Any] = {}
        feeds.update(zip(names, arrays, strict=True))
        outputs = session.run(None, feeds)
        for ours, theirs, unit in zip(outputs, expected, units or [1.0] * len(outputs), strict=True):
            worst = float(np.maximum(worst, np.abs(ours - theirs.numpy()).max() / unit))
    if not worst <= PARITY_TOLERANCE:  # NaN is no agreement either
        raise ParityError(f"ONNX differs from torch by {worst:.2e}, more than {PARITY_TOLERANCE:.0e}.")
    return worst


def _clean(path: Path) -> None:
    # The exporter records stack traces with local paths, and shapes that quantisation contradicts.
    model = onnx.load(path)
    del model.graph.value_info[:]
    del model.metadata_props[:]
    model.doc_string = ""
    for entry in (*model.graph.node, *model.graph.initializer, *model.graph.input, *model.graph.output):
        entry.doc_string = ""
        del entry.metadata_props[:]
    del model.graph.metadata_props[:]
    onnx.save(model, path)


def _load_quantization() -> Any:
    load_onnxruntime()
    from onnxruntime import quantization  # noqa: PLC0415 - only after its telemetry is off
    from onnxruntime.quantization import shape_inference  # noqa: F401, PLC0415

    return quantization


def _int8_dynamic(source: Path, target: Path, inputs: Inputs) -> None:
    quantization = _load_quantization()
    # Seven-bit weights: eight would saturate on CPUs without VNNI and give other answers there.
    quantization.quantize_dynamic(
        source,
        target,
        op_types_to_quantize=["MatMul", "Gather"],
        per_channel=True,
        reduce_range=True,
        weight_type=quantization.QuantType.QInt8,
        extra_options={"MatMulConstBOnly": True},
    )


def _int8_embedding(source: Path, target: Path, inputs: Inputs) -> None:
    quantization = _load_quantization()
    kind = quantization.QuantType.QInt8
    quantization.quantize_dynamic(source, target, op_types_to_quantize=["Gather"], weight_type=kind)


class _Reader:
    """What onnxruntime calls a calibration data reader."""

    def __init__(self, name: str, inputs: Inputs) -> None:
        self.batches: Iterator[dict[str, NDArray[Any]]] = iter([{name: batch} for batch in inputs])

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self.batches, None)


def _int8_static(source: Path, target: Path, inputs: Inputs) -> None:
    texts = onnx.load(source).graph.input[0].name == "input_ids"
    (_int8_static_texts if texts else _int8_static_pictures)(source, target, inputs)


def _int8_static_texts(source: Path, target: Path, inputs: Inputs) -> None:
    with TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        _int8_embedding(source, prepared, inputs)
        even_out(prepared, inputs)
        graph = onnx.load(prepared).graph
        constants = {tensor.name for tensor in graph.initializer}
        _quantize_static(
            prepared,
            target,
            _Reader("input_ids", inputs),
            op_types_to_quantize=["MatMul"],
            nodes_to_exclude=[
                node.name
                for node in graph.node
                if node.op_type == "MatMul" and node.input[1] not in constants
            ],
            extra_options={
                # The few outliers of a transformer's activations are in every text; more would be coarse.
                "CalibMovingAverage": True,
                "OpTypesToExcludeOutputQuantization": ["MatMul"],
            },
        )


def _int8_static_pictures(source: Path, target: Path, inputs: Inputs) -> None:
    with TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        _load_quantization().shape_inference.quant_pre_process(source, prepared, skip_symbolic_shape=True)
        graph = onnx.load(prepared).graph
        _quantize_static(
            prepared,
            target,
            _Reader(graph.input[0].name, inputs),
            op_types_to_quantize=["Conv", "Clip", "Add", "ReduceMean"],
            nodes_to_exclude=_after_features(graph),
        )


def _quantize_static(prepared: Path, target: Path, reader: _Reader, **options: Any) -> None:
    quantization = _load_quantization()
    quantization.quantize_static(
        prepared,
        target,
        reader,
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        reduce_range=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        **options,
    )


def _after_features(graph: onnx.GraphProto) -> list[str]:
    # From what the heads see on everything stays float32: 256 levels are too few for probabilities.
    reached = {node.input[0] for node in graph.node if node.op_type == "Gemm"}
    names = []
    for node in graph.node:
        if reached & set(node.input):
            names.append(node.name)
            reached |= set(node.output)
    return names


def _unchanged(source: Path, target: Path, inputs: Inputs) -> None:
    target.write_bytes(source.read_bytes())


QUANTIZERS: dict[str, Callable[[Path, Path, Inputs], None]] = {
    "none": _unchanged,
    "int8_dynamic": _int8_dynamic,
    "int8_embedding": _int8_embedding,
    "int8_static": _int8_static,
}
