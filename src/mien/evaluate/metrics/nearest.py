"""Nearest neighbours by several kinds of arithmetic, kept for comparison: what storage and search may lose.

A search method takes unit templates and probes among them, and gives for each probe the rows it thinks nearest. None of
these is a backend of the gallery; they show what one would gain and lose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mien.types.arrays import Embeddings, FloatArray

Ints = NDArray[np.int64]
SCORES_AT_ONCE = 16_000_000
"""Scores of one block of probes, 64 MB."""


class Method(Protocol):
    """One way to store and search templates.

    Attributes:
        name: in words.
        bytes: of one stored template.
    """

    name: str
    bytes: float

    def search(self, rows: Ints, top: int) -> Ints:
        """(m,) rows as probes to (m, top) rows, nearest first, itself left out; -1 where the method finds fewer."""
        ...


class Scored:
    """A full comparison of every probe with every template, in some arithmetic.

    Args:
        name: in words.
        bytes_: of one stored template.
        scores: probes' rows to (m, n) scores, higher = nearer.
        size: n.
    """

    def __init__(self, name: str, bytes_: float, scores: Callable[[Ints], FloatArray], size: int) -> None:
        self.name, self.bytes = name, bytes_
        self._scores, self._size = scores, size

    def search(self, rows: Ints, top: int) -> Ints:
        """See `Method`."""
        return np.concatenate([highest(_others(self._scores(part), part), top) for part in _blocks(rows, self._size)])


def exact(vectors: Embeddings) -> Scored:
    """float32, all comparisons: what the others are held against."""
    return Scored("exact f32", 4.0 * vectors.shape[1], lambda rows: vectors[rows] @ vectors.T, len(vectors))


def half(vectors: Embeddings) -> Scored:
    """Templates stored in float16, compared in float32."""
    stored = vectors.astype(np.float16).astype(np.float32)
    return Scored("f16", 2.0 * vectors.shape[1], lambda rows: vectors[rows] @ stored.T, len(vectors))


def int8(vectors: Embeddings) -> Scored:
    """Templates stored as int8 with one float32 scale a row: the largest number of the row becomes 127."""
    numbers, scales = quantise(vectors)
    stored = numbers.astype(np.float32) * scales
    return Scored("int8, scale a row", vectors.shape[1] + 4.0, lambda rows: vectors[rows] @ stored.T, len(vectors))


def int8_unscaled(vectors: Embeddings) -> Scored:
    """The same integers compared without their scales: a metric misused, since rows then have different lengths."""
    stored = quantise(vectors)[0].astype(np.float32)
    name = "int8, scales forgotten"
    return Scored(name, float(vectors.shape[1]), lambda rows: vectors[rows] @ stored.T, len(vectors))


def quantise(vectors: Embeddings) -> tuple[NDArray[np.int8], FloatArray]:
    """(n, d) int8 and (n, 1) float32 scales with numbers * scales about the vectors."""
    scales = (np.abs(vectors).max(axis=1, keepdims=True) / 127).astype(np.float32)
    numbers = np.rint(vectors / np.maximum(scales, np.finfo(np.float32).tiny)).astype(np.int8)
    return numbers, scales


def signs(vectors: Embeddings) -> Scored:
    """One bit a number, compared by how many agree (Charikar 2002)."""
    bits = np.where(vectors >= 0, np.float32(1), np.float32(-1))
    return Scored("sign bits", vectors.shape[1] / 8, lambda rows: bits[rows] @ bits.T, len(vectors))


class Reranked:
    """A coarse method's first candidates, put in order by float32.

    Args:
        coarse: finds the candidates.
        vectors: (n, d) float32, unit rows.
        keep: how many candidates.
    """

    def __init__(self, coarse: Method, vectors: Embeddings, keep: int = 100) -> None:
        self.name = f"{coarse.name}, {keep} reranked"
        self.bytes = coarse.bytes + 4.0 * vectors.shape[1]
        self._coarse, self._vectors, self._keep = coarse, vectors, keep

    def search(self, rows: Ints, top: int) -> Ints:
        """See `Method`."""
        found = self._coarse.search(rows, max(top, min(self._keep, len(self._vectors) - 1)))
        scores = np.einsum("nd,nkd->nk", self._vectors[rows], self._vectors[found])
        order = np.argsort(-scores, axis=1, kind="stable")[:, :top]
        return np.take_along_axis(found, order, axis=1)


class InvertedFile:
    """An approximate search: templates in lists around centres, of which the nearest few are looked through (IVF).

    Spherical k-means with about the root of n centres; Jegou, Douze and Schmid, TPAMI 33, 2011, without their codes.

    Args:
        vectors: (n, d) float32, unit rows.
        probed: lists looked through.
        seed: of the first centres.
    """

    def __init__(self, vectors: Embeddings, probed: int = 8, seed: int = 0) -> None:
        self._vectors = vectors
        centres = max(1, round(len(vectors) ** 0.5))
        self._probed = min(probed, centres)
        self.name = f"IVF, {self._probed} of {centres} lists"
        self.bytes = 4.0 * vectors.shape[1] + 8
        self._centres, owner = spherical_means(vectors, centres, seed)
        order = np.argsort(owner, kind="stable")
        self._lists = np.split(order, np.searchsorted(owner[order], np.arange(1, centres)))

    def search(self, rows: Ints, top: int) -> Ints:
        """See `Method`."""
        found = np.full((len(rows), top), -1, np.int64)
        near = highest(self._vectors[rows] @ self._centres.T, self._probed)
        for i, row in enumerate(rows.tolist()):
            candidates = np.concatenate([self._lists[centre] for centre in near[i].tolist()])
            candidates = candidates[candidates != row]
            scores = self._vectors[candidates] @ self._vectors[row]
            best = candidates[np.argsort(-scores, kind="stable")[:top]]
            found[i, : len(best)] = best
        return found


def spherical_means(vectors: Embeddings, centres: int, seed: int, *, rounds: int = 10) -> tuple[Embeddings, Ints]:
    """Unit centres (k, d), and (n,) which centre each vector belongs to; an empty cluster keeps its centre."""
    random = np.random.default_rng(seed)
    means = vectors[np.sort(random.choice(len(vectors), centres, replace=False))].copy()
    owner = np.zeros(len(vectors), np.int64)
    for _ in range(rounds):
        parts = _blocks(np.arange(len(vectors)), centres)
        owner = np.concatenate([(vectors[part] @ means.T).argmax(axis=1) for part in parts])
        sums = np.zeros_like(means)
        np.add.at(sums, owner, vectors)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        means = np.where(lengths > 0, sums / np.maximum(lengths, np.finfo(np.float32).tiny), means)
    return means, owner


def highest(scores: FloatArray, top: int) -> Ints:
    """(m, top) columns of the highest scores of each row, best first; equal ones by column."""
    top = min(top, scores.shape[1])
    cut = np.sort(np.argpartition(-scores, top - 1, axis=1)[:, :top], axis=1)
    order = np.argsort(-np.take_along_axis(scores, cut, axis=1), axis=1, kind="stable")
    return np.take_along_axis(cut, order, axis=1).astype(np.int64)


def _others(scores: FloatArray, rows: Ints) -> FloatArray:
    """The scores, a probe's own at minus infinity."""
    scores[np.arange(len(rows)), rows] = -np.inf
    return scores


def _blocks(rows: Ints, width: int) -> Iterator[Ints]:
    step = max(1, SCORES_AT_ONCE // max(1, width))
    for at in range(0, len(rows), step):
        yield rows[at : at + step]
