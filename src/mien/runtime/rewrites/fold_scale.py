"""A constant factor before a convolution moves into its weights: a padded zero times a factor is still zero.

A constant that is subtracted or added moves too, but only into a convolution that pads nothing: padding is zero
after the subtraction, not before it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mien.runtime.rewrites.fold_batch_norm import pads, per_input
from mien.runtime.rewrites.graph import Graph, Node


def fold_scale(graph: Graph) -> Graph:
    """The graph with constant Mul, Div, Add and Sub before a convolution folded into it, nearest first, where exact."""
    for conv in [node for node in graph.nodes if node.op == "Conv"]:
        while (folded := _folded(graph, conv)) is not None:
            graph, conv = folded
    return graph.without_dead_nodes()


def _folded(graph: Graph, conv: Node) -> tuple[Graph, Node] | None:
    """One step: the graph without the arithmetic before the convolution, and the convolution as it is then."""
    before = graph.producer(conv.inputs[0])
    weight = graph.constants.get(conv.inputs[1])
    if before is None or weight is None or weight.dtype != np.float32 or not graph.read_once(conv.inputs[0]):
        return None
    step = _affine(graph, before, weight.shape[1] if conv.get("group", 1) == 1 else 1)
    bias = graph.constants.get(conv.inputs[2]) if len(conv.inputs) > 2 else np.zeros(len(weight), np.float32)
    if step is None or bias is None or (pads(conv) and step[1].any()):
        return None
    factor, shift = step
    shifts = per_input(weight) @ np.broadcast_to(shift, weight.shape[1])
    names = f"{conv.outputs[0]}_weight_scaled", f"{conv.outputs[0]}_bias_scaled"
    scaled = weight * factor.astype(np.float32).reshape(1, -1, *[1] * (weight.ndim - 2))
    constants = {names[0]: scaled, names[1]: (bias + shifts).astype(np.float32)}
    changed = replace(conv, inputs=(_data(graph, before), *names))
    return graph.with_nodes({id(conv): (changed,)}).with_constants(constants).without_dead_nodes(), changed


def _data(graph: Graph, node: Node) -> str:
    """The input of an operation that is not its constant."""
    return node.inputs[0] if node.inputs[1] in graph.constants else node.inputs[1]


def _affine(graph: Graph, node: Node, channels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Factor and shift, (1,) or (channels,) each, of an operation with one constant that goes by channel."""
    if node.op not in ("Mul", "Div", "Add", "Sub") or sum(name in graph.constants for name in node.inputs) != 1:
        return None
    second = node.inputs[1] in graph.constants
    constant = graph.constants[node.inputs[1] if second else node.inputs[0]].astype(np.float64)
    by_channel = constant.size == 1 and constant.ndim <= 4
    by_channel |= constant.shape in ((channels, 1, 1), (1, channels, 1, 1))
    if not by_channel or (node.op == "Div" and not second):
        return None
    value, one = constant.reshape(-1), np.ones(1)
    if node.op in ("Mul", "Div"):
        return (value if node.op == "Mul" else 1 / value), 0 * one
    if node.op == "Add":
        return one, value
    return (one, -value) if second else (-one, value)
