"""Faces too poor to found a group join the one they are most like, or nobody."""

from __future__ import annotations

import numpy as np

from mien.grouping.apart import Apart, Ints
from mien.grouping.linkage import pool
from mien.types.arrays import FloatArray

_ROWS = 1024  # faces compared with all groups at once


def attach(vectors: FloatArray, labels: Ints, waiting: Ints, cut: float, apart: Apart) -> Ints:
    """Gives each waiting face to the group it is most like, if that reaches `cut` and nothing forbids it.

    The surest faces choose first, so that of two faces in one photograph the more alike gets the place. Groups are not
    changed by who joins them, and the waiting faces are never compared with each other.

    Args:
        vectors: (n, d) float32, unit rows.
        labels: (n,) group of each face, numbered from 0; -1 = none.
        waiting: rows of the faces to attach; all without a group.
        cut: least average cosine.
        apart: who may not be joined.

    Returns:
        (n,) labels with the attached faces filled in.
    """
    if not (labels >= 0).any():
        return labels
    means, _ = pool(vectors[labels >= 0], labels[labels >= 0])
    offers = [np.empty((3, 0))]
    for at in range(0, len(waiting), _ROWS):
        scores = vectors[waiting[at : at + _ROWS]] @ means.T
        face, group = np.nonzero(scores >= cut)
        offers.append(np.stack([-scores[face, group], waiting[at + face], group]))
    score, face, group = np.concatenate(offers, axis=1)
    order = np.lexsort((group, face, score))
    result, places = labels.copy(), _Places(labels, apart)
    for row, number in zip(face[order].astype(int).tolist(), group[order].astype(int).tolist(), strict=True):
        if result[row] < 0 and places.free(row, number):
            result[row] = number
            places.take(row, number)
    return result


class _Places:
    """Which pictures and which forbidden faces each group holds."""

    def __init__(self, labels: Ints, apart: Apart) -> None:
        self._pictures = apart.pictures
        self._held = {(int(g), int(p)) for g, p in zip(labels, apart.pictures, strict=True) if g >= 0}
        self._foes: dict[int, list[int]] = {}
        for a, b in apart.pairs.tolist():
            self._foes.setdefault(a, []).append(b)
            self._foes.setdefault(b, []).append(a)
        self._label = dict(enumerate(labels.tolist()))

    def free(self, row: int, group: int) -> bool:
        if (group, int(self._pictures[row])) in self._held:
            return False
        return all(self._label[foe] != group for foe in self._foes.get(row, ()))

    def take(self, row: int, group: int) -> None:
        self._held.add((group, int(self._pictures[row])))
        self._label[row] = group
