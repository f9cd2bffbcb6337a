"""Photographs and whom they show, and the comparisons that people with very many of them do not fill alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.evaluate.protocols.identification import read_listing
from mien.evaluate.protocols.people_folder import read_people
from mien.image import find_photos

LONDON = ("neutral_front", "smiling_front")
"""Folders of the Face Research Lab London Set; a file is called ``PERSON_EXPRESSION.jpg``."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """Photographs of known people.

    Args:
        name: of the data, for reports.
        paths: one a photograph, sorted.
        people: (n,) int64 person numbers.
    """

    name: str
    paths: tuple[Path, ...]
    people: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.paths)


def read_subjects(root: Path) -> Subjects:
    """The photographs of a folder with one folder a person, of the London set, or of a CSV list file,subject.

    Raises:
        NotFoundError: nothing there.
        UsageError: no photographs, or none whose person is known.
    """
    if root.suffix == ".csv":
        listing = read_listing(root)
        return _sorted(root.stem, listing.paths, listing.subjects)
    if all((root / folder).is_dir() for folder in LONDON):
        paths = [path for folder in LONDON for path in find_photos(root / folder)[0]]
        return _sorted("London", paths, [path.name.split("_")[0] for path in paths])
    folder = read_people(root)
    return _sorted(root.resolve().name, folder.paths, folder.people)


def _sorted(name: str, paths: Sequence[Path], people: Sequence[str]) -> Subjects:
    order = sorted(range(len(paths)), key=lambda row: paths[row])
    numbers = np.unique([people[row] for row in order], return_inverse=True)[1].astype(np.int64)
    if len(numbers) == 0 or numbers.max() == 0:
        raise UsageError(f"{name}: comparisons need photographs of two people or more")
    return Subjects(name, tuple(paths[row] for row in order), numbers)


def drawn_pairs(
    people: NDArray[np.int64], *, mated: int, nonmated: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Comparisons of photographs: of each person up to so many, and so many of strangers, drawn evenly.

    Args:
        people: (n,) person numbers.
        mated: comparisons of one person at most, so that no one person decides the figures.
        nonmated: comparisons of two people at most.
        seed: of the draws.

    Returns:
        (a, b, mated), each (m,): rows with a < b, mated ones first.

    Raises:
        UsageError: nobody has two photographs.
    """
    random = np.random.default_rng(seed)
    own = [_own(np.flatnonzero(people == person), mated, random) for person in np.flatnonzero(np.bincount(people) > 1)]
    if not own:
        raise UsageError("nobody has two photographs; error rates need mated comparisons", code="one-class")
    others = _others(people, nonmated, random)
    pairs = np.concatenate([*own, others])
    kinds = np.arange(len(pairs)) < len(pairs) - len(others)
    return pairs[:, 0], pairs[:, 1], kinds


def _own(rows: NDArray[np.int64], most: int, random: np.random.Generator) -> NDArray[np.int64]:
    first, second = np.triu_indices(len(rows), 1)
    chosen = np.arange(len(first)) if len(first) <= most else np.sort(random.choice(len(first), most, replace=False))
    return np.stack([rows[first[chosen]], rows[second[chosen]]], axis=1)


def _others(people: NDArray[np.int64], most: int, random: np.random.Generator) -> NDArray[np.int64]:
    n = len(people)
    if n * (n - 1) // 2 <= 4 * most:
        pairs = np.stack(np.triu_indices(n, 1), axis=1).astype(np.int64)
        pairs = pairs[people[pairs[:, 0]] != people[pairs[:, 1]]]
        keep = np.sort(random.choice(len(pairs), most, replace=False)) if len(pairs) > most else np.arange(len(pairs))
        return np.asarray(pairs[keep], np.int64)
    # Twice as many as wanted: copies and pairs of one person drop out.
    drawn: NDArray[np.int64] = np.sort(random.integers(0, n, (2 * most, 2)), axis=1)
    drawn = drawn[people[drawn[:, 0]] != people[drawn[:, 1]]]
    keys = np.unique(drawn[:, 0] * n + drawn[:, 1])
    keys = np.sort(random.choice(keys, min(most, len(keys)), replace=False))
    return np.asarray(np.stack(np.divmod(keys, n), axis=1), np.int64)
