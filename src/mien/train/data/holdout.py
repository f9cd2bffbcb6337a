"""Who may be learnt from: sets without the people of a test, and two halves that share nobody."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from mien.errors import NotFoundError, UsageError
from mien.evaluate.protocols.lfw import LISTS, read_list
from mien.train.data.base import FaceData
from mien.train.data.sets import View, pick


def lfw_test_people(root: Path, views: Collection[int] = (1, 2)) -> frozenset[str]:
    """The people of LFW's test lists: of view 1 (development) and view 2 (reporting).

    Args:
        root: folder with pairsDevTest.txt and pairs.txt.
        views: which of the two.

    Raises:
        NotFoundError: a list is not there.
        UsageError: it is none.
    """
    people: set[str] = set()
    for view in views:
        path = root / LISTS[view]
        if not path.is_file():
            raise NotFoundError(f"{path} is not there; it says who must not be learnt from", source=str(path))
        people.update(name.split("/")[0] for pair in read_list(path)[0] for name in pair)
    return frozenset(people)


def without_people(data: FaceData, names: Collection[str]) -> View:
    """A set without some people; pictures without a person stay.

    Raises:
        UsageError: nobody is left.
    """
    gone = np.array([name in names for name in data.people], np.bool_)
    kept = np.ones(len(data), np.bool_)
    known = data.labels >= 0
    kept[known] = ~gone[data.labels[known]]
    if not kept.any():
        raise UsageError("all people of the set are among those to leave out; nothing is left to learn from")
    return pick(data, kept, left_out=f"{int(gone.sum())} people")


def split_people(data: FaceData, *, share: float = 0.5, seed: int = 0) -> tuple[View, View]:
    """Two sets that share nobody.

    Args:
        data: labelled faces; those without a person are in neither.
        share: of the people, in the first.
        seed: of the draw.

    Raises:
        UsageError: one of them would be empty.
    """
    count = round(len(data.people) * share)
    if not 0 < count < len(data.people):
        raise UsageError(f"{len(data.people):,} people cannot be split at {share:g}: one side would be empty")
    first = np.zeros(len(data.people), np.bool_)
    first[np.random.default_rng(seed).permutation(len(data.people))[:count]] = True
    known = data.labels >= 0
    mine = np.zeros(len(data), np.bool_)
    mine[known] = first[data.labels[known]]
    note = f"{share:g} of the people by seed {seed}"
    return pick(data, mine, split=f"first {note}"), pick(data, known & ~mine, split=f"the rest of {note}")
