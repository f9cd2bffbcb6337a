"""Which clusters may not be joined: one photograph, two names, or a correction says so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
_CHUNK = 1 << 20  # (pair, picture) rows looked up at once: 8 MB a column


@dataclass(frozen=True, slots=True)
class Apart:
    """What keeps faces apart.

    Args:
        pictures: (n,) picture of each face; two faces of one picture are two people.
        names: (n,) number of each face's known name, -1 = none; two names are two people.
        pairs: (k, 2) rows of faces that a person has said to be two people.
    """

    pictures: Ints
    names: Ints
    pairs: Ints

    def among(self, rows: Ints) -> Apart:
        """The same statement about some of the faces, numbered anew in the order of `rows` (ascending)."""
        place = np.full(len(self.pictures), -1)
        place[rows] = np.arange(len(rows))
        pairs = place[self.pairs]
        return Apart(self.pictures[rows], self.names[rows], pairs[(pairs >= 0).all(axis=1)])

    def concerned(self) -> Ints:
        """Rows of the faces that are kept from anybody at all, ascending."""
        told = self.names >= 0
        told[self.pairs.ravel()] = True
        told |= np.bincount(self.pictures, minlength=1)[self.pictures] > 1
        return np.flatnonzero(told)

    def between(self, owner: Ints, clusters: int) -> Barrier:
        """The same statement about clusters, `owner` being the cluster of each face."""
        width = int(self.pictures.max(initial=0)) + 1
        keys = distinct(owner * width + self.pictures)
        starts = np.concatenate([[0], np.cumsum(np.bincount(keys // width, minlength=clusters))])
        names = np.full(clusters, -1, np.int64)
        names[owner[self.names >= 0]] = self.names[self.names >= 0]
        ends = np.sort(owner[self.pairs], axis=1)
        return Barrier(keys, starts, width, names, distinct(ends[:, 0] * clusters + ends[:, 1]), clusters)


@dataclass(frozen=True, slots=True)
class Barrier:
    """Look-up of forbidden pairs of clusters.

    Args:
        keys: sorted cluster * `width` + picture.
        starts: (clusters + 1,) where each cluster's keys begin.
        width: number of pictures.
        names: (clusters,) name of each cluster, -1 = none.
        pairs: sorted lower cluster * `clusters` + higher cluster.
        clusters: their number.
    """

    keys: Ints
    starts: Ints
    width: int
    names: Ints
    pairs: Ints
    clusters: int

    def allows(self, a: Ints, b: Ints) -> NDArray[np.bool_]:
        """Whether clusters a[i] < b[i] may be joined, for every i."""
        names_a, names_b = self.names[a], self.names[b]
        allowed: NDArray[np.bool_] = (names_a < 0) | (names_b < 0) | (names_a == names_b)
        if len(self.pairs):
            allowed &= ~_within(a * self.clusters + b, self.pairs)
        if len(self.keys):
            counts = np.diff(self.starts)
            fewer, more = np.where(counts[a] <= counts[b], a, b), np.where(counts[a] <= counts[b], b, a)
            rows = np.flatnonzero(allowed & (counts[fewer] > 0))
            for part in _parts(counts[fewer[rows]]):
                allowed[self._meeting(rows[part], fewer, more)] = False
        return allowed

    def by_picture(self) -> Ints:
        """The keys the other way round, sorted: picture * `clusters` + cluster."""
        return np.sort(self.keys % self.width * self.clusters + self.keys // self.width)

    def forbidden(self, rows: Ints, shown: Ints) -> tuple[Ints, Ints]:
        """All that some clusters may not be joined with: (k,) places in `rows`, and (k,) the other clusters.

        Args:
            rows: the clusters.
            shown: what `by_picture` gives.
        """
        at, keys = _expand(self.starts[rows], self.starts[rows + 1])
        pictures = self.keys[keys] % self.width * self.clusters
        spot, shared = _expand(*np.searchsorted(shown, [pictures, pictures + self.clusters]))
        told = np.flatnonzero(self.names[rows] >= 0)
        named = np.flatnonzero(self.names >= 0)
        differ = np.nonzero(self.names[rows[told]][:, None] != self.names[named])
        low, high = np.divmod(self.pairs, self.clusters)
        both = np.sort(np.concatenate([self.pairs, high * self.clusters + low]))
        said, foes = _expand(*np.searchsorted(both, [rows * self.clusters, (rows + 1) * self.clusters]))
        return (
            np.concatenate([at[spot], told[differ[0]], said]),
            np.concatenate([shown[shared] % self.clusters, named[differ[1]], both[foes] % self.clusters]),
        )

    def _meeting(self, rows: Ints, fewer: Ints, more: Ints) -> Ints:
        """Those of `rows` whose two clusters share a picture."""
        starts, ends = self.starts[fewer[rows]], self.starts[fewer[rows] + 1]
        which, at = _expand(starts, ends)
        pictures = self.keys[at] % self.width
        row = rows[which]
        meeting: Ints = row[_within(more[row] * self.width + pictures, self.keys)]
        return meeting


def distinct(values: Ints) -> Ints:
    """The values in order, each once; numpy's own hashes them first, which takes twenty times as long."""
    ordered = np.sort(values)
    return ordered[np.diff(ordered, prepend=ordered[:1] - 1) > 0]


def _expand(starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """All numbers of several ranges, one after the other: (k,) which range, and (k,) the number."""
    lengths = ends - starts
    which = np.repeat(np.arange(len(lengths)), lengths)
    return which, np.arange(len(which)) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)


def _within(values: Ints, table: Ints) -> NDArray[np.bool_]:
    """Whether each value is in the sorted, non-empty table."""
    at = np.minimum(np.searchsorted(table, values), len(table) - 1)
    found: NDArray[np.bool_] = table[at] == values
    return found


def _parts(lengths: Ints) -> list[slice]:
    """Slices of rows whose lengths add up to at most _CHUNK, or one row."""
    ends = np.cumsum(lengths)
    parts, start = [], 0
    while start < len(lengths):
        before = ends[start - 1] if start else 0
        stop = max(int(np.searchsorted(ends, before + _CHUNK, side="right")), start + 1)
        parts.append(slice(start, stop))
        start = stop
    return parts
