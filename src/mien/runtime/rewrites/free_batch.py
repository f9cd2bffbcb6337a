"""The number of pictures in a call is not fixed, and where a detector asks for it, their height and width neither."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx

from mien.runtime.rewrites.graph import Graph, Node
from mien.types.arrays import AnyArray


def free_batch(graph: Graph) -> Graph:
    """The graph with a free first dimension; a Reshape to (1, ...) keeps the batch instead of the 1.

    Networks that compute on the batch dimension are not meant: mien runs those of one picture a row.
    """
    graph = _freed(graph, {0: "batch"})
    constants: dict[str, AnyArray] = {}
    changed: dict[int, tuple[Node, ...]] = {}
    for node in graph.nodes:
        shape = graph.constants.get(node.inputs[1]) if node.op == "Reshape" else None
        if shape is None or not _fixes_batch(shape) or node.get("allowzero", 0):
            continue
        name = f"{node.outputs[0]}_free_shape"
        # 0 keeps the input's own first dimension; -1, where it is still free to use, is what the others leave.
        constants[name] = np.concatenate([np.full(1, 0 if -1 in shape else -1, np.int64), shape[1:]])
        changed[id(node)] = (replace(node, inputs=(node.inputs[0], name)),)
    return graph.with_nodes(changed).with_constants(constants).without_dead_nodes()


def free_size(graph: Graph) -> Graph:
    """The graph with free height and width, for a fully convolutional network."""
    return _freed(graph, {2: "height", 3: "width"})


def _fixes_batch(shape: AnyArray) -> bool:
    return shape.ndim == 1 and len(shape) > 1 and shape[0] == 1


def _freed(graph: Graph, names: dict[int, str]) -> Graph:
    """The graph with named instead of fixed dimensions in its rank-4 inputs; engines work out the outputs' shapes."""
    inputs = {name: _with_free_axes(value, names) for name, value in graph.inputs.items()}
    header = onnx.ModelProto()
    header.CopyFrom(graph.header)
    for value in header.graph.output:
        for size in value.type.tensor_type.shape.dim:
            size.Clear()
    return replace(graph, inputs=inputs, header=header)


def _with_free_axes(value: onnx.ValueInfoProto, names: dict[int, str]) -> onnx.ValueInfoProto:
    free = onnx.ValueInfoProto()
    free.CopyFrom(value)
    axes = free.type.tensor_type.shape.dim
    for axis, name in names.items():
        if len(axes) == 4:
            axes[axis].dim_param = name
    return free
