"""YuNet's twelve heads become three outputs, one a stride, with the sigmoids left to the caller.

The published graph ends in four heads (cls, obj, bbox, kps) at each of the strides 8, 16 and 32: a 1x1 convolution, a
3x3 depthwise one, Transpose, Reshape and, for two of them, Sigmoid. The heads of one stride read the same tensor, so
their weights stack: 24 convolutions become 6.

Outputs afterwards, in this order: ``stride_8``, ``stride_16``, ``stride_32``, each (b, 16, h, w) float32, where h and w
are the input's height and width divided by the stride, and the channels are

    0       cls   logit
    1       obj   logit           score = sqrt(sigmoid(cls) * sigmoid(obj))
    2..5    bbox  dx dy dw dh     centre = (column + dx, row + dy) * stride, size = exp(dw, dh) * stride
    6..15   kps   dx dy, 5 times  point  = (column + dx, row + dy) * stride

Leaving the sigmoid out lets the caller drop nearly every cell by its logits before computing anything.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mien.errors import ModelInvalidError
from mien.runtime.rewrites.graph import Graph, Node

STRIDES = (8, 16, 32)
HEADS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}


def merge_yunet_heads(graph: Graph) -> Graph:
    """The graph with three outputs instead of twelve; a graph with other outputs comes back as it is.

    Raises:
        ModelInvalidError: the twelve outputs are there, but not made as YuNet makes them.
    """
    names = {f"{head}_{stride}" for head in HEADS for stride in STRIDES}
    if set(graph.outputs) != names:
        return graph
    merged = [node for stride in STRIDES for node in _merged(graph, stride)]
    outputs = tuple(f"stride_{stride}" for stride in STRIDES)
    for _, constants in merged:
        graph = graph.with_constants(constants)
    nodes = (*graph.nodes, *(node for node, _ in merged))
    return replace(graph, nodes=nodes, outputs=outputs).without_dead_nodes()


def _merged(graph: Graph, stride: int) -> list[tuple[Node, dict[str, np.ndarray]]]:
    """The pointwise and the depthwise convolution that stand for the four heads of one stride."""
    pairs = [_head(graph, f"{head}_{stride}", width) for head, width in HEADS.items()]
    if len({pointwise.inputs[0] for pointwise, _ in pairs}) != 1:
        raise ModelInvalidError(
            f"YuNet's heads of stride {stride} do not read one tensor: not a YuNet graph mien knows"
        )
    pointwise = _stack(graph, [p for p, _ in pairs], pairs[0][0].inputs[0], f"stride_{stride}_features", group=1)
    depthwise = _stack(graph, [d for _, d in pairs], f"stride_{stride}_features", f"stride_{stride}", group=16)
    return [pointwise, depthwise]


def _head(graph: Graph, output: str, width: int) -> tuple[Node, Node]:
    """The two convolutions behind one output."""
    chain: list[Node] = []
    name = output
    while (node := graph.producer(name)) is not None and len(chain) < 5:
        chain.append(node)
        name = node.inputs[0]
        if [n.op for n in chain[-2:]] == ["Conv", "Conv"]:
            break
    ops = [node.op for node in chain if node.op != "Sigmoid"]
    if ops != ["Reshape", "Transpose", "Conv", "Conv"]:
        raise ModelInvalidError(f"output {output} is made by {' < '.join(ops)}: not a YuNet graph mien knows")
    depthwise, pointwise = chain[-2:]
    kernels = [graph.constant(node.inputs[1]).shape[2:] for node in (pointwise, depthwise)]
    if kernels != [(1, 1), (3, 3)] or depthwise.get("group", 1) != width:
        raise ModelInvalidError(f"output {output} has other convolutions than YuNet's: not a YuNet graph mien knows")
    return pointwise, depthwise


def _stack(
    graph: Graph, nodes: list[Node], source: str, output: str, *, group: int
) -> tuple[Node, dict[str, np.ndarray]]:
    """One convolution with the kernels and biases of several, one after the other."""
    weight, bias = f"{output}_weight", f"{output}_bias"
    constants = {
        weight: np.concatenate([graph.constant(node.inputs[1]) for node in nodes]),
        bias: np.concatenate([graph.constant(node.inputs[2]) for node in nodes]),
    }
    pad = constants[weight].shape[-1] // 2
    return Node.make("Conv", (source, weight, bias), output, group=group, pads=[pad] * 4), constants
