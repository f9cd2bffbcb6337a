"""A compressed base that names more rows than are asked for, and the exact vectors that decide among them.

How many rows are looked at again (the depth) is measured on the gallery itself: see `depth.py`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.gallery.index import Ids, State
from mien.gallery.index.base import RowIndex
from mien.gallery.index.depth import LIST, PROMISE, Examination, Measured
from mien.gallery.index.scan import ROUNDING, Found, best_rows
from mien.gallery.index.templates import GONE, Templates
from mien.gallery.index.workers import cores, faiss_threads, in_parallel
from mien.types.arrays import AnyArray, Embeddings, FloatArray

Part = tuple[int, Any]
"""First row and the faiss index of the rows from there."""
PART = 100_000
"""Rows that make up a part, which one core searches: two parts of 100,000 take as long as one of 200,000."""
SHARE = 20_000
"""Rows of the tail that are worth a thread; a guess."""
Shortlist = tuple[FloatArray, Ids]
"""(m, k) scores and row numbers."""


class CompressedIndex(RowIndex):
    """Base rows in a compressed form, tail rows searched exactly.

    Args:
        templates: all rows.
        codes: arrays of the compressed form of the base; None: the base is empty.
        measured: depth and recall; None: not measured yet.
    """

    _parts: list[Part]
    deepest: ClassVar[int]
    """No depth beyond is tried."""

    def __init__(
        self, templates: Templates, codes: dict[str, AnyArray] | None = None, measured: Measured | None = None
    ) -> None:
        super().__init__(templates)
        self._codes = codes or {}
        self.measured = measured or Measured(LIST)
        if codes:
            self._load(codes, templates.dimension)

    @classmethod
    def restore(cls, state: State) -> Self:
        """See `Backend`. Without codes the vectors are searched as they are until `rebuilt`."""
        templates = Templates.restore(state)
        codes = {name: state[name] for name in state if name not in ("references", "subjects", "vectors", "measured")}
        if not codes or "measured" not in state:
            return cls(templates)
        compressed = int(state["measured"][0])
        if not 0 <= compressed <= len(templates):
            raise UsageError(f"{compressed} of {len(templates)} references are compressed; build the index again")
        templates.split(compressed)
        index = cls(templates, codes, Measured.from_array(state["measured"][1:]))
        if sum(part.ntotal for _, part in index._parts) != compressed or len(codes["codes"]) != compressed:
            raise UsageError("the codes of an index do not fit its references; build it again")
        return index

    def state(self) -> dict[str, AnyArray]:
        """See `Index`."""
        if not self._codes:
            return super().state()
        measured = np.concatenate([[len(self._templates.base)], self.measured.to_array()])
        return {**super().state(), **self._codes, "measured": measured}

    def rebuilt(self) -> Self:
        """See `Index`."""
        templates = Templates(*self._templates.compact())
        if len(templates) < LIST:
            return type(self)(templates)
        with faiss_threads(1):
            index = type(self)(templates, self._compress(templates.base))
            index._measure()
        return index

    def remove(self, references: Ids) -> None:
        """See `Index`."""
        rows = self._templates.remove(references)
        if self._codes:
            self._erase(rows[rows < len(self._templates.base)])

    def describe(self) -> dict[str, Any]:
        """See `Index`."""
        compressed = int(np.sum(self._templates.subjects[: len(self._templates.base)] != GONE)) if self._codes else 0
        recall = self.measured.describe() if compressed and self.measured.probes else None
        return {**super().describe(), "compressed": compressed, "depth": self.measured.depth, "recall": recall}

    def _measure(self) -> None:
        """Choose the least effort that keeps the promise, and the depth."""
        base = self._templates.base
        examination = Examination(base)
        for effort in self._efforts():
            self.measured = Measured(LIST, effort)
            self.measured = examination.measured(self._shortlist, min(self.deepest, len(base)), effort)
            if min(self.measured.mated, self.measured.non_mated) >= PROMISE:
                break

    def _efforts(self) -> Sequence[int]:
        """What to try, ascending, by a backend that can be more or less thorough."""
        return [0]

    @abstractmethod
    def _compress(self, vectors: Embeddings) -> dict[str, AnyArray]:
        """The compressed form of (n, d) vectors as arrays."""

    @abstractmethod
    def _load(self, codes: dict[str, AnyArray], dimension: int) -> None:
        """Make the arrays searchable."""

    def _nearest(self, index: Any, probes: Embeddings, depth: int, allowed: NDArray[np.bool_] | None) -> Shortlist:
        """About the best `depth` rows of one part for each probe; a backend that can skip rows overrides it."""
        if allowed is not None:
            count = np.count_nonzero(allowed)
            if not count:
                return np.empty((len(probes), 0), np.float32), np.empty((len(probes), 0), np.int64)
            # Erased rows share one code, so that they may all stand before the best.
            depth = int(depth * len(allowed) / count) + 1 + self._templates.removed
        scores, rows = index.search(probes, min(depth, index.ntotal))
        return scores, rows

    @abstractmethod
    def _erase(self, rows: Ids) -> None:
        """Overwrite what the compressed form holds of rows of the base."""

    def _find(self, probes: Embeddings, k: int, floor: float, allowed: NDArray[np.bool_] | None) -> Found:
        base, tail = self._templates.base, self._templates.tail
        split = len(base)
        parts = []
        if self._codes:
            parts.append(self._reranked(probes, k, floor, None if allowed is None else allowed[:split]))
        elif split:
            parts.append(best_rows(base, probes, k, floor, None if allowed is None else allowed[:split]))
        if len(tail) or not parts:
            mask = None if allowed is None else allowed[split:]
            parts.append(best_rows(tail, probes, k, floor, mask, without_blas).shifted(split))
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]

    def _reranked(self, probes: Embeddings, k: int, floor: float, allowed: NDArray[np.bool_] | None) -> Found:
        # Measured for a list of ten, which is asked for as twenty rows.
        depth = max(k, self.measured.depth, -(-self.measured.depth * k // (2 * LIST)))
        scores, rows = self._shortlist(probes, min(depth, len(self._templates.base)), allowed, exact=True)
        bound = np.full(len(probes), -np.inf, np.float32)
        if k < rows.shape[1]:
            bound = np.partition(scores, -k, axis=1)[:, -k]
        bound = np.maximum(bound, np.float32(floor))
        owners, places = np.nonzero((scores >= bound[:, None] - 2 * ROUNDING) & (scores > -np.inf))
        return Found(owners, rows[owners, places], bound)

    def _shortlist(
        self, probes: Embeddings, depth: int, allowed: NDArray[np.bool_] | None = None, exact: bool = False
    ) -> Shortlist:
        """About the best `depth` rows of the base for each probe, or somewhat more, in no order.

        Returns:
            (m, about depth) scores, -inf where there is no row, and row numbers.
        """
        parts = self._parts
        if len(parts) > 1:
            depth = depth // len(parts)
            depth += 3 * int(depth**0.5) + LIST  # the best are not spread evenly over the parts
        lanes = 1 if len(parts) > 1 else min(len(probes), cores())

        def work(job: tuple[Part, Embeddings]) -> Shortlist:
            (start, index), some = job
            mask = None if allowed is None else allowed[start : start + index.ntotal]
            scores, rows = self._nearest(index, some, depth, mask)
            if mask is not None:
                rows[~mask[rows]] = -1
            if exact:
                scores = rescored(self._templates.base[start:], some, rows)
            else:
                scores[rows < 0] = -np.inf
            return scores, rows + start

        found = in_parallel(work, [(part, some) for part in parts for some in np.array_split(probes, lanes)])
        scores, rows = zip(*found, strict=True)
        axis = 1 if len(parts) > 1 else 0
        return np.concatenate(scores, axis), np.concatenate(rows, axis)


def rescored(base: Embeddings, probes: Embeddings, rows: Ids) -> FloatArray:
    """(m, k) float32 cosines of each probe with its rows, read where they are; -inf for rows below 0."""
    import faiss

    scores = np.empty(rows.shape, np.float32)
    arrays = (faiss.swig_ptr(a) for a in (scores, probes, base, rows))
    faiss.fvec_inner_products_by_idx(*arrays, base.shape[1], *rows.shape)
    return scores


def without_blas(rows: Embeddings, probe: FloatArray) -> FloatArray:
    """(n,) products in our own threads: those of a BLAS spin on and would be in the way of the next search."""
    import faiss

    scores = np.empty(len(rows), np.float32)
    shares = max(1, min(cores(), len(rows) // SHARE))

    def multiply(share: slice) -> None:
        some, out = rows[share], scores[share]
        arrays = (faiss.swig_ptr(a) for a in (out, probe, some))
        faiss.fvec_inner_products_ny(*arrays, *reversed(some.shape))

    starts = [i * len(rows) // shares for i in range(shares)] + [len(rows)]
    in_parallel(multiply, [slice(a, b) for a, b in pairwise(starts)])
    return scores


def edges(count: int) -> list[int]:
    """Where the parts of so many rows begin and end, one part a core; faiss scans blocks of 32 rows."""
    parts = max(1, min(cores(), count // PART))
    return [i * count // parts // 32 * 32 for i in range(parts)] + [count]


def selector(allowed: NDArray[np.bool_] | None) -> Any:
    """A faiss selector of rows; None for all."""
    import faiss

    return None if allowed is None else faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
