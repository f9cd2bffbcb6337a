"""Scalar quantiser: one byte a dimension, as in faiss."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.gallery.index import Ids, indexes
from mien.gallery.index.compressed import CompressedIndex, Shortlist, edges, selector
from mien.gallery.index.workers import encoded
from mien.types.arrays import AnyArray, Embeddings


@indexes.register("sq8")
class ScalarIndex(CompressedIndex):
    """A scan of d bytes a reference, then the exact vectors: slower than `fastscan`, but for a few rows only exact."""

    name = "sq8"
    gathers = 0.1
    deepest = 1024

    def _compress(self, vectors: Embeddings) -> dict[str, AnyArray]:
        import faiss

        index = scalar_index(vectors.shape[1])
        index.train(vectors)
        return {"codes": encoded(index.sa_encode, vectors), "trained": faiss.vector_to_array(index.sq.trained)}

    def _load(self, codes: dict[str, AnyArray], dimension: int) -> None:
        self._parts = []
        for start, end in pairwise(edges(len(codes["codes"]))):
            index = scalar_index(dimension)
            fill(index, codes["codes"][start:end], codes["trained"])
            self._parts.append((start, index))

    def _nearest(self, index: Any, probes: Embeddings, depth: int, allowed: NDArray[np.bool_] | None) -> Shortlist:
        import faiss

        parameters = faiss.SearchParameters(sel=selector(allowed))
        scores, rows = index.search(probes, min(depth, index.ntotal), params=parameters)
        return scores, rows

    def _erase(self, rows: Ids) -> None:
        if self._codes["codes"].flags.writeable:
            self._codes["codes"][rows] = 0
        for start, index in self._parts:
            code_rows(index)[rows[(rows >= start) & (rows < start + index.ntotal)] - start] = 0


def scalar_index(dimension: int) -> Any:
    """An empty faiss index of one byte a dimension."""
    import faiss

    return faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)


def fill(index: Any, codes: NDArray[np.uint8], trained: NDArray[np.float32]) -> None:
    """Give an `IndexScalarQuantizer` its (n, d) codes and the range of each dimension."""
    import faiss

    faiss.copy_array_to_vector(np.ascontiguousarray(trained), index.sq.trained)
    index.is_trained = True
    index.add_sa_codes(np.ascontiguousarray(codes))


def code_rows(index: Any) -> NDArray[np.uint8]:
    """(n, d) codes inside an `IndexScalarQuantizer`, writable."""
    import faiss

    codes: NDArray[np.uint8] = faiss.rev_swig_ptr(index.codes.data(), index.codes.size())
    return codes.reshape(index.ntotal, -1)
