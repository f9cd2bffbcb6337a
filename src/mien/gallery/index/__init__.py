"""Search backends, one file each. An index is a projection of the gallery, rebuilt from it and never the truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mien.registry import Registry
from mien.types.arrays import AnyArray, Embeddings

Ids = NDArray[np.int64]
Candidates = list[tuple[int, float, int]]
"""(subject id, cosine, reference id), best first, ties by id, each subject once."""
State = Mapping[str, AnyArray]
"""C-contiguous arrays by name, see `Index.state`."""


class Index(Protocol):
    """Templates of one contract in memory."""

    def add(self, references: Ids, subjects: Ids, vectors: Embeddings) -> None:
        """Take (n,) ids, (n,) subject ids (0 and up) and (n, d) unit rows."""

    def remove(self, references: Ids) -> None:
        """Drop references and overwrite what they held in memory of our own; unknown ids are passed over."""

    def reassign(self, references: Ids, subjects: Ids) -> None:
        """From now on (n,) references belong to (n,) other subjects; unknown ids are passed over."""

    def search(
        self, probes: Embeddings, top: int, min_score: float | None = None, among: Ids | None = None
    ) -> list[Candidates]:
        """For each probe the best subjects.

        Args:
            probes: (m, d) unit rows.
            top: so many subjects at most, each by its best reference.
            min_score: cosine below which nobody is named.
            among: sorted ids of the subjects that may answer; None: all.
        """

    def __len__(self) -> int:
        """How many references."""

    def state(self) -> dict[str, AnyArray]:
        """Arrays from which the backend's `restore` opens the same index again.

        `references` (n,) int64 (-1: removed), `subjects` (n,) int64 (-1: removed) and `vectors` (n, d) float32 are
        always there. Every array whose first axis is n holds one row a reference, in the same order, and a row of zeros
        there (-1 for the ids) erases it; nothing in the other arrays belongs to one person.
        """

    def rebuilt(self) -> Index:
        """The same references in the best form: removed rows gone, everything compressed and its recall measured.

        Takes a snapshot at once, so that another thread may go on with this one. Vectors are shared, not copied, where
        nothing was removed: who goes on with both removes in both, and what either removes is overwritten for both.
        """

    def describe(self) -> dict[str, Any]:
        """For reports: backend, references, compressed (how many of them), recall ({"top10": share, ...} or None)."""


class Backend(Protocol):
    """Makes indexes of one kind."""

    def create(self, dimension: int, expected: int = 0) -> Index:
        """An empty index for templates of this length, with room for so many references."""

    def restore(self, state: State) -> Index:
        """The index whose `Index.state` this is; the arrays may be read-only maps of a file and are kept, not copied.

        Raises:
            UsageError: the arrays do not fit together.
        """


indexes: Registry[Backend] = Registry("gallery.index", "mien.gallery.index")

FASTSCAN_FROM = 50_000
"""References from which the compressed scan is used.

By `benchmarks/bench_search.py` it is as fast as the exact search at 10,000 and at least twice as fast at 100,000.
"""


def choose_backend(count: int) -> str:
    """The backend that answers soonest, with every right answer in it, for so many references."""
    return "fastscan" if count >= FASTSCAN_FROM else "flat"
