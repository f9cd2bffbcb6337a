"""The rows of an index: a base block, perhaps a read-only map of a file, and a tail in memory that grows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.gallery.index import Ids, State
from mien.types.arrays import AnyArray, Embeddings

GONE = -1
"""Reference and subject of a removed row."""
FEW = 64
"""A filter of fewer than 1/FEW as many subjects as there are rows is looked up subject by subject."""


class Templates:
    """Columns of equal length; a row keeps its number for life, removed or not.

    Args:
        references: (n,) int64, taken over.
        subjects: (n,) int64, taken over.
        base: (n, d) float32, kept as it is.
        expected: how many further rows to make room for.
    """

    def __init__(self, references: Ids, subjects: Ids, base: Embeddings, expected: int = 0) -> None:
        self.base = base
        self._count = len(base)
        self._references, self._subjects = references, subjects
        self._tail = np.empty((expected, base.shape[1]), np.float32)
        self.removed = int(np.sum(subjects == GONE))
        self._by_subject: tuple[Ids, Ids] | None = None

    @classmethod
    def restore(cls, state: State) -> Templates:
        """Rows of a stored state; the ids are copied, the vectors kept."""
        missing = {"references", "subjects", "vectors"} - set(state)
        if missing:
            raise UsageError(f"an index without {', '.join(sorted(missing))} cannot be opened; build it again")
        references, subjects, vectors = state["references"], state["subjects"], state["vectors"]
        if vectors.ndim != 2 or vectors.dtype != np.float32 or not len(references) == len(subjects) == len(vectors):
            raise UsageError(
                f"references, subjects and vectors of an index do not fit: {references.shape}, {subjects.shape}, "
                f"{vectors.shape} {vectors.dtype}; build it again"
            )
        return cls(references.astype(np.int64), subjects.astype(np.int64), vectors)

    def __len__(self) -> int:
        """All rows, removed ones too."""
        return self._count

    @property
    def dimension(self) -> int:
        """Length of a template."""
        return int(self.base.shape[1])

    @property
    def references(self) -> Ids:
        """(n,) reference ids."""
        return self._references[: self._count]

    @property
    def subjects(self) -> Ids:
        """(n,) subject ids."""
        return self._subjects[: self._count]

    @property
    def tail(self) -> Embeddings:
        """(n - len(base), d) rows added since."""
        return self._tail[: self._count - len(self.base)]

    def split(self, count: int) -> None:
        """Make the rows of the base from `count` on the tail."""
        self._tail, self.base = self.base[count:].copy(), self.base[:count]

    def append(self, references: Ids, subjects: Ids, vectors: Embeddings) -> None:
        """Add rows at the end."""
        start, end, first = self._count, self._count + len(references), self._count - len(self.base)
        self._references = grown(self._references, end, start)
        self._subjects = grown(self._subjects, end, start)
        self._tail = grown(self._tail, end - len(self.base), first)
        self._references[start:end], self._subjects[start:end] = references, subjects
        self._tail[first : first + len(references)] = vectors
        self._count, self._by_subject = end, None

    def remove(self, references: Ids) -> Ids:
        """Row numbers of these references, which are gone now; their vectors are overwritten where that is possible."""
        rows = self._rows_of(references)
        self._references[rows] = self._subjects[rows] = GONE
        if self.base.flags.writeable:
            self.base[rows[rows < len(self.base)]] = 0
        self._tail[rows[rows >= len(self.base)] - len(self.base)] = 0
        self.removed += len(rows)
        self._by_subject = None
        return rows

    def reassign(self, references: Ids, subjects: Ids) -> None:
        """Give references to other subjects."""
        rows = self._rows_of(references)
        order = np.argsort(references)
        self._subjects[rows] = subjects[order[np.searchsorted(references, self._references[rows], sorter=order)]]
        self._by_subject = None

    def vectors(self, rows: Ids) -> Embeddings:
        """(k, d) copies of rows."""
        if not len(self.tail):
            return self.base[rows]
        if not len(self.base):
            return self._tail[rows]
        found = np.empty((len(rows), self.dimension), np.float32)
        old = rows < len(self.base)
        found[old] = self.base[rows[old]]
        found[~old] = self._tail[rows[~old] - len(self.base)]
        return found

    def allowed(self, among: Ids | None) -> Ids | None:
        """Ascending numbers of the rows that may answer; None: all of them.

        Args:
            among: sorted subject ids, or None for all subjects.
        """
        if among is None:
            return np.flatnonzero(self.subjects != GONE) if self.removed else None
        if len(among) * FEW > self._count:
            return np.flatnonzero(np.isin(self.subjects, among))
        subjects, order = self._sorted()
        first = np.searchsorted(subjects, among)
        counts = np.searchsorted(subjects, among, side="right") - first
        places = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        return np.sort(order[places])

    def compact(self) -> tuple[Ids, Ids, Embeddings]:
        """References, subjects and vectors without the removed rows; the vectors are shared where that is possible."""
        if not self.removed and not (len(self.base) and len(self.tail)):
            return self.references.copy(), self.subjects.copy(), self.tail if len(self.tail) else self.base
        rows = np.flatnonzero(self.subjects != GONE)
        return self.references[rows], self.subjects[rows], self.vectors(rows)

    def state(self) -> dict[str, AnyArray]:
        """The three columns, shared where the vectors are in one block."""
        vectors: AnyArray = self.base if len(self.base) else self.tail
        if (len(self.base) and len(self.tail)) or (self.removed and not vectors.flags.writeable):
            vectors = np.concatenate([self.base, self.tail])
            vectors[self.subjects == GONE] = 0
        return {"references": self.references, "subjects": self.subjects, "vectors": vectors}

    def _rows_of(self, references: Ids) -> Ids:
        return np.flatnonzero(np.isin(self.references, references[references >= 0]))

    def _sorted(self) -> tuple[Ids, Ids]:
        known = self._by_subject
        if known is None:
            order = np.argsort(self.subjects, kind="stable")
            self._by_subject = known = self.subjects[order], order
        return known


def grown(array: NDArray[np.generic], needed: int, used: int) -> AnyArray:
    """The array itself, or a larger copy of its first `used` rows with room for at least `needed`."""
    if needed <= len(array):
        return array
    larger = np.empty((max(needed, len(array) * 3 // 2), *array.shape[1:]), array.dtype)
    larger[:used] = array[:used]
    return larger
