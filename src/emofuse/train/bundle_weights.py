"""The weights of a text bundle, given back to the network that it was exported from.

Of what a network learned, its graph keeps biases, norms, tables and recurrent weights under their names; the
matrix of a linear layer has lost its name and is found by the bias that is added to its product. Weights that
were quantised come back rounded. Those of int8 products get noise of up to half a step: a short training
moves most of them by less, and from the very values of the scale export would round them back to where they
were.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn

from emofuse.errors import ConfigError
from emofuse.runtime.bundle import ModelBundle
from emofuse.train.classifier import EmotionNetwork
from emofuse.train.encoders.minilm import HIDDEN, MiniLm
from emofuse.train.graph_weights import GraphWeights

__all__ = ["load_bundle_weights"]

SEED = 7

Found = tuple[str, NDArray[np.float64] | None]


def load_bundle_weights(network: EmotionNetwork, bundle: ModelBundle) -> None:
    """Set a network's weights to those of a bundle, in place.

    The temperatures of the bundle go into the heads, so that the network's own probabilities are those of
    the bundle.

    Args:
        network: As the bundle's recipe builds it, before anything is pruned. Weights do not tell the number
            of attention heads: it is taken on trust.
        bundle: A text bundle that `emofuse export` wrote.

    Raises:
        ConfigError: The bundle holds another network.
    """
    if set(bundle.outputs) != set(network.heads):
        raise _another(bundle, f"its heads are {', '.join(bundle.outputs)}, not {', '.join(network.heads)}")
    graph = GraphWeights(onnx.load(bundle.model_path).graph, dither=np.random.default_rng(SEED))
    # Some graphs were traced with the network inside another module.
    prefix = "network." if any(name.startswith("network.") for name in graph.unread) else ""
    for path, module in network.named_modules():
        if isinstance(module, MiniLm):
            bias = graph.read(f"{prefix}{path}.layers.0.expand.bias")
            module.narrow(HIDDEN if bias is None else len(bias))
    own = network.state_dict()
    for name, array in _read(network, graph, prefix):
        if array is None:
            raise _another(bundle, f"it has no {name}")
        if array.shape != own[name].shape:
            raise _another(bundle, f"{name} is {array.shape} there, {tuple(own[name].shape)} here")
        own[name] = torch.from_numpy(array.astype(np.float32))
    # Constants of the arithmetic have no dot in their names.
    if unknown := sorted(name for name in graph.unread if name.startswith(f"{prefix}encoder.")):
        raise _another(bundle, f"here is no {unknown[0].removeprefix(prefix)}")
    for head, output in bundle.outputs.items():
        for part in ("weight", "bias"):
            own[f"heads.{head}.{part}"] /= output.temperature
    network.load_state_dict(own)


def _another(bundle: ModelBundle, reason: str) -> ConfigError:
    return ConfigError(
        f"The bundle {bundle.name} holds another network than this recipe: {reason}.", item=bundle.name
    )


def _read(network: nn.Module, graph: GraphWeights, prefix: str) -> Iterator[Found]:
    for path, module in network.named_modules():
        if isinstance(module, nn.LSTM):
            yield from _read_lstm(module, path, graph, prefix)
        elif isinstance(module, nn.Linear):
            bias = f"{prefix}{path}.bias"
            matrix = graph.read_factor(bias)
            yield f"{path}.weight", None if matrix is None else matrix.T
            yield f"{path}.bias", graph.read(bias)
        elif isinstance(module, MiniLm):
            # Of the segments' table the graph has the one row that every token gets.
            row = graph.read_added(f"{prefix}{path}.positions.weight")
            yield f"{path}.segments.weight", None if row is None else np.stack([row, np.zeros_like(row)])
        else:
            for part, _ in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
                if part != "num_batches_tracked" and not path.endswith(".segments"):
                    yield f"{path}.{part}", graph.read(f"{prefix}{path}.{part}")


def _read_lstm(lstm: nn.LSTM, path: str, graph: GraphWeights, prefix: str) -> Iterator[Found]:
    sides = ["", "_reverse"][: 2 if lstm.bidirectional else 1]
    for layer in range(lstm.num_layers):
        for kind, keys in (
            ("inputs", ("weight_ih",)),
            ("states", ("weight_hh",)),
            ("biases", ("bias_ih", "bias_hh")),
        ):
            both = graph.read(f"{prefix}{path}.layers.{layer}.{kind}")
            for index, side in enumerate(sides):
                parts = [None] * len(keys) if both is None else np.split(both[index], len(keys))
                for key, part in zip(keys, parts, strict=True):
                    gates = None if part is None else _torch_gates(part)
                    yield f"{path}.{key}_l{layer}{side}", gates


def _torch_gates(array: NDArray[np.float64]) -> NDArray[np.float64]:
    # ONNX orders the gates input, output, forget, cell; torch input, forget, cell, output.
    into, out, forget, cell = np.split(array, 4)
    return np.concatenate([into, forget, cell, out])
