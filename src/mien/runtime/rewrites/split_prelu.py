"""PReLU as two depthwise 1x1 convolutions, for ONNX Runtime's CPU kernels.

y = x where x > 0, a x elsewhere, equals x + (1 - a) relu(-x), whatever the slope a. ONNX Runtime's own PRelu is
scalar code and forces the blocked layout of the convolutions around it to be undone and redone: 57 to 70 % of the
time of face networks. Convolutions stay in that layout, and Relu and Add are fused into them. OpenVINO fuses PRelu
by itself and needs no help.
"""

from __future__ import annotations

import numpy as np

from mien.runtime.rewrites.graph import Graph, Node


def split_prelu(graph: Graph) -> Graph:
    """The graph without the PRelu nodes that follow a two-dimensional convolution and have one slope a channel."""
    changed = {}
    constants = {}
    for node in graph.nodes:
        if node.op != "PRelu" or (channels := _channels(graph, node)) is None:
            continue
        slopes = np.broadcast_to(graph.constants[node.inputs[1]].reshape(-1), (channels,))
        x, y = node.inputs[0], node.outputs[0]
        minus, rest = f"{y}_minus", f"{y}_rest"
        constants[minus] = np.full((channels, 1, 1, 1), -1, np.float32)
        constants[rest] = (1 - slopes).astype(np.float32).reshape(-1, 1, 1, 1)
        changed[id(node)] = (
            Node.make("Conv", (x, minus), f"{y}_negated", group=channels),
            Node.make("Relu", (f"{y}_negated",), f"{y}_below"),
            Node.make("Conv", (f"{y}_below", rest), f"{y}_lift", group=channels),
            Node.make("Add", (f"{y}_lift", x), y),
        )
    return graph.with_nodes(changed).with_constants(constants).without_dead_nodes()


def _channels(graph: Graph, node: Node) -> int | None:
    """How many channels the input has; None unless a convolution tells and the slopes go by channel."""
    conv, slopes = graph.producer(node.inputs[0]), graph.constants.get(node.inputs[1])
    if conv is None or conv.op != "Conv" or slopes is None or slopes.dtype != np.float32:
        return None
    weight = graph.constants.get(conv.inputs[1])
    if weight is None or weight.ndim != 4:
        return None
    channels = len(weight)
    by_channel = slopes.size == 1 or slopes.shape in ((channels, 1, 1), (1, channels, 1, 1))
    return channels if by_channel else None
