"""Graph of neighbours (Malkov and Yashunin, 2018), as in faiss.

For those who want it: templates of different people are nearly uniform on the sphere, where a graph misses many of the
best; `describe` tells how many on the gallery at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.gallery.index import Ids, indexes
from mien.gallery.index.compressed import CompressedIndex, Shortlist, selector
from mien.gallery.index.sq8 import code_rows, fill, scalar_index
from mien.gallery.index.workers import cores, faiss_threads
from mien.types.arrays import AnyArray, Embeddings

LINKS = 32
BUILDING = 200
"""Nodes kept in sight while building, faiss's efConstruction."""
EFFORTS = (64, 128, 256, 512, 1024, 2048, 4096)
"""Nodes kept in sight while searching, efSearch: the first that keeps the promise, or the last."""


@indexes.register("hnsw")
class GraphIndex(CompressedIndex):
    """A walk through a graph of 8-bit codes, then the exact vectors; removed rows stay as way-marks of zeros."""

    name = "hnsw"
    gathers = 0.1
    deepest = 512

    def _compress(self, vectors: Embeddings) -> dict[str, AnyArray]:
        import faiss

        index = faiss.IndexHNSWSQ(vectors.shape[1], faiss.ScalarQuantizer.QT_8bit, LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = BUILDING
        index.train(vectors)
        with faiss_threads(cores()):  # a graph cannot be built in shares
            index.add(vectors)
        storage = faiss.downcast_index(index.storage)
        trained = faiss.vector_to_array(storage.sq.trained)
        graph = faiss.serialize_index(index, faiss.IO_FLAG_SKIP_STORAGE)
        return {"codes": code_rows(storage).copy(), "trained": trained, "graph": graph[None]}

    def _load(self, codes: dict[str, AnyArray], dimension: int) -> None:
        import faiss

        index = faiss.deserialize_index(np.ascontiguousarray(codes["graph"][0]))
        self._storage = scalar_index(dimension)
        fill(self._storage, codes["codes"], codes["trained"])
        index.storage, index.own_fields = self._storage, False
        self._parts = [(0, index)]

    def _efforts(self) -> Sequence[int]:
        return EFFORTS

    def _nearest(self, index: Any, probes: Embeddings, depth: int, allowed: NDArray[np.bool_] | None) -> Shortlist:
        import faiss

        parameters = faiss.SearchParametersHNSW(efSearch=max(depth, self.measured.effort), sel=selector(allowed))
        scores, rows = index.search(probes, min(depth, index.ntotal), params=parameters)
        return scores, rows

    def describe(self) -> dict[str, Any]:
        """See `Index`."""
        return {**super().describe(), "ef": self.measured.effort}

    def _erase(self, rows: Ids) -> None:
        if self._codes["codes"].flags.writeable:
            self._codes["codes"][rows] = 0
        code_rows(self._storage)[rows] = 0
