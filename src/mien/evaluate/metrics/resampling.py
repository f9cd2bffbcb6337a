"""Intervals where comparisons are dependent: people are drawn again, with all that they were compared in.

Comparisons that share a person are not independent, and an interval that treats them so is too narrow. Each resample
draws as many people as there are, with replacement; a comparison of persons i and j counts w(i) w(j) times, one within
person i w(i) times (the subset bootstrap; Bolle, Ratha and Pankanti 2004, and ISO/IEC 19795-1, annex B).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.metrics.verification import Curve
from mien.evaluate.scores import Scores

if TYPE_CHECKING:
    from scipy.sparse import csr_array

SEED = 19795
RESAMPLES = 1000
FEWEST = 200
BUDGET = 300_000_000
"""Comparisons to weigh over all resamples: a few seconds. Large sets have fewer resamples, never below FEWEST."""
TAIL = 0.15
"""Only so many of the highest non-mated scores are weighed: enough for FMR 0.1 in every resample."""


def percentiles(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of the 95 % interval over the first axis; NaN rows (undefined in that resample) are left out."""
    low, high = np.nanpercentile(values, [2.5, 97.5], axis=0)
    return low, high


@dataclass(frozen=True, slots=True)
class Side:
    """Comparisons of one kind in ascending order of score, and who is in them.

    Within one person `second` is a number beyond the last: that of nobody, who is drawn once in every resample.
    """

    score: NDArray[np.float64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    def weights(self, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        """How often each comparison counts when person i was drawn ``drawn[i]`` times, nobody (the last) once."""
        weights: NDArray[np.float64] = drawn[self.first]
        weights *= drawn[self.second]
        return weights


def weigh(first: NDArray[np.int64], second: NDArray[np.int64], drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """How often comparisons of these people count when person i was drawn ``drawn[i]`` times."""
    weights: NDArray[np.float64] = drawn[first] * np.where(first == second, 1.0, drawn[second])
    return weights


def people_of(scores: Scores) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """(n,) and (n,) numbers from 0 of the people on both sides, and how many people there are.

    Raises:
        ValueError: the scores do not say who was compared.
    """
    if scores.subjects is None or scores.a is None or scores.b is None:
        raise ValueError("the people of the comparisons are not known")
    used = np.zeros(len(scores.samples), np.bool_)
    used[scores.a] = used[scores.b] = True
    numbers = np.zeros(len(used), np.int64)
    people, numbers[used] = np.unique(scores.subjects[used], return_inverse=True)
    return numbers[scores.a], numbers[scores.b], len(people)


def draw_people(people: int, resamples: int) -> NDArray[np.float64]:
    """(resamples, people) float64: how often each person is drawn; the same for the same arguments."""
    random = np.random.default_rng(SEED)
    return random.multinomial(people, np.full(people, 1 / people), resamples).astype(np.float64)


class SubjectBootstrap:
    """Curves of one system with its people drawn again.

    Args:
        scores: with `people`.
        tail: share of the highest non-mated scores to keep; 3 times the equal error rate keeps that in reach.
    """

    def __init__(self, scores: Scores, tail: float = TAIL) -> None:
        first, second, self.people = people_of(scores)
        scored = ~scores.failed
        nobody = np.where(first == second, self.people, second)
        self._mated = _side(scores.score, first, nobody, np.flatnonzero(scores.mated & scored))
        self._failed = first[scores.mated & ~scored]
        rows = np.flatnonzero(~scores.mated & scored)
        self._totals = _pair_counts(first[rows], second[rows], self.people)
        keep = max(1, int(np.ceil(min(1.0, tail) * len(rows))))
        if keep < len(rows):
            rows = rows[np.argpartition(scores.score[rows], len(rows) - keep)[len(rows) - keep :]]
        self._nonmated = _side(scores.score, first, nobody, rows)

    @property
    def resamples(self) -> int:
        """How many are affordable."""
        work = len(self._mated.score) + len(self._nonmated.score) + self._totals.nnz // 8
        return int(np.clip(BUDGET // max(work, 1), FEWEST, RESAMPLES))

    def curves(self) -> Iterator[Curve]:
        """One curve a resample; a resample without a mated or a non-mated comparison is left out."""
        return (curve for _, curve in self.drawn())

    def drawn(self) -> Iterator[tuple[NDArray[np.float64], Curve]]:
        """The same, each with the times that every person was drawn, (people,) float64."""
        drawn = draw_people(self.people, self.resamples)
        totals = np.einsum("pr,rp->r", self._totals @ drawn.T, drawn)
        for times, total in zip(drawn, totals, strict=True):
            named = np.append(times, 1.0)
            misses = np.concatenate([[0.0], np.cumsum(self._mated.weights(named))]) + times[self._failed].sum()
            matches = np.concatenate([np.cumsum(self._nonmated.weights(named)[::-1])[::-1], [0.0]])
            if misses[-1] and total:
                scores = self._mated.score, self._nonmated.score
                yield times, Curve(*scores, misses, matches, float(misses[-1]), float(total))


def _side(
    score: NDArray[np.float64], first: NDArray[np.int64], second: NDArray[np.int64], rows: NDArray[np.int64]
) -> Side:
    rows = rows[np.argsort(score[rows])]
    return Side(score[rows], first[rows], second[rows])


def _pair_counts(first: NDArray[np.int64], second: NDArray[np.int64], people: int) -> csr_array:
    """(people, people) sparse counts of comparisons, so that a resample's total is a quadratic form."""
    from scipy.sparse import coo_array

    ones = np.ones(len(first))
    return coo_array((ones, (np.minimum(first, second), np.maximum(first, second))), (people, people)).tocsr()
