"""Labelled faces of people that a network has not learnt from: its error rates and its grouping cut are theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.evaluate.metrics.grouping import grouping_figures
from mien.grouping import GroupingRule, group
from mien.models import find_card
from mien.train.data import FaceData, Prepared, open_data, pick
from mien.train.feed import listed_people
from mien.train.recipe import Export
from mien.types.arrays import Crops, Embeddings, FloatArray

MOST = 4000
"""Faces compared with one another: 8 million comparisons; of a larger set whole people are drawn."""
SEED = 19795
CUTS = np.round(np.arange(0.04, 0.961, 0.02), 2)
SMALL = (16, 20, 24, 28)
"""Pixels of a side that faces are shrunk to, to see how poor ones are attached."""
DETECTOR_SCALE = "sface"
"""Whose card says below which detector score a face is poor: that is a matter of the detector, not of the network."""


@dataclass(frozen=True, slots=True)
class Development:
    """Faces to measure on.

    Args:
        crops: (n, 112, 112, 3) uint8 RGB.
        people: (n,) int64.
        about: what they are, in words.
    """

    crops: Crops
    people: NDArray[np.int64]
    about: str


def read_development(settings: Export, learnt: FaceData) -> Development:
    """The development set of a recipe.

    Args:
        settings: ``[export]``.
        learnt: what the network was trained on.

    Raises:
        UsageError: none is named, it shares people or pictures with `learnt`, or holds fewer than two people.
    """
    if not settings.development:
        raise UsageError(
            "'export.development' is missing: thresholds are measured on faces of people not learnt from; "
            "--set export.development=PATH names such a set",
            code="recipe",
        )
    data = open_data(settings.development)
    labelled = data.labels >= 0
    if settings.people:
        names = listed_people([settings.people])
        labelled &= np.isin(data.labels, [row for row, person in enumerate(data.people) if person in names])
    data = pick(data, labelled)
    _require_apart(data, learnt)
    if len(data.people) < 2:
        raise UsageError(f"{settings.development}: error rates need two people or more", code="one-person")
    rows = _drawn(data.labels)
    about = settings.about or f"{Path(settings.development.rpartition(':')[2]).name}: {len(data.people):,} people"
    drawn = "" if len(rows) == len(data) else f", {len(rows):,} of {len(data):,} faces"
    return Development(data.crops(rows), np.unique(data.labels[rows], return_inverse=True)[1], about + drawn)


def choose_rule(
    development: Development, embed: Callable[[Crops], Embeddings], *, date: str, command: str
) -> GroupingRule:
    """The cuts with the highest BCubed F (Amigo et al. 2009) on the development set.

    The cut is chosen with all faces as they are; then every second one is shrunk and counts as poor, and the cut at
    which poor faces join a group is chosen. Equal ones: the middle, which is farthest from being wrong.
    """
    vectors, people = embed(development.crops), development.people
    strong = np.zeros(len(people), np.bool_)
    cut = _best(CUTS.tolist(), lambda value: _f(vectors, people, strong, value, value))
    poor = np.arange(len(people)) % 2 == 1
    mixed = vectors.copy()
    mixed[poor] = embed(np.stack([_shrunk(crop, row) for row, crop in enumerate(development.crops[poor])]))
    later = [value for value in CUTS.tolist() if cut <= value <= cut + 0.3]
    attach = _best(later, lambda value: _f(mixed, people, poor, cut, value))
    theirs = find_card(DETECTOR_SCALE, "embedder").grouping or {}
    return GroupingRule(cut, attach, theirs["min_score"], development.about, date, command)


def _f(vectors: FloatArray, people: NDArray[np.int64], weak: NDArray[np.bool_], cut: float, attach: float) -> float:
    labels = group(vectors, np.arange(len(people)), cut=cut, weak=weak, attach_cut=attach).labels
    return grouping_figures(labels, people).bcubed.f or 0.0


def _best(values: Iterable[float], score: Callable[[float], float]) -> float:
    """The value with the highest score; of equal ones the middle."""
    scored = [(score(value), value) for value in values]
    top = max(scored)[0]
    equal = [value for found, value in scored if found >= top - 1e-9]
    return equal[len(equal) // 2]


def _shrunk(crop: Crops, row: int) -> Crops:
    """A crop of a face that had a few pixels: (112, 112, 3) uint8."""
    side = SMALL[row % len(SMALL)]
    small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (112, 112), interpolation=cv2.INTER_LINEAR), np.uint8)


def _require_apart(development: FaceData, learnt: FaceData) -> None:
    """UsageError where people or pictures are in both: rates on what was learnt by heart are none."""
    # Record files number their people; the same number in two files is nobody in common.
    people = {name for name in development.people if not name.isdecimal()} & set(learnt.people)
    pictures: set[str] = set()
    if isinstance(learnt, Prepared):  # others would have to be read from end to end
        known = {learnt.sha256(row) for row in range(len(learnt))}
        pictures = {development.sha256(row) for row in range(len(development))} & known
    if people or pictures:
        what = f"{len(people):,} people" if people else f"{len(pictures):,} pictures"
        raise UsageError(
            f"the development set shares {what} with what was learnt from; leave them out of it, or of the training "
            "(data.exclude)",
            code="not-disjoint",
        )


def _drawn(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of whole people, at most `MOST` unless one person has more; people with several pictures first."""
    counts = np.bincount(labels)
    order = np.random.default_rng(SEED).permutation(len(counts))
    order = order[np.argsort(counts[order] < 2, kind="stable")]
    kept = order[np.cumsum(counts[order]) <= MOST]
    return np.flatnonzero(np.isin(labels, kept if len(kept) > 1 else order[:2]))
