"""Within a person: the largest cluster of pictures stays (intra-class cleaning).

DBSCAN* (Campello, Moulavi and Sander, PAKDD 2013): a picture is in a cluster when it is linked with enough of its
person's other pictures, and clusters are what links join. DBSCAN itself would also take a picture with one link to a
cluster; where a link is wrong one time in ten, that takes in every second stranger.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mien.types.arrays import FloatArray

CELLS = 1 << 22
"""Cosines held at once: 16 MB, whatever the number of a person's pictures."""


def largest_cluster(vectors: FloatArray, level: float, density: float) -> NDArray[np.bool_]:
    """Which pictures of a person are in the largest cluster; of equal ones the one with most links.

    Args:
        vectors: (k, d) float32, unit rows.
        level: cosine from which two pictures are linked.
        density: share of the others that a picture must be linked with, and with one at least.

    Returns:
        (k,) bool; all false when there is no cluster.
    """
    count = len(vectors)
    links = np.concatenate([linked.sum(1) for _, linked in _links(vectors, level)])
    core = links >= max(1, math.ceil(density * (count - 1)))
    if not core.any():
        return core
    cluster = _joined(vectors, level, core)
    sizes = np.bincount(cluster[core], minlength=count)
    weights = np.bincount(cluster[core], links[core], minlength=count)
    best = int(np.lexsort((weights, sizes))[-1])
    return np.asarray(core & (cluster == best))


def _joined(vectors: FloatArray, level: float, core: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(k,) the lowest number among the core pictures that links lead to."""
    cluster = np.where(core, np.arange(len(core)), len(core))
    while True:
        reached = cluster.copy()
        for rows, linked in _links(vectors, level):
            lowest = np.where(linked & core, cluster, len(core)).min(1)
            reached[rows] = np.minimum(reached[rows], lowest)
        reached = np.where(core, reached, len(core))
        reached[core] = np.minimum(reached[core], reached[reached[core]])
        if (reached == cluster).all():
            return cluster
        cluster = reached


def _links(vectors: FloatArray, level: float) -> Iterator[tuple[slice, NDArray[np.bool_]]]:
    """Rows, and (r, k) whether they are linked with each picture; nobody is linked with themselves."""
    step = max(1, CELLS // len(vectors))
    for start in range(0, len(vectors), step):
        rows = slice(start, min(start + step, len(vectors)))
        linked = vectors[rows] @ vectors.T >= level
        linked[np.arange(rows.stop - start), np.arange(start, rows.stop)] = False
        yield rows, linked
