"""Batch normalisations at inference are a factor and a shift for each channel; a neighbour with weights takes them in.

y = s x + t with s = gamma / sqrt(variance + epsilon) and t = beta - s mean. After Conv, ConvTranspose or Gemm this
is always exact. Before one, it is exact only where nothing is padded: a padded zero is not shifted. Ioffe and
Szegedy, "Batch Normalization", 2015.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mien.runtime.rewrites.graph import Graph, Node
from mien.types.arrays import AnyArray, FloatArray

Affine = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Factor s and shift t, (channels,) each."""


def fold_batch_norm(graph: Graph) -> Graph:
    """The graph with every batch norm folded into the node before it, or else after it, where that is exact."""
    for fold in (_into_previous, _into_next):
        for node in graph.nodes:
            if node.op == "BatchNormalization" and (affine := fixed_affine(graph, node)) is not None:
                graph = fold(graph, node, affine) or graph
    return graph.without_dead_nodes()


def fixed_affine(graph: Graph, node: Node) -> Affine | None:
    """The factor and the shift; None if they are not fixed at load time."""
    fixed = all(name in graph.constants for name in node.inputs[1:])
    if not fixed or node.get("training_mode", 0) or not node.get("spatial", 1):
        return None
    gamma, beta, mean, variance = (graph.constants[name].astype(np.float64) for name in node.inputs[1:])
    factor = gamma / np.sqrt(variance + node.get("epsilon", 1e-5))
    return factor, beta - factor * mean


def _into_previous(graph: Graph, norm: Node, affine: Affine) -> Graph | None:
    """Scale the output channels of the node that feeds the norm."""
    layer = graph.producer(norm.inputs[0])
    if layer is None or not graph.read_once(norm.inputs[0]) or not _has_weights(graph, layer):
        return None
    factor, shift = affine
    weight = graph.constants[layer.inputs[1]]
    axis = _output_axis(layer)
    bias = _bias(graph, layer, weight.shape[axis])
    if weight.shape[axis] != len(factor) or bias is None:
        return None
    scaled = _times(weight, factor, axis)
    return _with_weights(graph, layer, scaled, bias * factor + shift, drop=norm, output=norm.outputs[0])


def _into_next(graph: Graph, norm: Node, affine: Affine) -> Graph | None:
    """Scale the input channels of the layer that reads the norm, past a Flatten that may lie between."""
    flatten = None
    layer = _only_reader(graph, norm.outputs[0])
    if layer is not None and layer.op == "Flatten" and layer.get("axis", 1) == 1:
        flatten, layer = layer, _only_reader(graph, layer.outputs[0])
    if layer is None or not _has_weights(graph, layer):
        return None
    take = _TAKERS.get(layer.op)
    if take is None or (flatten is not None and layer.op != "Gemm"):
        return None
    taken = take(graph, layer, affine)
    if taken is None:
        return None
    graph = _with_weights(graph, layer, *taken, drop=norm, output=layer.outputs[0])
    return graph.renamed({norm.outputs[0]: norm.inputs[0]})


def _gemm_takes(graph: Graph, layer: Node, affine: Affine) -> tuple[FloatArray, NDArray[np.float64]] | None:
    """Weights and bias of a Gemm whose input is s x + t; each channel covers several columns after a Flatten."""
    weight = graph.constants[layer.inputs[1]]
    rows = weight if layer.get("transB", 0) else weight.T
    cells, rest = divmod(rows.shape[1], len(affine[0]))
    bias = _bias(graph, layer, len(rows))
    if rest or bias is None or layer.get("transA", 0):
        return None
    factor, shift = affine
    bias += layer.get("alpha", 1.0) * (per_input(rows.reshape(len(rows), -1, cells)) @ shift)
    return _times(weight, np.repeat(factor, cells), 1 if layer.get("transB", 0) else 0), bias


def _conv_takes(graph: Graph, layer: Node, affine: Affine) -> tuple[FloatArray, NDArray[np.float64]] | None:
    """Weights and bias of an unpadded, ungrouped convolution whose input is s x + t."""
    weight = graph.constants[layer.inputs[1]]
    bias = _bias(graph, layer, len(weight))
    if pads(layer) or layer.get("group", 1) != 1 or weight.shape[1] != len(affine[0]) or bias is None:
        return None
    factor, shift = affine
    return _times(weight, factor, 1), bias + per_input(weight) @ shift


_TAKERS: dict[str, Callable[[Graph, Node, Affine], tuple[FloatArray, NDArray[np.float64]] | None]] = {
    "Gemm": _gemm_takes,
    "Conv": _conv_takes,
}


def per_input(weight: AnyArray) -> NDArray[np.float64]:
    """Sums over the kernel: (outputs, inputs) of weights (outputs, inputs, ...), added up in float64."""
    return np.asarray(weight.sum(axis=tuple(range(2, weight.ndim)), dtype=np.float64), np.float64)


def pads(conv: Node) -> bool:
    """Whether a convolution may pad its input."""
    automatic = conv.get("auto_pad", "NOTSET")
    return automatic not in ("NOTSET", "VALID") or (automatic == "NOTSET" and any(conv.get("pads", [0])))


def _has_weights(graph: Graph, layer: Node) -> bool:
    """Whether it is a layer whose constant float32 weights can be changed."""
    if layer.op not in ("Conv", "ConvTranspose", "Gemm") or layer.inputs[1] not in graph.constants:
        return False
    if layer.op == "ConvTranspose" and layer.get("group", 1) != 1:
        return False
    return graph.constants[layer.inputs[1]].dtype == np.float32


def _output_axis(layer: Node) -> int:
    """The axis of the weights that counts output channels."""
    if layer.op == "Gemm":
        return 0 if layer.get("transB", 0) else 1
    return 1 if layer.op == "ConvTranspose" else 0


def _bias(graph: Graph, layer: Node, width: int) -> NDArray[np.float64] | None:
    """The bias that counts, (width,); zeros where there is none, None where it is not one constant a channel."""
    if len(layer.inputs) < 3 or not layer.inputs[2]:
        return np.zeros(width)
    bias = graph.constants.get(layer.inputs[2])
    if bias is None or bias.size != width:
        return None
    return np.asarray(bias.reshape(-1) * np.float64(layer.get("beta", 1.0)), np.float64)


def _times(weight: AnyArray, factor: NDArray[np.float64], axis: int) -> FloatArray:
    """Weights with one axis scaled."""
    shape = [1] * weight.ndim
    shape[axis] = -1
    return np.asarray(weight * factor.astype(np.float32).reshape(shape), np.float32)


def _with_weights(
    graph: Graph, layer: Node, weight: FloatArray, bias: NDArray[np.float64], *, drop: Node, output: str
) -> Graph:
    """The graph with the layer's weights exchanged, under new names since others may share the old ones."""
    names = f"{output}_weight_folded", f"{output}_bias_folded"
    attributes = {k: v for k, v in layer.attributes.items() if k != "beta"}
    changed = replace(layer, inputs=(layer.inputs[0], *names), outputs=(output,), attributes=attributes)
    constants = dict(zip(names, (weight, bias.astype(np.float32)), strict=True))
    return graph.with_nodes({id(layer): (changed,), id(drop): ()}).with_constants(constants)


def _only_reader(graph: Graph, name: str) -> Node | None:
    """The one node that reads a value; None if there are several, or if it is an output."""
    if not graph.read_once(name):
        return None
    return next((node for node in graph.nodes if name in node.inputs), None)
