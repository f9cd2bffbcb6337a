"""What all backends share: rows, filters, and looking deeper until the list is full."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.gallery.index import Candidates, Ids, State
from mien.gallery.index.ranking import ranked
from mien.gallery.index.scan import ROUNDING, Found, best_rows
from mien.gallery.index.templates import Templates
from mien.types.arrays import AnyArray, Embeddings

Finder = Callable[[Embeddings, int, float], Found]
"""(m, d) probes, k, floor to the rows that can be among the best k."""

PROBES_AT_ONCE = 128
PAIRS_AT_ONCE = 1 << 18
"""Rows of all probes of one block that are looked at in float64."""


class RowIndex(ABC):
    """An index over `Templates`; a backend says how it finds the rows that can be in the list.

    Args:
        templates: the rows.
    """

    name: ClassVar[str]
    gathers: ClassVar[float]
    """Share of all rows up to which those that a filter allows are copied out and searched exactly."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    @classmethod
    def create(cls, dimension: int, expected: int = 0) -> Self:
        """See `Backend`."""
        none = np.empty(0, np.int64)
        return cls(Templates(none, none, np.empty((0, dimension), np.float32), expected))

    @classmethod
    @abstractmethod
    def restore(cls, state: State) -> Self:
        """See `Backend`."""

    def __len__(self) -> int:
        return len(self._templates) - self._templates.removed

    def add(self, references: Ids, subjects: Ids, vectors: Embeddings) -> None:
        """See `Index`."""
        self._templates.append(references, subjects, vectors)

    def remove(self, references: Ids) -> None:
        """See `Index`."""
        self._templates.remove(references)

    def reassign(self, references: Ids, subjects: Ids) -> None:
        """See `Index`."""
        self._templates.reassign(references, subjects)

    def state(self) -> dict[str, AnyArray]:
        """See `Index`."""
        return self._templates.state()

    @abstractmethod
    def rebuilt(self) -> Self:
        """See `Index`."""

    def describe(self) -> dict[str, Any]:
        """See `Index`."""
        return {"backend": self.name, "references": len(self), "compressed": 0, "recall": None}

    def search(
        self, probes: Embeddings, top: int, min_score: float | None = None, among: Ids | None = None
    ) -> list[Candidates]:
        """See `Index`."""
        probes = self._checked(probes)
        allowed = self._templates.allowed(among)
        size = len(self._templates) if allowed is None else len(allowed)
        if size == 0 or top < 1:
            return [[] for _ in probes]
        finder = self._finder(allowed, size)
        found: list[Candidates] = []
        for start in range(0, len(probes), PROBES_AT_ONCE):
            found += self._lists(finder, size, probes[start : start + PROBES_AT_ONCE], top, min_score)
        return found

    @abstractmethod
    def _find(self, probes: Embeddings, k: int, floor: float, allowed: NDArray[np.bool_] | None) -> Found:
        """The best k rows for each probe, and what is as good within rounding."""

    def _finder(self, allowed: Ids | None, size: int) -> Finder:
        if allowed is None:
            return partial(self._find, allowed=None)
        if size <= self.gathers * len(self._templates):
            return partial(find_gathered, allowed, self._templates.vectors(allowed))
        mask = np.zeros(len(self._templates), bool)
        mask[allowed] = True
        return partial(self._find, allowed=mask)

    def _lists(
        self, finder: Finder, size: int, probes: Embeddings, top: int, min_score: float | None
    ) -> list[Candidates]:
        # Twice as many rows as the list has places: a mated probe meets several references of its own subject.
        k = min(2 * top, size)
        floor = -np.inf if min_score is None else min_score - 2 * ROUNDING
        lists: list[Candidates] = [[] for _ in probes]
        open_ = np.arange(len(probes))
        while len(open_):
            step = max(1, PAIRS_AT_ONCE // k)
            short = [np.empty(0, np.int64)]
            for start in range(0, len(open_), step):
                some = open_[start : start + step]
                found = finder(probes[some], k, floor)
                ready, lacking = ranked(self._templates, probes[some], found, top, min_score)
                for i, candidates in zip(some, ready, strict=True):
                    lists[i] = candidates
                short.append(some[lacking])
            open_ = np.concatenate(short) if k < size else np.empty(0, np.int64)
            k = min(4 * k, size)
        return lists

    def _checked(self, probes: Embeddings) -> Embeddings:
        if probes.ndim != 2 or probes.shape[1] != self._templates.dimension:
            raise UsageError(f"probes must have shape (m, {self._templates.dimension}), got {probes.shape}")
        return np.ascontiguousarray(probes, np.float32)


def find_gathered(rows: Ids, vectors: Embeddings, probes: Embeddings, k: int, floor: float) -> Found:
    """Exact search of some rows only, copied out."""
    found = best_rows(vectors, probes, k, floor)
    return Found(found.probes, rows[found.rows], found.bound)
