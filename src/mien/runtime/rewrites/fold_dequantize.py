"""Weights stored as integers become float weights once, at load time.

`DequantizeLinear(x, scale, zero)` is (x - zero) * scale, with one scale for the whole tensor, one for each index of an
axis, or (opset 21) one for each block of `block_size` along it. The block-quantised files of OpenCV's model zoo
use blocks on one-dimensional biases too, which ONNX Runtime rejects; the text of the operator allows them.
"""

from __future__ import annotations

import numpy as np

from mien.errors import ModelInvalidError
from mien.runtime.rewrites.graph import Graph, Node
from mien.types.arrays import AnyArray, FloatArray


def fold_dequantize(graph: Graph) -> Graph:
    """The graph with the results of DequantizeLinear on constant integers as float32 constants."""
    folded = [
        node
        for node in graph.nodes
        if node.op == "DequantizeLinear"
        and all(name in graph.constants for name in node.inputs if name)
        and graph.constants[node.inputs[0]].dtype.kind in "iu"
        and graph.constants[node.inputs[1]].dtype == np.float32
    ]
    weights = {node.outputs[0]: _dequantized(graph, node) for node in folded}
    return graph.with_nodes({id(node): () for node in folded}).with_constants(weights).without_dead_nodes()


def _dequantized(graph: Graph, node: Node) -> FloatArray:
    """One tensor, computed as the operator's text says."""
    x, scale = (graph.constants[name] for name in node.inputs[:2])
    zero = graph.constants[node.inputs[2]] if len(node.inputs) > 2 and node.inputs[2] else None
    axis, block = node.get("axis", 1), node.get("block_size", 0)
    try:
        tiles = x.reshape(_tiles(x.shape, axis, block))
        if zero is not None and zero.any():
            tiles = tiles.astype(np.float32) - _per_tile(zero, tiles.ndim, axis, block).astype(np.float32)
        return np.multiply(tiles, _per_tile(scale, tiles.ndim, axis, block), dtype=np.float32).reshape(x.shape)
    except (ValueError, IndexError) as error:
        raise ModelInvalidError(
            f"'{node.outputs[0]}': scales of shape {scale.shape} do not fit {x.shape}, axis {axis}, block {block}"
        ) from error


def _tiles(shape: tuple[int, ...], axis: int, block: int) -> tuple[int, ...]:
    """The tensor's shape with the blocked axis as (blocks, block); a last block that is cut short is not met with."""
    if not block:
        return shape
    axis %= len(shape)
    return (*shape[:axis], shape[axis] // block, block, *shape[axis + 1 :])


def _per_tile(values: AnyArray, rank: int, axis: int, block: int) -> AnyArray:
    """Scales or zero points in a shape that broadcasts to the tiles'."""
    if block:
        return np.expand_dims(values, axis % values.ndim + 1)
    if values.size == 1:
        return values.reshape(())
    return values.reshape([-1 if i == axis % rank else 1 for i in range(rank)])
