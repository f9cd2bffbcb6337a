"""Which cosine means the same person, read off the set itself.

No level is fixed, since each network has its own, and each round of self-training another network. Two facts make the
labels good enough to read them off although some are wrong:

Pairs of pictures with different labels are of different people, but for a few in a million. And pairs with the same
label are a mixture of pairs of one person with pairs of different ones, so that

    within(c) - across(c) = share of right pairs * (TAR(c) - FMR(c)),

whose highest point is the same whatever the share: the level that tells people apart best can be found without knowing
how many labels are wrong.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.evaluate.protocols.pairs import cosines
from mien.train.data.base import Rows
from mien.types.arrays import FloatArray

WITHIN, ACROSS = 200_000, 1_000_000
"""Pairs that are looked at."""


def link_level(vectors: FloatArray, labels: Rows, *, fmr: float | None = None, seed: int = 0) -> float:
    """The cosine from which two pictures of one label are linked.

    Args:
        vectors: (n, d) float32, unit rows; may lie on disk.
        labels: (n,) int64; -1 = unlabelled.
        fmr: false match rate to link at; None = where pairs within a label and across labels differ most.
        seed: of the pairs drawn.

    Raises:
        UsageError: no two pictures of one person, or one person only.
    """
    generator = np.random.default_rng(seed)
    across = np.sort(_across(vectors, labels, generator))
    if fmr is not None:
        return float(np.quantile(across, 1 - fmr))
    within = np.sort(_within(vectors, labels, generator))
    below = np.searchsorted(across, within)
    best = int((below / len(across) - np.arange(len(within)) / len(within)).argmax())
    # half-way to the next lower cosine: pairs of one person that were not drawn lie a little below those that were
    lower = max(within[max(best - 1, 0)], across[max(below[best] - 1, 0)])
    return float((within[best] + min(lower, within[best])) / 2)


def _within(vectors: FloatArray, labels: Rows, generator: np.random.Generator) -> NDArray[np.float64]:
    """Cosines of pairs with one label: every picture with another of its person, again and again."""
    order = np.argsort(labels, kind="stable")
    order = order[labels[order] >= 0]
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    counts = np.diff(starts, append=len(order))
    several = np.flatnonzero(np.repeat(counts, counts) >= 2)
    if not len(several):
        raise UsageError("no person has two pictures; there is nothing to compare within", code="nothing-to-clean")
    first = generator.choice(several, WITHIN) if len(several) > WITHIN else np.resize(several, WITHIN)
    start, count = np.repeat(starts, counts)[first], np.repeat(counts, counts)[first]
    shift = 1 + (generator.random(len(first)) * (count - 1)).astype(np.int64)
    return cosines(vectors, order[first], order[start + (first - start + shift) % count])


def _across(vectors: FloatArray, labels: Rows, generator: np.random.Generator) -> NDArray[np.float64]:
    """Cosines of pairs with two labels."""
    known = np.flatnonzero(labels >= 0)
    if len(np.unique(labels[known])) < 2:
        raise UsageError("cleaning compares people, and there is but one", code="nothing-to-clean")
    first, second = (generator.choice(known, ACROSS) for _ in range(2))
    different = labels[first] != labels[second]
    return cosines(vectors, first[different], second[different])
