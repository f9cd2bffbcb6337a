"""Weights so small that they only slow the processor down become zero.

Training with weight decay leaves dead channels with weights down to 1e-45. Below 1.2e-38 a float32 is subnormal, and
arithmetic on it is many times slower on Intel processors: with 9,000 of its 1.2 million weights of that kind,
MobileFaceNet took three times as long in OpenVINO. Products with activations reach that range sooner, hence the larger
bound; its outputs are the same to the last bit.
"""

from __future__ import annotations

import numpy as np

from mien.runtime.rewrites.graph import Graph

TINY = 1e-20


def flush_tiny(graph: Graph) -> Graph:
    """The graph with constants below 1e-20 in magnitude as zeros."""
    flushed = {}
    for name, array in graph.constants.items():
        if array.dtype == np.float32 and (tiny := (np.abs(array) < TINY) & (array != 0)).any():
            flushed[name] = np.where(tiny, np.float32(0), array)
    return graph.with_constants(flushed) if flushed else graph
