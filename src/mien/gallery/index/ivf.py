"""Inverted file: only the lists whose centres are nearest to the probe are scanned, as in faiss.

For those who want it: templates of different people hardly form clusters; `describe` tells how many of the best are
missed on the gallery at hand.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.gallery.index import Ids, indexes
from mien.gallery.index.compressed import CompressedIndex, Shortlist, selector
from mien.gallery.index.sq8 import scalar_index
from mien.gallery.index.workers import cores, encoded, in_parallel
from mien.types.arrays import AnyArray, Embeddings

FIRST_SHARE = 64
"""One list in so many is visited at first; then twice as many, until the promise is kept or all are visited."""
TRAINING = 40
"""Rows a list for the k-means."""


@indexes.register("ivf")
class InvertedIndex(CompressedIndex):
    """Lists of 8-bit codes around 4 sqrt(n) centres, then the exact vectors."""

    name = "ivf"
    gathers = 0.1
    deepest = 512

    def _compress(self, vectors: Embeddings) -> dict[str, AnyArray]:
        import faiss

        count, dimension = vectors.shape
        lists = max(1, min(int(4 * count**0.5), count // TRAINING))
        rows = np.random.default_rng(0).choice(count, min(count, lists * TRAINING), replace=False)
        means = faiss.Kmeans(dimension, lists, niter=10, spherical=True, min_points_per_centroid=1, seed=1)
        means.train(vectors[np.sort(rows)])
        centre = faiss.IndexFlatIP(dimension)
        centre.add(means.centroids)
        scalar = scalar_index(dimension)
        scalar.train(vectors)

        def nearest(some: Embeddings) -> Ids:
            lists: Ids = centre.search(some, 1)[1][:, 0]
            return lists

        return {
            "codes": encoded(scalar.sa_encode, vectors),
            "trained": faiss.vector_to_array(scalar.sq.trained),
            "centres": means.centroids[None],
            "lists": np.concatenate(in_parallel(nearest, np.array_split(vectors, cores()))),
        }

    def _load(self, codes: dict[str, AnyArray], dimension: int) -> None:
        import faiss

        self._centres = faiss.IndexFlatIP(dimension)
        self._centres.add(np.ascontiguousarray(codes["centres"][0]))
        kind, metric = faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
        count = self._centres.ntotal
        index = faiss.IndexIVFScalarQuantizer(self._centres, dimension, count, kind, metric, False)
        faiss.copy_array_to_vector(np.ascontiguousarray(codes["trained"]), index.sq.trained)
        order = np.argsort(codes["lists"], kind="stable")
        ends = np.searchsorted(codes["lists"], np.arange(count + 1), sorter=order)
        for number, (a, b) in enumerate(pairwise(ends)):
            rows = order[a:b]
            if len(rows):
                some = codes["codes"][rows]
                index.invlists.add_entries(number, len(rows), faiss.swig_ptr(rows), faiss.swig_ptr(some))
        index.ntotal, index.is_trained = len(codes["codes"]), True
        self._parts = [(0, index)]

    def _efforts(self) -> Sequence[int]:
        lists = self._centres.ntotal
        doubled = itertools.takewhile(lambda n: n < lists, (-(-lists // FIRST_SHARE) << i for i in itertools.count()))
        return [*doubled, lists]

    def _nearest(self, index: Any, probes: Embeddings, depth: int, allowed: NDArray[np.bool_] | None) -> Shortlist:
        import faiss

        # A depth that was never measured is asked for when the lists visited so far did not fill the answer.
        visited = index.nlist if depth > self.deepest else self.measured.effort
        parameters = faiss.SearchParametersIVF(nprobe=visited, sel=selector(allowed))
        scores, rows = index.search(probes, min(depth, index.ntotal), params=parameters)
        return scores, rows

    def describe(self) -> dict[str, Any]:
        """See `Index`."""
        lists = self._centres.ntotal if self._codes else 0
        return {**super().describe(), "lists": lists, "visited": self.measured.effort}

    def _erase(self, rows: Ids) -> None:
        import faiss

        lists, inverted = self._codes["lists"][rows], self._parts[0][1].invlists
        if self._codes["codes"].flags.writeable:
            self._codes["codes"][rows] = 0
        for number in np.unique(lists).tolist():
            size = inverted.list_size(number)
            members = faiss.rev_swig_ptr(inverted.get_ids(number), size)
            stored = faiss.rev_swig_ptr(inverted.get_codes(number), size * inverted.code_size).reshape(size, -1)
            stored[np.isin(members, rows)] = 0
