"""Product quantiser of 4 bits for every two dimensions, scanned in registers (André et al., VLDB 2015), as in faiss."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.gallery.index import Ids, indexes
from mien.gallery.index.compressed import CompressedIndex, edges
from mien.gallery.index.workers import encoded
from mien.types.arrays import AnyArray, Embeddings

TRAINING = 65_536
"""Rows for the k-means of 16 centroids."""


@indexes.register("fastscan")
class FastScanIndex(CompressedIndex):
    """A scan of d/4 bytes a reference, then the exact vectors."""

    name = "fastscan"
    gathers = 0.1  # bench_search.py --filters gives about 0.25 at 20,000 references; a guess for more
    deepest = 4096

    def _compress(self, vectors: Embeddings) -> dict[str, AnyArray]:
        import faiss

        d = vectors.shape[1]
        coder = faiss.ProductQuantizer(d, d // 2 if d % 2 == 0 else d, 4)
        coder.cp.min_points_per_centroid = 1  # it prints a warning below
        rows = np.random.default_rng(0).choice(len(vectors), min(TRAINING, len(vectors)), replace=False)
        coder.train(vectors[np.sort(rows)])
        centroids = faiss.vector_to_array(coder.centroids).reshape(coder.M, coder.ksub, coder.dsub)
        return {"codes": encoded(coder.compute_codes, vectors), "centroids": centroids}

    def _load(self, codes: dict[str, AnyArray], dimension: int) -> None:
        ends = edges(len(codes["codes"]))
        self._parts = [
            (start, packed(codes["codes"][start:end], codes["centroids"], dimension)) for start, end in pairwise(ends)
        ]

    def _erase(self, rows: Ids) -> None:
        import faiss

        if self._codes["codes"].flags.writeable:
            self._codes["codes"][rows] = 0
        for start, index in self._parts:
            packer = index.get_CodePacker()
            blocks = faiss.rev_swig_ptr(index.codes.get(), index.codes.size()).reshape(-1, packer.block_size)
            nothing = np.zeros(packer.code_size, np.uint8)
            for row in rows[(rows >= start) & (rows < start + index.ntotal)] - start:
                packer.pack_1(nothing, int(row), blocks)


def packed(codes: NDArray[np.uint8], centroids: NDArray[np.float32], dimension: int) -> Any:
    """A faiss IndexPQFastScan of (n, bytes) codes."""
    import faiss

    plain = faiss.IndexPQ(dimension, len(centroids), 4, faiss.METRIC_INNER_PRODUCT)
    faiss.copy_array_to_vector(np.ascontiguousarray(centroids).ravel(), plain.pq.centroids)
    faiss.copy_array_to_vector(np.ascontiguousarray(codes).ravel(), plain.codes)
    plain.ntotal, plain.is_trained = len(codes), True
    return faiss.IndexPQFastScan(plain)
