"""Search backends, one file each. An index is a projection of the gallery, rebuilt from it and never the truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mien.registry import Registry
from mien.types.arrays import Embeddings

Ids = NDArray[np.int64]
Candidates = list[tuple[int, float, int]]
"""(subject id, cosine, reference id), best first, ties by id, each subject once."""


class Index(Protocol):
    """Templates of one contract in memory."""

    def add(self, references: Ids, subjects: Ids, vectors: Embeddings) -> None:
        """Take (n,) ids, (n,) subject ids and (n, d) unit rows."""

    def remove(self, references: Ids) -> None:
        """Drop references and overwrite what they held; unknown ids are passed over."""

    def search(self, probes: Embeddings, top: int, min_score: float | None = None) -> list[Candidates]:
        """For each of (m, d) probes the `top` subjects by their best reference, those below `min_score` left out."""

    def __len__(self) -> int:
        """How many references."""


IndexFactory = Callable[[int, int], Index]
"""(dimension, number of references expected) to an empty index."""
indexes: Registry[IndexFactory] = Registry("gallery.index", "mien.gallery.index")
