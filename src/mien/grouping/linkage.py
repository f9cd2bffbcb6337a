"""Average linkage that is exact, obeys constraints, and needs no matrix of all distances.

Three facts make it small. (1) For unit vectors the average cosine between two clusters is the product of their mean
vectors. (2) Average linkage is reducible: joining A and B never brings D nearer than the nearer of A and B was, and a
forbidden pair stays forbidden. So a pair below the cut can be forgotten at once, and pairs that are each other's best
can be joined in any order, many at a time (Bruynooghe 1978; Sumengen et al., Scaling Hierarchical Agglomerative
Clustering, arXiv 2105.11653). (3) A cluster need only know its best neighbours, down to a level of its own: a pair
that neither end knows is at most as alike as either level. Joining A and B averages their levels as it averages their
scores, so what is unknown stays below; only a cluster that has used up all it knew looks at the others again, and by
then they are fewer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.grouping.apart import Apart, Barrier, Ints, distinct
from mien.grouping.neighbours import Pairs, joined, nearest, no_pairs, together
from mien.types.arrays import FloatArray

PAIRS = 1_600_000
"""Neighbours held at once, shared by the clusters; about 0.2 GB with the copies that are made of them."""
_BAND = 1 << 17  # pairs that a round looks at
_ROWS = 1 << 16  # pairs whose similarity is recomputed at once


@dataclass(frozen=True, slots=True)
class _Clusters:
    """Clusters as columns; joining writes into them.

    Args:
        means: (m, d) mean vectors.
        sizes: (m,) numbers of faces.
        levels: (m,) no pair of a cluster above its level is unknown.
    """

    means: FloatArray
    sizes: FloatArray
    levels: FloatArray

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, rows: Ints) -> _Clusters:
        return _Clusters(self.means[rows], self.sizes[rows], self.levels[rows])

    def __setitem__(self, rows: Ints, values: _Clusters) -> None:
        self.means[rows], self.sizes[rows], self.levels[rows] = values.means, values.sizes, values.levels

    def join(self, a: Ints, b: Ints) -> None:
        """Makes a[i] both a[i] and b[i]; no cluster stands twice."""
        share = self.sizes[b] / (self.sizes[a] + self.sizes[b])
        self.means[a] += share[:, None] * (self.means[b] - self.means[a])
        self.levels[a] += share * (self.levels[b] - self.levels[a])
        self.sizes[a] += self.sizes[b]


def average_linkage(
    vectors: FloatArray,
    start: Ints,
    cut: float,
    apart: Apart,
    *,
    fresh: Ints | None = None,
    limit: int = PAIRS,
    going: Callable[[], None] | None = None,
) -> Ints:
    """Joins the two most alike clusters again and again, while their average cosine is at least `cut`.

    Args:
        vectors: (n, d) float32, unit rows.
        start: (n,) cluster of each face to begin with, numbered 0..m-1.
        cut: least average cosine of a join.
        apart: who may not be joined.
        fresh: clusters to compare with all others; None = all. The rest is known to be apart among itself.
        limit: neighbours held at once; bounds the memory, changes no result.
        going: called again and again, from any thread; what it raises ends the work.

    Returns:
        (n,) cluster of each face, numbered from 0.
    """
    owner, pairs = start, no_pairs()
    concerned = apart.concerned()
    apart = apart.among(concerned)
    means, sizes = pool(vectors, owner)
    clusters = _Clusters(means, sizes, np.full(len(means), cut, np.float32))
    ask = np.arange(len(clusters)) if fresh is None else fresh
    while len(ask):
        barrier = apart.between(owner[concerned], len(clusters))
        count = max((limit - len(pairs)) // len(ask), limit // len(clusters), 1)
        found, clusters.levels[ask] = nearest(clusters.means, ask, count, cut, barrier, going)
        target, pairs = _join(clusters, joined([pairs, *found]), apart, owner[concerned])
        kept, number = np.unique(target, return_inverse=True)
        owner, clusters = number[owner], clusters[kept]
        pairs = Pairs(np.searchsorted(kept, pairs.a), np.searchsorted(kept, pairs.b), pairs.scores)
        levels = clusters.levels
        ask = np.flatnonzero((_best(pairs, len(clusters)) < levels) & (levels > np.float32(cut)))
    return owner


def _join(clusters: _Clusters, pairs: Pairs, apart: Apart, owner: Ints) -> tuple[Ints, Pairs]:
    """Joins until no pair is known to be both ends' best.

    The highest pairs go first, a band at a time: what lies below cannot matter to them, and is brought up to date when
    its turn comes. The ends of a pair that its band leaves over wait for what they do not know: nothing below can free
    them, so each pair has its turn once.

    Args:
        clusters: written into.
        pairs: what is known.
        apart: who may not be joined.
        owner: cluster of each face that `apart` speaks of.

    Returns:
        The cluster that each has become part of, and the pairs that are left, some perhaps twice.
    """
    target, changed = np.arange(len(clusters)), np.zeros(len(clusters), bool)
    stuck = np.zeros(len(clusters), bool)
    fallen, left = no_pairs(), [no_pairs()]
    order = np.argsort(-pairs.scores)
    for at in range(0, len(order), _BAND):
        turn = order[at : at + _BAND]
        floor = pairs.scores[turn[-1]] if at + _BAND < len(order) else -np.inf
        barrier = apart.between(target[owner], len(clusters))
        known = together(_renamed(together([fallen, pairs[turn]]), changed, target, clusters, barrier))
        high = known.scores >= floor
        ids, step, rest, low = _join_band(clusters, known[high], float(floor), stuck, apart, target[owner])
        fallen = together([known[~high], low])
        left.append(rest)
        stuck[rest.a] = stuck[rest.b] = True
        gone = step != ids
        changed[ids[gone]] = changed[step[gone]] = True
        move = np.arange(len(clusters))
        move[ids] = step
        target = move[target]
    return target, together(left)


def _join_band(
    clusters: _Clusters, band: Pairs, floor: float, stuck: NDArray[np.bool_], apart: Apart, owner: Ints
) -> tuple[Ints, Ints, Pairs, Pairs]:
    """Joins pairs of at least `floor`, in rounds that look at nothing but the clusters concerned.

    Returns:
        (k,) these clusters; (k,) what each has become part of; the pairs left over; and those that fell below `floor`.
    """
    place = np.full(len(clusters), -1)
    place[band.a] = place[band.b] = 0
    ids = np.flatnonzero(place == 0)
    place[ids] = np.arange(len(ids))
    band, here = Pairs(place[band.a], place[band.b], band.scores), clusters[ids]
    rows = np.flatnonzero(place[owner] >= 0)
    apart, owner = apart.among(rows), place[owner[rows]]
    target, fallen, bars = np.arange(len(ids)), [no_pairs()], np.where(stuck[ids], np.float32(np.inf), -np.inf)
    while len(best := band[_mutual(band, np.maximum(here.levels, bars))]):
        here.join(best.a, best.b)
        step, changed = np.arange(len(ids)), np.zeros(len(ids), bool)
        step[best.b] = best.a
        changed[best.a] = changed[best.b] = True
        target = step[target]
        stays, fresh = _renamed(band, changed, step, here, apart.between(target[owner], len(ids)))
        low = fresh.scores < floor
        fallen.append(fresh[low])
        band = together([stays, fresh[~low]])
    clusters[ids] = here
    rest, lost = (Pairs(ids[some.a], ids[some.b], some.scores) for some in (band, together(fallen)))
    return ids, ids[target], rest, lost


def _best(pairs: Pairs, clusters: int) -> FloatArray:
    """The best score of each cluster; -inf without any."""
    best = np.full(clusters, -np.inf, np.float32)
    np.maximum.at(best, pairs.a, pairs.scores)
    np.maximum.at(best, pairs.b, pairs.scores)
    return best


def _mutual(pairs: Pairs, levels: FloatArray) -> Ints:
    """Rows of pairs that are each other's best, each cluster at most once; a fixed shuffle decides equal scores."""
    least = np.maximum(_best(pairs, len(levels)), levels)
    rows = np.flatnonzero((pairs.scores >= least[pairs.a]) & (pairs.scores >= least[pairs.b]))
    a, b = pairs.a[rows], pairs.b[rows]
    order = np.random.default_rng(0).permutation(len(rows))
    first = np.full(len(levels), len(rows))
    np.minimum.at(first, a, order)
    np.minimum.at(first, b, order)
    chosen: Ints = rows[(first[a] == order) & (first[b] == order)]
    return chosen


def _renamed(
    pairs: Pairs, changed: NDArray[np.bool_], step: Ints, clusters: _Clusters, barrier: Barrier
) -> tuple[Pairs, Pairs]:
    """Pairs that no join touched, and the others, between the clusters that there are now, with their scores."""
    touched = changed[pairs.a] | changed[pairs.b]
    ends = np.stack([step[pairs.a[touched]], step[pairs.b[touched]]])
    low, high = ends.min(axis=0), ends.max(axis=0)
    keys = distinct((low * len(clusters) + high)[low < high])
    low, high = np.divmod(keys, len(clusters))
    scores = _scores(clusters.means, low, high)
    fresh = Pairs(low, high, scores)[scores >= np.minimum(clusters.levels[low], clusters.levels[high])]
    return pairs[~touched], fresh[barrier.allows(fresh.a, fresh.b)]


def _scores(means: FloatArray, a: Ints, b: Ints) -> FloatArray:
    scores = np.empty(len(a), np.float32)
    for at in range(0, len(a), _ROWS):
        part = slice(at, at + _ROWS)
        np.einsum("nd,nd->n", means[a[part]], means[b[part]], out=scores[part])
    return scores


def pool(vectors: FloatArray, owner: Ints) -> tuple[FloatArray, FloatArray]:
    """Mean vector and size of each cluster."""
    sizes = np.bincount(owner).astype(np.float32)
    order = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[order], np.arange(len(sizes)))
    means: FloatArray = np.add.reduceat(vectors[order], starts, axis=0) if len(sizes) else np.zeros_like(vectors)
    means /= sizes[:, None]
    return means, sizes
