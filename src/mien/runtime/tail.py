"""A network in two parts: all that comes before its last linear layer, and that layer as a matrix."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mien.errors import ModelInvalidError
from mien.runtime.rewrites.drop_identities import drop_identities
from mien.runtime.rewrites.drop_stale_inputs import drop_stale_inputs
from mien.runtime.rewrites.fold_batch_norm import fixed_affine
from mien.runtime.rewrites.fold_constants import fold_constants
from mien.runtime.rewrites.fold_dequantize import fold_dequantize
from mien.runtime.rewrites.graph import Graph, Node
from mien.types.arrays import FloatArray

_SHAPES = ("Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity")
"""Move no number of a face: its values stay in the order in which they are."""
_ELEMENTWISE = ("Add", "Sub", "Mul", "Div")


@dataclass(frozen=True, slots=True)
class Split:
    """What a network computes is ``features @ weight + bias``.

    Args:
        network: an ONNX file from the same input to the features, with the layers that a dropout would have before it
            in training: batch norms between the features and the last layer belong to the network.
        weight: (k, d) float32.
        bias: (d,) float32, with what follows the layer taken in.
    """

    network: bytes
    weight: FloatArray
    bias: FloatArray

    def features(self, output: FloatArray) -> FloatArray:
        """(n, k): the network's output, a row a face.

        Raises:
            ModelInvalidError: the layer looks at a part of the output only, so it is no linear layer of the whole.
        """
        rows = output.reshape(len(output), -1)
        if rows.shape[1] != len(self.weight):
            raise ModelInvalidError(
                f"the last layer has {len(self.weight):,} inputs and gets {rows.shape[1]:,} numbers a face: "
                "it is a convolution over a map, where a linear layer is needed",
                code="no-linear-layer",
            )
        return rows


def split_last_linear(model: bytes) -> Split:
    """Cut a network before the last layer with a matrix: Gemm, MatMul or a convolution that sees the whole map.

    Behind it there may be fixed factors, shifts, batch norms and changes of shape, nothing else.

    Args:
        model: an ONNX file; its first output is what counts.

    Raises:
        ModelInvalidError: no network, or (``no-linear-layer``) one that does not end so.
    """
    graph = Graph.parse(model)
    for step in (drop_stale_inputs, fold_dequantize, fold_constants, drop_identities):
        graph = step(graph)
    layer, factor, shift = _last_layer(graph)
    weight, bias = _matrix(graph, layer)
    weight, bias = weight * factor, bias * factor + shift
    network = _ending(graph, layer.inputs[0]).to_bytes()
    return Split(network, np.ascontiguousarray(weight, np.float32), bias.astype(np.float32))


Affine = tuple[NDArray[np.float64], NDArray[np.float64]]


def _last_layer(graph: Graph) -> tuple[Node, NDArray[np.float64], NDArray[np.float64]]:
    """The layer, and the factor and the shift of what follows it."""
    name, factor, shift = graph.outputs[0], np.ones(1), np.zeros(1)
    while (node := graph.producer(name)) is not None:
        if _is_linear(graph, node):
            return node, factor, shift
        after = _affine(graph, node)
        if after is None:
            raise _none(f"'{node.op}' follows")
        (scale, offset), name = after, _input(graph, node)
        factor, shift = factor * scale, factor * offset + shift
    raise _none("there is none")


def _none(why: str) -> ModelInvalidError:
    return ModelInvalidError(
        f"the network does not end in a linear layer ({why}), so it has no place to leave features out",
        code="no-linear-layer",
    )


def _is_linear(graph: Graph, node: Node) -> bool:
    fixed = len(node.inputs) > 1 and node.inputs[0] not in graph.constants and node.inputs[1] in graph.constants
    if not fixed:
        return False
    if node.op == "Conv":
        return node.get("group", 1) == 1 and not any(node.get("pads", [])) and node.get("auto_pad", "NOTSET") != "SAME"
    if node.op == "Gemm":
        return not node.get("transA", 0)
    return node.op == "MatMul" and graph.constants[node.inputs[1]].ndim == 2


def _affine(graph: Graph, node: Node) -> Affine | None:
    """Factor and shift of a node that does no more; None for any other."""
    if node.op in _SHAPES:
        return np.ones(1), np.zeros(1)
    if node.op == "BatchNormalization":
        return fixed_affine(graph, node)
    held = [name in graph.constants for name in node.inputs]
    if node.op not in _ELEMENTWISE or sum(held) != 1 or (node.op in ("Sub", "Div") and held[0]):
        return None
    value = graph.constants[node.inputs[held.index(True)]].astype(np.float64).ravel()
    one, zero = np.ones(1), np.zeros(1)
    return {"Add": (one, value), "Sub": (one, -value), "Mul": (value, zero), "Div": (1 / value, zero)}[node.op]


def _input(graph: Graph, node: Node) -> str:
    """The one input that is computed."""
    return next(name for name in node.inputs if name not in graph.constants)


def _matrix(graph: Graph, layer: Node) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(k, d) weight and (d,) bias."""
    weight = graph.constants[layer.inputs[1]].astype(np.float64)
    bias = np.zeros(1)
    if len(layer.inputs) > 2 and layer.inputs[2]:
        bias = graph.constant(layer.inputs[2]).astype(np.float64).ravel()
    if layer.op == "Gemm":
        weight = (weight.T if layer.get("transB", 0) else weight) * layer.get("alpha", 1.0)
        bias = bias * layer.get("beta", 1.0)
    if layer.op == "Conv":
        weight = weight.reshape(len(weight), -1).T
    return weight, np.broadcast_to(bias, weight.shape[1:])


def _ending(graph: Graph, name: str) -> Graph:
    """The graph whose one output is this value, of whatever shape."""
    from onnx import ModelProto, TensorProto, helper

    header = ModelProto()
    header.CopyFrom(graph.header)
    header.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    return replace(graph, outputs=(name,), header=header).without_dead_nodes()
