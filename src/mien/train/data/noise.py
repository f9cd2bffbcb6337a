"""Labels made wrong on purpose, to see what cleans them; the truth is kept beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.train.data.base import FaceData, Rows
from mien.train.data.sets import View, compact


@dataclass(frozen=True, slots=True)
class Noisy:
    """A set with wrong labels.

    Args:
        data: the set; its labels are what training sees.
        truth: (n,) int64 labels of the original set.
        wrong: (n,) bool, where the label was changed.
    """

    data: View
    truth: Rows
    wrong: NDArray[np.bool_]


def swap_labels(data: FaceData, share: float, *, seed: int = 0) -> Noisy:
    """Symmetric noise: some pictures are given another person of the set, each of the others as likely.

    Args:
        data: labelled faces.
        share: of the labelled pictures, 0..1.
        seed: of the draw.

    Raises:
        UsageError: a share outside 0..1, or fewer than two people.
    """
    _check(data, share)
    generator = np.random.default_rng(seed)
    known = np.flatnonzero(data.labels >= 0)
    chosen = generator.choice(known, round(share * len(known)), replace=False)
    shift = generator.integers(1, len(data.people), len(chosen))
    labels = data.labels.copy()
    labels[chosen] = (labels[chosen] + shift) % len(data.people)
    return _noisy(data, labels, chosen, f"{share:g} swapped by seed {seed}")


def scatter_people(data: FaceData, share: float, *, seed: int = 0) -> Noisy:
    """Outlier noise: the pictures of some people are scattered over the others, and their own names are gone.

    Args:
        data: labelled faces.
        share: of the labelled pictures that this makes wrong, 0..1; people are taken until it is reached.
        seed: of the draw.

    Raises:
        UsageError: a share outside 0..1, or nobody would be left.
    """
    _check(data, share)
    generator = np.random.default_rng(seed)
    known = data.labels >= 0
    counts = np.bincount(data.labels[known], minlength=len(data.people))
    order = generator.permutation(len(data.people))
    number = int(np.searchsorted(np.cumsum(counts[order]), share * known.sum())) + 1 if share else 0
    outsiders, others = order[:number], order[number:]
    if not len(others):
        raise UsageError(f"a share of {share:g} leaves nobody to hide the pictures among; take a smaller one")
    chosen = np.flatnonzero(known & np.isin(data.labels, outsiders))
    labels = data.labels.copy()
    labels[chosen] = generator.choice(others, len(chosen))
    return _noisy(data, labels, chosen, f"{share:g} scattered by seed {seed}")


def split_people_in_two(data: FaceData, share: float, *, seed: int = 0) -> Noisy:
    """Doubled people: some with four pictures or more are there under two names, half of their pictures under each.

    Args:
        data: labelled faces.
        share: of those people, 0..1.
        seed: of the draw.

    Raises:
        UsageError: a share outside 0..1, or fewer than two people.
    """
    _check(data, share)
    generator = np.random.default_rng(seed)
    counts = np.bincount(data.labels[data.labels >= 0], minlength=len(data.people))
    able = np.flatnonzero(counts >= 4)
    doubled = generator.choice(able, round(share * len(able)), replace=False)
    labels = data.labels.copy()
    for number, person in enumerate(doubled.tolist()):
        rows = generator.permutation(np.flatnonzero(data.labels == person))
        labels[rows[: len(rows) // 2]] = len(data.people) + number
    names = (*data.people, *(f"{data.people[person]} (2)" for person in doubled.tolist()))
    return _noisy(data, labels, np.flatnonzero(labels != data.labels), f"{share:g} doubled by seed {seed}", names)


def _noisy(data: FaceData, labels: Rows, chosen: Rows, note: str, people: Sequence[str] = ()) -> Noisy:
    wrong = np.zeros(len(data), np.bool_)
    wrong[chosen] = True
    dense, used = compact(labels, people or data.people)
    return Noisy(View(data, np.arange(len(data)), dense, used, {"label_noise": note}), data.labels, wrong)


def _check(data: FaceData, share: float) -> None:
    if not 0 <= share <= 1:
        raise UsageError(f"a share of wrong labels must be 0 to 1, got {share:g}")
    if len(data.people) < 2:
        raise UsageError(f"wrong labels need two people or more, the set has {len(data.people)}")
