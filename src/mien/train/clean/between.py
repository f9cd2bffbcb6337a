"""Between people: those who are one are joined, those who cannot be told apart are found (inter-class cleaning).

What is near enough is read off the set. Of a person under two names the nearest other centre is themselves, but the
second nearest is a stranger; so second-nearest cosines show how near strangers come, whoever is there twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from mien.train.clean.result import Merge
from mien.train.data.base import Rows
from mien.types.arrays import FloatArray

CELLS = 1 << 24
"""Cosines held at once: 64 MB."""
FEWEST = 20
"""Probes that show how near strangers come."""


@dataclass(frozen=True, slots=True)
class Centres:
    """Mean directions of people.

    Args:
        people: (c,) int64, ascending: those with a picture.
        vectors: (c, d) float32, unit rows.
        counts: (c,) int64 pictures.
    """

    people: Rows
    vectors: FloatArray
    counts: Rows


def centres(vectors: FloatArray, labels: Rows) -> Centres:
    """Of all people with a picture; label -1 counts for nobody."""
    order = np.argsort(labels, kind="stable")
    order = order[labels[order] >= 0]
    people, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    means = np.empty((len(people), vectors.shape[1]), np.float32)
    for number, (start, count) in enumerate(zip(starts.tolist(), counts.tolist(), strict=True)):
        means[number] = vectors[order[start : start + count]].mean(0)
    return Centres(people, means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12), counts)


def nearest_two(
    probes: FloatArray, references: FloatArray, own: Rows
) -> tuple[Rows, NDArray[np.float32], NDArray[np.float32]]:
    """The nearest reference of each probe but its own, its cosine, and that of the second nearest.

    Args:
        probes: (m, d) float32, unit rows.
        references: (c, d) float32, unit rows; three at least.
        own: (m,) int64 reference that does not count; -1 = all count.
    """
    nearest, first, second = np.empty(len(probes), np.int64), *(np.empty(len(probes), np.float32) for _ in range(2))
    step = max(1, CELLS // len(references))
    for start in range(0, len(probes), step):
        rows = slice(start, start + step)
        scores = probes[rows] @ references.T
        mine = np.flatnonzero(own[rows] >= 0)
        scores[mine, own[rows][mine]] = -2
        best = scores.argmax(1)
        places = np.arange(len(scores))
        nearest[rows], first[rows] = best, scores[places, best]
        scores[places, best] = -2
        second[rows] = scores.max(1)
    return nearest, first, second


def join(vectors: FloatArray, labels: Rows, *, merge: float, doubt: float) -> Joined:
    """Join people, and find those in doubt.

    Two people are joined when each is the other's nearest and they are nearer than the merge level; again, with the new
    centres, until nobody is. The levels are those of the first time.

    Args:
        vectors: (n, d) float32, unit rows.
        labels: (n,) int64; -1 is left alone.
        merge: share of people that may be joined with a stranger; 0 = nobody is joined.
        doubt: share of people that may be in doubt because of a stranger; 0 = nobody is.
    """
    labels, merges = labels.copy(), list[Merge]()
    levels: dict[str, float] = {}
    while True:
        found = centres(vectors, labels)
        if len(found.people) < 3:
            return Joined(labels, tuple(merges), np.empty(0, np.int64), levels)
        nearest, first, second = nearest_two(found.vectors, found.vectors, np.arange(len(found.people)))
        if not levels:
            levels = {"doubt": stranger_level(second, doubt), "merge": stranger_level(second, merge)}
        lower = np.flatnonzero(
            (nearest[nearest] == np.arange(len(nearest))) & (first >= levels["merge"]) & _smaller(found.counts, nearest)
        )
        if not len(lower):
            twins = (first >= levels["doubt"]) & _smaller(found.counts, nearest)
            return Joined(labels, tuple(merges), found.people[twins], levels)
        become = np.arange(labels.max() + 1)
        for one, other in zip(lower.tolist(), nearest[lower].tolist(), strict=True):
            merges.append(Merge(int(found.people[one]), int(found.people[other]), float(first[one])))
            become[found.people[one]] = found.people[other]
        labels = np.where(labels >= 0, become[labels], labels)


@dataclass(frozen=True, slots=True)
class Joined:
    """What came of comparing people.

    Args:
        labels: (n,) int64, with joined people under one.
        merges: in the order they were made.
        twins: the one with fewer pictures of each pair in doubt.
        levels: cosines of ``merge`` and ``doubt``.
    """

    labels: Rows
    merges: tuple[Merge, ...]
    twins: Rows
    levels: dict[str, float]


def _smaller(counts: Rows, nearest: Rows) -> NDArray[np.bool_]:
    """Who has fewer pictures than their nearest; of equals the later one."""
    numbers = np.arange(len(counts))
    fewer, equal = counts < counts[nearest], counts == counts[nearest]
    return np.asarray(fewer | (equal & (numbers > nearest)))


def stranger_level(seconds: NDArray[np.float32], share: float) -> float:
    """The cosine above which so many probes meet a stranger.

    If strangers above a cosine c fall on a probe as Poisson's law has it, with l(c) of them on average, then the second
    nearest is above c for 1 - exp(-l) (1 + l) of the probes. Solved for l, and log l continued as a straight line
    through the nearest twentieth: real tails fall faster, so that fewer strangers come as near.

    Args:
        seconds: (m,) cosines of probes to the second nearest.
        share: l, above 0; with 0 no cosine is near enough.

    Returns:
        At most 1 where something is near enough; infinity for fewer than `FEWEST` probes, which show no tail.
    """
    if share <= 0 or len(seconds) < FEWEST:
        return math.inf
    count = max(FEWEST // 2, len(seconds) // 20)
    tail = np.sort(seconds)[::-1][:count].astype(np.float64)
    expected = np.log(gammaincinv(2, np.arange(1, count + 1) / len(seconds)))
    spread = np.var(tail)
    if spread == 0:
        return float(np.nextafter(tail[0], 2))
    slope = min(np.cov(tail, expected, bias=True)[0, 1] / spread, -1e-9)
    return float(tail.mean() + (math.log(share) - expected.mean()) / slope)
