"""People from faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import UsageError
from mien.grouping.apart import Apart, Ints
from mien.grouping.attach import attach
from mien.grouping.linkage import average_linkage
from mien.types.arrays import Embeddings
from mien.types.template import check_unit


@dataclass(frozen=True, slots=True)
class Grouping:
    """Faces sorted into people.

    Args:
        labels: (n,) group of each face; groups are numbered from 0 by descending size; -1 = alone.
        names: one a group; None = nobody has named it.
    """

    labels: Ints
    names: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.names)

    def members(self, group: int) -> Ints:
        """Rows of one group's faces, ascending; -1 gives the faces that stay alone."""
        return np.flatnonzero(self.labels == group)


def group(
    vectors: Embeddings,
    pictures: ArrayLike,
    *,
    cut: float,
    weak: NDArray[np.bool_] | None = None,
    attach_cut: float | None = None,
    names: Sequence[str | None] | None = None,
    earlier: ArrayLike | None = None,
    fresh: NDArray[np.bool_] | None = None,
    apart: Sequence[tuple[int, int]] = (),
    going: Callable[[], None] | None = None,
) -> Grouping:
    """Sorts faces into people whose number nobody knows.

    Two groups are joined while the average cosine between their faces is at least `cut`, the most alike first, unless
    they share a photograph, carry two names, or were told apart. What was settled before stays: faces of one name, or
    of one earlier group, begin together. The order of the faces does not matter but for exactly equal scores.

    Args:
        vectors: (n, d) float32, unit rows of one model.
        pictures: (n,) int or str, the picture of each face; copies of a picture are one picture.
        cut: least average cosine, from the model's card.
        weak: (n,) faces too poor to found a group: they may only join one; None = none is.
        attach_cut: least average cosine at which a weak face joins a group; None = `cut`.
        names: (n,) known name of each face or None; one name is one person, two names are two.
        earlier: (n,) group of each face in an earlier run, or -1; such groups may grow together, names may not. A weak
            face without a name chooses anew.
        fresh: (n,) faces that the earlier run has not seen: only their groups are compared, with all others, so that
            the cost is new times all; earlier groups join only where something new came to one of them. None = all.
        apart: rows of two faces that a person has said to be two people.
        going: called again and again, from any thread; what it raises ends the work.

    Raises:
        UsageError: columns of different length, rows that do not exist, or two names in one earlier group.
        ValueError: rows not of length 1.
    """
    n = len(vectors)
    check_unit(vectors)
    picture = np.unique(np.asarray(pictures), return_inverse=True)[1].astype(np.int64)
    known, names_of = _numbered(names, n)
    before = np.full(n, -1, np.int64) if earlier is None else np.asarray(earlier, np.int64)
    poor = np.zeros(n, bool) if weak is None else np.array(weak, bool)
    new = np.ones(n, bool) if fresh is None else np.asarray(fresh, bool)
    if not n == len(picture) == len(known) == len(before) == len(poor) == len(new):
        raise UsageError(f"{n} vectors need as many pictures, names, earlier groups, weak and fresh marks")
    pairs = np.asarray(apart, np.int64).reshape(-1, 2)
    if pairs.size and (pairs.min() < 0 or pairs.max() >= n):
        raise UsageError(f"apart names a face outside 0..{n - 1}")
    limits = Apart(picture, known, pairs)
    poor &= known < 0
    start = _start(known, np.where(poor, -1, before))
    labels = _strong(vectors, start, ~poor, new, cut, limits, going)
    labels = _founded(labels, known)
    labels = attach(vectors, labels, np.flatnonzero(poor), cut if attach_cut is None else attach_cut, limits)
    return _ordered(labels, known, names_of)


def _strong(
    vectors: Embeddings,
    start: Ints,
    strong: NDArray[np.bool_],
    new: NDArray[np.bool_],
    cut: float,
    apart: Apart,
    going: Callable[[], None] | None,
) -> Ints:
    rows = np.flatnonzero(strong)
    labels = np.full(len(vectors), -1, np.int64)
    clusters = _compact(start[rows])
    fresh = np.unique(clusters[new[rows]])
    labels[rows] = average_linkage(vectors[rows], clusters, cut, apart.among(rows), fresh=fresh, going=going)
    return labels


def _founded(labels: Ints, known: Ints) -> Ints:
    """Labels of the groups with two faces or a name, numbered from 0; -1 for the rest."""
    sizes = np.bincount(labels[labels >= 0], minlength=1)
    keeps = sizes > 1
    keeps[labels[known >= 0]] = True
    kept = (labels >= 0) & keeps[labels]
    result = np.full(len(labels), -1, np.int64)
    result[kept] = _compact(labels[kept])
    return result


def _ordered(labels: Ints, known: Ints, names_of: list[str]) -> Grouping:
    """Groups by descending size, equal ones by their first face."""
    grouped = labels >= 0
    groups, first, sizes = np.unique(labels[grouped], return_index=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    place = np.empty(len(groups), np.int64)
    place[order] = np.arange(len(groups))
    result = np.full(len(labels), -1, np.int64)
    result[grouped] = place[labels[grouped]]
    names: list[str | None] = [None] * len(groups)
    for row in np.flatnonzero(known >= 0).tolist():
        names[result[row]] = names_of[known[row]]
    return Grouping(result, tuple(names))


def _numbered(names: Sequence[str | None] | None, n: int) -> tuple[Ints, list[str]]:
    """A number a name, -1 for none."""
    if names is None:
        return np.full(n, -1, np.int64), []
    names_of = sorted({name for name in names if name is not None})
    number = {name: i for i, name in enumerate(names_of)}
    return np.array([-1 if name is None else number[name] for name in names], np.int64), names_of


def _start(known: Ints, before: Ints) -> Ints:
    """Clusters to begin with: one name together, one earlier group together, every other face alone."""
    groups, group_of = np.unique(before, return_inverse=True)
    highest, lowest = np.full(len(groups), -1), np.full(len(groups), known.max(initial=-1))
    told = (known >= 0) & (before >= 0)
    np.maximum.at(highest, group_of[told], known[told])
    np.minimum.at(lowest, group_of[told], known[told])
    if (lowest < highest).any():
        wrong = groups[np.argmax(lowest < highest)]
        raise UsageError(f"earlier group {wrong} holds faces of two names; give them different groups")
    name = np.where(before >= 0, highest[group_of], known)
    name = np.where(known >= 0, known, name)
    # Three ranges of numbers that do not meet: names, earlier groups, faces.
    alone = len(known) + len(groups) + np.arange(len(known))
    return _compact(np.where(name >= 0, name, np.where(before >= 0, len(known) + group_of, alone)))


def _compact(numbers: Ints) -> Ints:
    """The same classes, numbered from 0."""
    return np.unique(numbers, return_inverse=True)[1].astype(np.int64)
