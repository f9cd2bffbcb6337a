"""The clusters most like each cluster, found by comparing with all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from mien.cores import usable_cores
from mien.grouping.apart import Barrier, Ints
from mien.types.arrays import FloatArray

_CELLS = 1 << 24  # scores that a thread holds: 64 MB
_COLUMNS = 4096  # clusters a product: larger ones leave the second cache level
_FORBIDDEN = np.float32(-2)  # below every cosine


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of clusters that may be joined, a < b, each once, with their average cosine."""

    a: Ints
    b: Ints
    scores: FloatArray

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, rows: NDArray[np.bool_] | Ints) -> Pairs:
        return Pairs(self.a[rows], self.b[rows], self.scores[rows])


def no_pairs() -> Pairs:
    """None yet."""
    return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))


def together(parts: Sequence[Pairs]) -> Pairs:
    """All the pairs of some lists that have none in common."""
    return Pairs(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("a", "b", "scores")))


def joined(parts: list[Pairs]) -> Pairs:
    """All the pairs; one that is there twice keeps its higher score (two products may differ in the last bit)."""
    every = together(parts)
    width = int(every.b.max(initial=0)) + 1
    keys = every.a * width + every.b
    order = np.argsort(keys)
    keys = keys[order]
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    highest = np.maximum.reduceat(every.scores[order], starts) if len(starts) else every.scores
    a, b = np.divmod(keys[starts], width)
    return Pairs(a, b, highest)


def nearest(
    means: FloatArray,
    rows: Ints,
    count: int,
    cut: float,
    barrier: Barrier,
    going: Callable[[], None] | None = None,
) -> tuple[list[Pairs], FloatArray]:
    """For some clusters, the `count` most alike that they may be joined with, among all that reach `cut`.

    Args:
        means: (m, d) float32 means of all clusters.
        rows: (k,) the clusters to look at.
        count: how many neighbours each may have.
        cut: least average cosine.
        barrier: who may not be joined.
        going: called before each part, in its thread; what it raises ends the work.

    Returns:
        The pairs in parts, perhaps doubled; and (k,) the level of each cluster: no pair of it above that is missing.
    """
    step = min(max(_CELLS // len(means), 1), len(rows))
    parts = [rows[at : at + step] for at in range(0, len(rows), step)]
    spaces = [np.empty((step, len(means)), np.float32) for _ in range(min(usable_cores(), len(parts)))]
    shown = barrier.by_picture()
    free = SimpleQueue[FloatArray]()
    for space in spaces:
        free.put(space)

    def work(part: Ints) -> tuple[Pairs, FloatArray]:
        if going:
            going()
        space = free.get()
        try:
            return _nearest(means, part, space[: len(part)], count, cut, barrier.forbidden(part, shown))
        finally:
            free.put(space)

    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(len(spaces)) as pool:
        found = list(pool.map(work, parts))
    return [pairs for pairs, _ in found], np.concatenate([levels for _, levels in found])


def _nearest(
    means: FloatArray, rows: Ints, scores: FloatArray, count: int, cut: float, forbidden: tuple[Ints, Ints]
) -> tuple[Pairs, FloatArray]:
    """`nearest` for as many rows as there is space for their scores, which is written over."""
    for at in range(0, len(means), _COLUMNS):
        np.matmul(means[rows], means[at : at + _COLUMNS].T, out=scores[:, at : at + _COLUMNS])
    scores[np.arange(len(rows)), rows] = _FORBIDDEN
    scores[forbidden] = _FORBIDDEN
    levels = np.full(len(rows), cut, np.float32)
    near: list[Ints] = []
    for row, line in enumerate(scores):
        found = np.flatnonzero(line >= cut)
        if len(found) > count:
            found = found[np.argpartition(line[found], -count)[-count:]]
            levels[row] = line[found].min()
        near.append(found)
    place = np.repeat(np.arange(len(rows)), [len(found) for found in near])
    others = np.concatenate(near)
    ends = rows[place], others
    return Pairs(np.minimum(*ends), np.maximum(*ends), scores[place, others]), levels
