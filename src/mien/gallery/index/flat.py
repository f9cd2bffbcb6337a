"""Exact search: one matrix product over all references."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from mien.gallery.index import State, indexes
from mien.gallery.index.base import RowIndex
from mien.gallery.index.scan import Found, best_rows
from mien.gallery.index.templates import Templates
from mien.types.arrays import Embeddings


@indexes.register("flat")
class FlatIndex(RowIndex):
    """Compares with every reference; what other backends are tested against.

    The product finds who can be in the list; their scores are then taken in float64, so that a score does not depend
    on how many probes or references stand beside it, and equal templates tie exactly.
    """

    name = "flat"
    gathers = 0.2  # a first guess; to be measured with bench_search.py --filters

    @classmethod
    def restore(cls, state: State) -> Self:
        """See `Backend`."""
        return cls(Templates.restore(state))

    def rebuilt(self) -> Self:
        """See `Index`."""
        return type(self)(Templates(*self._templates.compact()))

    def _find(self, probes: Embeddings, k: int, floor: float, allowed: NDArray[np.bool_] | None) -> Found:
        base, tail = self._templates.base, self._templates.tail
        split = len(base)
        if not split:
            return best_rows(tail, probes, k, floor, allowed)
        found = best_rows(base, probes, k, floor, None if allowed is None else allowed[:split])
        if not len(tail):
            return found
        return found + best_rows(tail, probes, k, floor, None if allowed is None else allowed[split:]).shifted(split)
