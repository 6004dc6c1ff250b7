"""ONNX Runtime sessions with the settings that every model shares."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from emofuse.errors import BundleSchemaError

__all__ = ["Session", "has_outputs", "load_onnxruntime", "open_session"]


class Session(Protocol):
    """The part of `onnxruntime.InferenceSession` that emofuse uses."""

    def run(self, output_names: Sequence[str] | None, input_feed: dict[str, Any]) -> Sequence[Any]:
        """Compute the named outputs."""
        ...

    def get_outputs(self) -> Sequence[Any]:
        """Descriptions of the outputs, each with a `name`."""
        ...


def has_outputs(session: Session, *names: str) -> bool:
    """Whether a graph has all of some outputs."""
    return set(names) <= {node.name for node in session.get_outputs()}


def load_onnxruntime() -> Any:
    """Import ONNX Runtime with its telemetry off.

    It writes a device id to the home folder and reports usage to its makers unless this is set before it is
    imported; its own function for that comes too late. Nothing is to be stored or sent.

    Returns:
        The module `onnxruntime`.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # noqa: PLC0415 - importing emofuse must stay light

    return onnxruntime


def open_session(path: Path, *, threads: int | None = None, names: Iterable[str] = ()) -> Session:
    """Open a model on the CPU.

    Args:
        path: ONNX file.
        threads: Threads within an operator; None leaves the choice to ONNX Runtime (one per core).
        names: Inputs and outputs that the graph must have.

    Returns:
        A session that is safe to run from several threads.

    Raises:
        BundleSchemaError: The file is no ONNX model that this runtime reads, or a name is missing from it.
    """
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Pre-allocated arenas and spinning threads suit servers that own the machine, not libraries.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # The parts of the first are faster than the whole; the second would keep int8 heads from being integer
    # products.
    options.add_session_config_entry(
        "optimization.disable_specified_optimizers", "SkipLayerNormFusion;MatMulAddFusion"
    )
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(
            str(path), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime raises classes of its compiled module, all named differently
        raise BundleSchemaError(
            f"{path} cannot be opened by ONNX Runtime: {error}", item=str(path)
        ) from error
    present = {node.name for node in (*session.get_inputs(), *session.get_outputs())}
    if missing := sorted(set(names) - present):
        raise BundleSchemaError(
            f"{path} has no input or output named {', '.join(missing)}. Export the bundle again.",
            item=str(path),
        )
    opened: Session = session
    return opened
