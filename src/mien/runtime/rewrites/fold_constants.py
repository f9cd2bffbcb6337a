"""Constant nodes, and Reshape of a constant, become constants."""

from __future__ import annotations

import numpy as np
from onnx import numpy_helper

from mien.errors import ModelInvalidError
from mien.runtime.rewrites.graph import Graph, Node
from mien.types.arrays import AnyArray


def fold_constants(graph: Graph) -> Graph:
    """The graph with the results of Constant(value) and Reshape(constant, constant) stored."""
    constants: dict[str, AnyArray] = dict(graph.constants)
    folded: dict[int, tuple[Node, ...]] = {}
    for node in graph.nodes:
        if node.op == "Constant" and "value" in node.attributes:
            constants[node.outputs[0]] = numpy_helper.to_array(node.attributes["value"].t)
        elif node.op == "Reshape" and len(node.inputs) == 2 and all(name in constants for name in node.inputs):
            constants[node.outputs[0]] = _reshaped(node, *(constants[name] for name in node.inputs))
        else:
            continue
        folded[id(node)] = ()
    return graph.with_nodes(folded).with_constants(constants).without_dead_nodes()


def _reshaped(node: Node, array: AnyArray, shape: AnyArray) -> AnyArray:
    """What Reshape gives; a 0 keeps the size of that axis unless `allowzero` says otherwise."""
    sizes = shape.astype(int).tolist()
    try:
        if not node.get("allowzero", 0):
            sizes = [array.shape[i] if size == 0 else size for i, size in enumerate(sizes)]
        return np.reshape(array, sizes)
    except (ValueError, IndexError) as error:
        raise ModelInvalidError(f"'{node.outputs[0]}': {array.shape} cannot take the shape {sizes}") from error
