"""Nodes that do nothing when a network is only run: Identity, and Dropout outside training."""

from __future__ import annotations

from mien.runtime.rewrites.graph import Graph, Node


def drop_identities(graph: Graph) -> Graph:
    """The graph in which the readers of such a node read its input instead; one that makes an output stays."""
    bypassed = {
        node.outputs[0]: node.inputs[0]
        for node in graph.nodes
        if _does_nothing(graph, node) and node.outputs[0] not in graph.outputs
    }
    return graph.renamed(bypassed).without_dead_nodes()


def _does_nothing(graph: Graph, node: Node) -> bool:
    if node.op == "Identity":
        return True
    if node.op != "Dropout" or any(graph.is_read(mask) for mask in node.outputs[1:]):
        return False
    training = node.inputs[2] if len(node.inputs) > 2 else ""
    return not training or (training in graph.constants and not graph.constants[training].any())
