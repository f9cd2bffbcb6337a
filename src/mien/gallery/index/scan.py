"""Exact search of a matrix: one product, maxima of groups of rows, and a second look at the few groups that matter.

The k-th highest of the maxima is no higher than the k-th highest score, for they are scores of k different rows; so a
group below it holds none of the best k. Taking maxima is one pass of vector instructions where a selection over all
scores would take longer than the product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.gallery.index import Ids
from mien.types.arrays import Embeddings, FloatArray

Product = Callable[[Embeddings, FloatArray], FloatArray]
"""(n, d) rows and a (d,) probe to (n,) scores."""
GROUP = 32
"""Rows behind one maximum."""
SCORES_AT_ONCE = 1 << 20
"""Scores of one product, 4 MB: they are still in the cache when their maxima are taken."""
FEW_ROWS = 1 << 15
"""So many rows and fewer are selected from at once: 1.1 to 4.5 times as fast as by groups, beyond it is slower."""
BOUND_FROM = 1024
"""Maxima that are enough to bound the k-th best from below."""
ROUNDING = 1e-5
"""More than float32 products of unit vectors can be wrong; what is this close is decided in float64."""


@dataclass(frozen=True, slots=True)
class Found:
    """Rows that can be among the best, as pairs.

    Args:
        probes: (p,) which probe.
        rows: (p,) which row.
        bound: (m,) for each probe, a score below which rows may be missing; -inf: none is missing.
    """

    probes: Ids
    rows: Ids
    bound: FloatArray

    def __add__(self, other: Found) -> Found:
        probes, rows = np.concatenate([self.probes, other.probes]), np.concatenate([self.rows, other.rows])
        return Found(probes, rows, np.maximum(self.bound, other.bound))

    def shifted(self, first: int) -> Found:
        """The same rows counted from another start."""
        return Found(self.probes, self.rows + first, self.bound)


def best_rows(
    matrix: Embeddings,
    probes: Embeddings,
    k: int,
    floor: float = -np.inf,
    allowed: NDArray[np.bool_] | None = None,
    single: Product = np.matmul,
) -> Found:
    """The best k rows of a matrix for each probe, and all that are as good within rounding.

    Args:
        matrix: (n, d) float32.
        probes: (m, d) float32.
        k: how many rows, at least 1.
        floor: rows below this score need not be found.
        allowed: (n,) rows that count; None: all.
        single: what multiplies with a probe that comes alone.
    """
    if k < len(matrix) <= FEW_ROWS and len(matrix) * len(probes) <= SCORES_AT_ONCE:
        return best_of_few(matrix, probes, k, floor, allowed, single)
    maxima, firsts, strides = group_maxima(matrix, probes, allowed, single)
    bound = np.maximum(kth_highest(maxima, k), np.float32(floor))
    groups, columns = np.nonzero(maxima >= bound - ROUNDING)
    pairs_p, pairs_r = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    step = max(1, SCORES_AT_ONCE // (GROUP * matrix.shape[1]))
    for start in range(0, len(groups), step):
        g, p = groups[start : start + step], columns[start : start + step]
        sizes = np.where(strides[g] > 0, GROUP, 1)
        rows = (firsts[g][:, None] + strides[g][:, None] * np.arange(GROUP)).ravel()
        rows, owners = (a[(np.arange(GROUP) < sizes[:, None]).ravel()] for a in (rows, np.repeat(p, GROUP)))
        if allowed is not None:
            rows, owners = rows[allowed[rows]], owners[allowed[rows]]
        near = np.einsum("pd,pd->p", matrix[rows], probes[owners]) >= bound[owners] - 2 * ROUNDING
        pairs_p.append(owners[near])
        pairs_r.append(rows[near])
    return Found(np.concatenate(pairs_p), np.concatenate(pairs_r), bound)


def best_of_few(
    matrix: Embeddings, probes: Embeddings, k: int, floor: float, allowed: NDArray[np.bool_] | None, single: Product
) -> Found:
    """What `best_rows` finds, by selecting from all scores at once; k is less than the number of rows."""
    scores = single(matrix, probes[0]) if len(probes) == 1 else probes @ matrix.T
    scores = scores.reshape(len(probes), len(matrix))
    if allowed is not None:
        scores[:, ~allowed] = -np.inf
    bound = np.maximum(np.partition(scores, -k, axis=1)[:, -k], np.float32(floor))
    near = scores >= bound[:, None] - 2 * ROUNDING
    if allowed is not None:
        near &= allowed
    owners, rows = np.nonzero(near)
    return Found(owners, rows, bound)


def group_maxima(
    matrix: Embeddings, probes: Embeddings, allowed: NDArray[np.bool_] | None = None, single: Product = np.matmul
) -> tuple[FloatArray, Ids, Ids]:
    """The highest score in each group of rows.

    Returns:
        (g, m) maxima, and for each group its first row and the distance to its next row; 0 for a group of one row.
    """
    chunk = max(GROUP, SCORES_AT_ONCE // len(probes) // GROUP * GROUP)
    columns = np.ascontiguousarray(probes.T)
    parts: list[FloatArray] = []
    firsts, strides = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for start in range(0, len(matrix), chunk):
        rows = matrix[start : start + chunk]
        scores = single(rows, probes[0])[:, None] if len(probes) == 1 else rows @ columns
        if allowed is not None:
            scores[~allowed[start : start + len(rows)]] = -np.inf
        stride = len(rows) // GROUP
        whole = stride * GROUP
        parts.append(scores[:whole].reshape(GROUP, stride, len(probes)).max(axis=0))
        parts.append(scores[whole:])
        firsts += [start + np.arange(stride), start + np.arange(whole, len(rows))]
        strides += [np.full(stride, stride), np.zeros(len(rows) - whole, np.int64)]
    empty = np.empty((0, len(probes)), np.float32)
    return np.concatenate(parts or [empty]), np.concatenate(firsts), np.concatenate(strides)


def kth_highest(maxima: FloatArray, k: int) -> FloatArray:
    """(m,) a lower bound of the k-th highest score of each column of (g, m) maxima; -inf when there are fewer."""
    fold = len(maxima) // max(BOUND_FROM, 8 * k)
    if fold > 1:
        whole = len(maxima) // fold * fold
        maxima = maxima[:whole].reshape(fold, whole // fold, -1).max(axis=0)
    if k > len(maxima):
        return np.full(maxima.shape[1], -np.inf, np.float32)
    highest: FloatArray = np.partition(maxima.T, -k, axis=1)[:, -k]
    return highest
