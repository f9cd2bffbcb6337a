"""Average linkage that is exact, obeys constraints, and needs no matrix of all distances.

Three facts make it small. (1) For unit vectors the average cosine between two clusters is the product of their mean
vectors. (2) Average linkage is reducible: joining A and B never brings D nearer than the nearer of A and B was, and a
forbidden pair stays forbidden. So a pair below the cut can be forgotten at once, and pairs that are each other's best
can be joined in any order, many at a time (Bruynooghe 1978; Sumengen et al., Scaling Hierarchical Agglomerative
Clustering, arXiv 2105.11653). (3) A dendrogram cut high and then continued is the same dendrogram; so when too many
pairs exceed the cut, the highest go first, and the clusters that remain are fewer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.grouping.apart import Apart, Barrier, Ints
from mien.types.arrays import FloatArray

PAIRS = 8_000_000
"""Pairs held at once; about 0.5 GB with the copies that a round makes."""
_TILE = 2048  # clusters a side of one product: 16 MB, inside the last cache level
_ROWS = 1 << 16  # pairs whose similarity is recomputed at once


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of clusters that may be joined, a < b, with their average cosine."""

    a: Ints
    b: Ints
    scores: FloatArray

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, rows: NDArray[np.bool_] | Ints) -> Pairs:
        return Pairs(self.a[rows], self.b[rows], self.scores[rows])


def average_linkage(vectors: FloatArray, start: Ints, cut: float, apart: Apart, *, limit: int = PAIRS) -> Ints:
    """Joins the two most alike clusters again and again, while their average cosine is at least `cut`.

    Args:
        vectors: (n, d) float32, unit rows.
        start: (n,) cluster of each face to begin with, numbered 0..m-1.
        cut: least average cosine of a join.
        apart: who may not be joined.
        limit: pairs held at once; bounds the memory, changes no result.

    Returns:
        (n,) cluster of each face, numbered from 0.
    """
    owner = start
    means, sizes = pool(vectors, owner)
    while True:
        pairs, level, complete = pairs_above(means, cut, apart.between(owner), limit)
        target = _join(means, sizes, pairs, level, apart, owner)
        kept, number = np.unique(target, return_inverse=True)
        owner, means, sizes = number[owner], means[kept], sizes[kept]
        if complete:
            return owner


def pairs_above(means: FloatArray, cut: float, barrier: Barrier, limit: int) -> tuple[Pairs, float, bool]:
    """All pairs that may be joined at `cut`; if there are more than `limit`, the highest of them.

    Returns:
        The pairs, the least score up to which they are all there, and whether that is the cut.
    """
    level, complete = cut, True
    found = Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    parts, waiting = [found], 0
    for row in range(0, len(means), _TILE):
        for column in range(row, len(means), _TILE):
            tile = means[row : row + _TILE] @ means[column : column + _TILE].T
            part = _allowed(tile, row, column, level, barrier)
            parts.append(part)
            waiting += len(part)
            if waiting > limit:
                highest = _highest(_concatenate(parts), limit // 2)
                level, complete = float(highest.scores.min()), False
                parts, waiting = [highest], len(highest)
    return _concatenate(parts), level, complete


def _allowed(tile: FloatArray, row: int, column: int, level: float, barrier: Barrier) -> Pairs:
    a, b = np.divmod(np.flatnonzero(tile >= level), tile.shape[1])
    scores = tile[a, b]
    a, b = a + row, b + column
    pairs = Pairs(a, b, scores)[a < b]
    return pairs[barrier.allows(pairs.a, pairs.b)]


def _highest(pairs: Pairs, count: int) -> Pairs:
    return pairs[np.sort(np.argpartition(-pairs.scores, count)[:count])]


def _join(means: FloatArray, sizes: FloatArray, pairs: Pairs, level: float, apart: Apart, owner: Ints) -> Ints:
    """Joins until no pair reaches `level`, writing into means and sizes; gives the cluster each has become part of."""
    target = np.arange(len(means))
    while len(pairs):
        best = pairs[_mutual(pairs, len(means))]
        share = (sizes[best.b] / (sizes[best.a] + sizes[best.b]))[:, None]
        means[best.a] += share * (means[best.b] - means[best.a])
        sizes[best.a] += sizes[best.b]
        step = np.arange(len(means))
        step[best.b] = best.a
        target = step[target]
        pairs = _after(pairs, best, step, means, level, apart.between(target[owner]))
    return target


def _mutual(pairs: Pairs, clusters: int) -> Ints:
    """Rows of pairs that are each other's best, each cluster at most once; a fixed shuffle decides equal scores."""
    best = np.full(clusters, -np.inf, np.float32)
    np.maximum.at(best, pairs.a, pairs.scores)
    np.maximum.at(best, pairs.b, pairs.scores)
    rows = np.flatnonzero((pairs.scores == best[pairs.a]) & (pairs.scores == best[pairs.b]))
    a, b = pairs.a[rows], pairs.b[rows]
    order = np.random.default_rng(0).permutation(len(rows))
    first = np.full(clusters, len(rows))
    np.minimum.at(first, a, order)
    np.minimum.at(first, b, order)
    chosen: Ints = rows[(first[a] == order) & (first[b] == order)]
    return chosen


def _after(pairs: Pairs, joined: Pairs, step: Ints, means: FloatArray, level: float, barrier: Barrier) -> Pairs:
    """The pairs that are left once `joined` are joined."""
    changed = np.zeros(len(means), bool)
    changed[joined.a] = changed[joined.b] = True
    touched = changed[pairs.a] | changed[pairs.b]
    ends = np.stack([step[pairs.a[touched]], step[pairs.b[touched]]])
    low, high = ends.min(axis=0), ends.max(axis=0)
    keys = np.unique((low * len(means) + high)[low < high])
    low, high = np.divmod(keys, len(means))
    scores = _scores(means, low, high)
    fresh = Pairs(low, high, scores)[scores >= level]
    return _concatenate([pairs[~touched], fresh[barrier.allows(fresh.a, fresh.b)]])


def _scores(means: FloatArray, a: Ints, b: Ints) -> FloatArray:
    scores = np.empty(len(a), np.float32)
    for at in range(0, len(a), _ROWS):
        part = slice(at, at + _ROWS)
        np.einsum("nd,nd->n", means[a[part]], means[b[part]], out=scores[part])
    return scores


def pool(vectors: FloatArray, owner: Ints) -> tuple[FloatArray, FloatArray]:
    """Mean vector and size of each cluster."""
    sizes = np.bincount(owner).astype(np.float32)
    means = np.zeros((len(sizes), vectors.shape[1]), np.float32)
    np.add.at(means, owner, vectors)
    return means / sizes[:, None], sizes


def _concatenate(parts: list[Pairs]) -> Pairs:
    return Pairs(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("a", "b", "scores")))
