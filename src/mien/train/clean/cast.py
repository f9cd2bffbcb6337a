"""CAST, Cleaning Automatically by Self-Training (Zhu et al., WebFace260M, CVPR 2021, arXiv 2103.04098, section 3.2).

One round: within each person the largest cluster stays; between people, those who are one are joined, and of two who
are too alike the one with fewer pictures goes. The paper then trains a network on what is left and begins again with
it; `mien.train.clean.rounds` does.

Beyond the paper a picture that its person's cluster left out is given to the person it is like, if there is one: a
swapped label is put right instead of lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.errors import UsageError
from mien.train.clean.between import centres, join, nearest_two, stranger_level
from mien.train.clean.levels import link_level
from mien.train.clean.result import Cleaned, Reason
from mien.train.clean.within import largest_cluster
from mien.train.data.base import UNLABELLED, Rows
from mien.types.arrays import FloatArray

SAMPLE = 20_000
"""Pictures that show how near strangers come to a centre."""


@dataclass(frozen=True, slots=True)
class CastSettings:
    """How strict cleaning is. All are shares; cosines are read off the set.

    Args:
        link_fmr: false match rate at which pictures of one person are linked; None = where links tell people apart
            best.
        density: share of a person's other pictures that one must be linked with to be in a cluster.
        merge: people who may be joined with a stranger, as a share of all.
        doubt: people who may be in doubt because of a stranger, as a share of all.
        move: pictures that may be given to a stranger, as a share of those that are left out; 0 = none is moved.
        seed: of what is drawn to find levels.

    Raises:
        UsageError: a share outside 0..1.
    """

    link_fmr: float | None = None
    density: float = 0.3
    merge: float = 0.001
    doubt: float = 0.005
    move: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("link_fmr", "density", "merge", "doubt", "move"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1:
                raise UsageError(f"{name} is a share, 0 or more and below 1, got {value:g}")


def cast(vectors: FloatArray, labels: Rows, settings: CastSettings | None = None) -> Cleaned:
    """One round of cleaning.

    Memory: the centres (people x d x 4 bytes) and blocks of 64 MB; `vectors` may lie on disk.

    Args:
        vectors: (n, d) float32, unit rows.
        labels: (n,) int64; -1 = unlabelled, and stays so.
        settings: how strict.

    Raises:
        UsageError: nobody has two pictures, or there is one person only.
    """
    settings = settings or CastSettings()
    link = link_level(vectors, labels, fmr=settings.link_fmr, seed=settings.seed)
    reasons = clustered(vectors, labels, link, settings.density)
    kept = np.where(reasons == Reason.KEPT, labels, UNLABELLED)
    joined = join(vectors, kept, merge=settings.merge, doubt=settings.doubt)
    twins = np.isin(joined.labels, joined.twins) & (joined.labels != UNLABELLED)
    reasons[twins] = Reason.TWIN
    now = np.where(twins, UNLABELLED, joined.labels)
    levels = {"link": link, **joined.levels}
    if settings.move:
        become = np.arange(max(labels.max() + 1, 1))
        for merge in joined.merges:
            become[become == merge.person] = merge.into
        own = np.where(labels >= 0, become[labels], UNLABELLED)
        level = _move(vectors, own, now, reasons, settings)
        levels |= {} if level is None else {"move": level}
    return Cleaned(now, reasons, joined.merges, levels)


def clustered(
    vectors: FloatArray, labels: Rows, link: float, density: float
) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    """(n,) int8 of `Reason`: what became of each picture among those of its person.

    A person's only picture is kept: nothing speaks against it.
    """
    reasons = np.full(len(labels), Reason.UNLABELLED, np.int8)
    order = np.argsort(labels, kind="stable")
    order = order[labels[order] >= 0]
    for rows in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        if len(rows) < 2:
            reasons[rows] = Reason.KEPT
            continue
        kept = largest_cluster(vectors[rows], link, density)
        reasons[rows] = np.where(kept, Reason.KEPT, Reason.OUTLIER if kept.any() else Reason.NO_CLUSTER)
    return reasons


def _move(vectors: FloatArray, own: Rows, now: Rows, reasons: np.ndarray, settings: CastSettings) -> float | None:
    """Give pictures that were left out to the person they are like; writes into `now` and `reasons`.

    How near strangers come is shown by the kept pictures and their second nearest other centre: the nearest is the
    right one where the label is wrong. Of a person without a cluster the one picture that nobody else claims stays:
    the others were the strangers.
    """
    found = centres(vectors, now)
    out = np.flatnonzero(np.isin(reasons, (Reason.OUTLIER, Reason.NO_CLUSTER)))
    if len(found.people) < 3 or not len(out):
        return None
    kept = np.flatnonzero(now != UNLABELLED)
    if len(kept) > SAMPLE:
        kept = np.sort(np.random.default_rng(settings.seed).choice(kept, SAMPLE, replace=False))
    *_, strangers = nearest_two(vectors[kept], found.vectors, np.searchsorted(found.people, now[kept]))
    level = stranger_level(strangers, settings.move)
    place = np.minimum(np.searchsorted(found.people, own[out]), len(found.people) - 1)
    mine = np.where(found.people[place] == own[out], place, UNLABELLED)
    nearest, cosine, _ = nearest_two(vectors[out], found.vectors, mine)
    claimed = cosine >= level
    now[out[claimed]], reasons[out[claimed]] = found.people[nearest[claimed]], Reason.MOVED
    lone = out[~claimed & (reasons[out] == Reason.NO_CLUSTER)]
    left, counts = np.unique(own[lone], return_counts=True)
    single = lone[np.isin(own[lone], left[counts == 1])]
    now[single], reasons[single] = own[single], Reason.KEPT
    return level
