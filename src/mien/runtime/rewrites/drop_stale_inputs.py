"""Inputs that the caller never feeds leave the list of inputs.

Older exporters declare every weight as an input too, and a quantiser may leave behind declarations of weights that it
replaced. The first kind keeps engines from folding constants, the second keeps them from running at all.
"""

from __future__ import annotations

from dataclasses import replace

from mien.runtime.rewrites.graph import Graph


def drop_stale_inputs(graph: Graph) -> Graph:
    """The graph whose inputs are those that have no stored value and that something reads."""
    live = {name: value for name, value in graph.inputs.items() if name not in graph.constants and graph.is_read(name)}
    return replace(graph, inputs=live)
