"""Exact search: one matrix product over all references."""

from __future__ import annotations

import numpy as np

from mien.gallery.index import Candidates, Ids, indexes
from mien.types.arrays import Embeddings, FloatArray

SCORES_AT_ONCE = 16_000_000
"""Scores of one block of probes, 64 MB."""
ROUNDING = 1e-5
"""More than float32 products of unit vectors can be wrong; what is this close is decided in float64."""


@indexes.register("flat")
class FlatIndex:
    """Compares with every reference; what other backends are tested against.

    The product finds who can be in the list; their scores are then taken in float64, so that a score does not depend
    on how many probes or references stand beside it, and equal templates tie exactly.

    Args:
        dimension: length of a template.
        expected: how many references to make room for.
    """

    def __init__(self, dimension: int, expected: int = 0) -> None:
        self._count = 0
        self._vectors = np.empty((expected, dimension), np.float32)
        self._references = np.empty(expected, np.int64)
        self._subjects = np.empty(expected, np.int64)
        self._order: Ids | None = None  # rows by subject; None: they stand so already
        self._starts: Ids = np.empty(0, np.int64)
        self._stale = True

    def __len__(self) -> int:
        return self._count

    def add(self, references: Ids, subjects: Ids, vectors: Embeddings) -> None:
        """Append rows; see `Index`."""
        end = self._count + len(references)
        if end > len(self._references):
            self._grow(max(end, len(self._references) * 3 // 2))
        rows = slice(self._count, end)
        self._references[rows], self._subjects[rows], self._vectors[rows] = references, subjects, vectors
        self._count, self._stale = end, True

    def remove(self, references: Ids) -> None:
        """Close the gaps and overwrite what is left behind; see `Index`."""
        gone = np.isin(self._references[: self._count], references)
        if not gone.any():
            return
        first = int(np.argmax(gone))
        keep = first + np.flatnonzero(~gone[first:])
        end = first + len(keep)
        for array in (self._references, self._subjects, self._vectors):
            array[first:end] = array[keep]
            array[end : self._count] = 0
        self._count, self._stale = end, True

    def search(self, probes: Embeddings, top: int, min_score: float | None = None) -> list[Candidates]:
        """See `Index`."""
        if self._count == 0:
            return [[] for _ in probes]
        self._sort()
        matrix = self._vectors[: self._count]
        block = max(1, SCORES_AT_ONCE // self._count)
        found: list[Candidates] = []
        for start in range(0, len(probes), block):
            rows = probes[start : start + block]
            found += [self._list(p, s, top, min_score) for p, s in zip(rows, rows @ matrix.T, strict=True)]
        return found

    def _list(self, probe: FloatArray, scores: FloatArray, top: int, min_score: float | None) -> Candidates:
        ordered = scores if self._order is None else scores[self._order]
        best = np.maximum.reduceat(ordered, self._starts)
        cut = -np.inf if top >= len(best) else np.partition(best, -top)[-top]
        cut = max(cut, -np.inf if min_score is None else min_score) - ROUNDING
        bar = np.where(best >= cut, best - ROUNDING, np.inf)
        rows = np.flatnonzero(ordered >= np.repeat(bar, np.diff(self._starts, append=self._count)))
        rows = rows if self._order is None else self._order[rows]
        return self._ranked(probe, rows, top, min_score)

    def _ranked(self, probe: FloatArray, rows: Ids, top: int, min_score: float | None) -> Candidates:
        # A product summed row by row: a matrix product may add up in another order at the edge of a block.
        exact = (self._vectors[rows].astype(np.float64) * probe).sum(axis=1)
        references, subjects = self._references[rows], self._subjects[rows]
        found: dict[int, tuple[int, float, int]] = {}
        for i in np.lexsort((references, subjects, -exact)):
            score, subject = float(exact[i]), int(subjects[i])
            if len(found) == top or (min_score is not None and score < min_score):
                break
            found.setdefault(subject, (subject, score, int(references[i])))
        return list(found.values())

    def _sort(self) -> None:
        if not self._stale:
            return
        subjects = self._subjects[: self._count]
        if np.all(subjects[1:] >= subjects[:-1]):
            self._order = None
        else:
            self._order = np.argsort(subjects, kind="stable")
            subjects = subjects[self._order]
        self._starts = np.flatnonzero(np.diff(subjects, prepend=-1))
        self._stale = False

    def _grow(self, capacity: int) -> None:
        for name in ("_references", "_subjects", "_vectors"):
            old = getattr(self, name)
            new = np.empty((capacity, *old.shape[1:]), old.dtype)
            new[: self._count] = old[: self._count]
            setattr(self, name, new)
