"""A folder for each person: every picture compared with every other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mien.errors import LimitError, UsageError
from mien.evaluate.protocols.pairs import PairList
from mien.evaluate.protocols.people_folder import read_people

MOST = 20_000_000
"""Comparisons held in memory at once: 6,300 pictures."""


def read_folder(root: Path) -> PairList:
    """All pairs of the pictures below `root`, whose first folder names the person.

    Raises:
        NotFoundError: no such folder.
        UsageError: no pictures, one in no person's folder, one person only, or nobody with two pictures.
        LimitError: more comparisons than are taken at once.
    """
    folder = read_people(root)
    order = sorted(range(len(folder.paths)), key=lambda i: folder.paths[i])
    return all_pairs(root, [folder.paths[i] for i in order], [folder.people[i] for i in order])


def all_pairs(root: Path, paths: Sequence[Path], people: Sequence[str]) -> PairList:
    """Each picture with each later one.

    Args:
        root: what the ids are relative to.
        paths: pictures below it.
        people: whose they are.
    """
    count = len(paths) * (len(paths) - 1) // 2
    if count > MOST:
        raise LimitError(f"{len(paths):,} pictures make {count:,} comparisons, at most {MOST:,}; choose with --pairs")
    a, b = np.triu_indices(len(paths), 1)
    subjects = np.unique(people, return_inverse=True)[1].astype(np.int64)
    mated = subjects[a] == subjects[b]
    if not mated.any():
        raise UsageError(f"{root}: nobody has two pictures; error rates need mated comparisons", code="one-class")
    samples = tuple(path.relative_to(root).as_posix() for path in paths)
    return PairList(root.resolve().name, samples, list(paths), a, b, mated, subjects=subjects)
