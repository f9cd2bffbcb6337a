"""Two systems on the same comparisons: differences with intervals, and McNemar's test.

The intervals of two systems say little about their difference, since both erred on the same hard pairs. Here each
resample is drawn once and both systems are measured on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.metrics.resampling import BUDGET, FEWEST, RESAMPLES, SEED, draw_people, people_of, weigh
from mien.evaluate.metrics.verification import Curve
from mien.evaluate.scores import Scores

Bools = NDArray[np.bool_]
Weights = NDArray[np.float64]


class Weighted:
    """One system whose curve can be drawn with any weights of its comparisons."""

    def __init__(self, scores: Scores) -> None:
        scored = ~scores.failed
        self._failed = np.flatnonzero(scores.mated & scores.failed)
        self._mated = _ascending(scores.score, scores.mated & scored)
        self._nonmated = _ascending(scores.score, ~scores.mated & scored)
        self._scores = scores.score[self._mated], scores.score[self._nonmated]

    def curve(self, weights: Weights) -> Curve | None:
        """Both error rates when comparison i counts ``weights[i]`` times; None if one kind does not count at all."""
        misses = np.concatenate([[0.0], np.cumsum(weights[self._mated])]) + weights[self._failed].sum()
        matches = np.concatenate([np.cumsum(weights[self._nonmated][::-1])[::-1], [0.0]])
        if not misses[-1] or not matches[0]:
            return None
        return Curve(*self._scores, misses, matches, float(misses[-1]), float(matches[0]))


def _ascending(score: NDArray[np.float64], chosen: Bools) -> NDArray[np.int64]:
    rows = np.flatnonzero(chosen)
    return rows[np.argsort(score[rows])]


def resample(scores: Scores) -> tuple[str, Iterator[Weights]]:
    """How the comparisons are drawn again, in words, and the weights of each resample.

    People are drawn where they are known, since comparisons that share one are dependent; otherwise comparisons, mated
    and non-mated apart, as if they were independent.
    """
    number = int(np.clip(BUDGET // (4 * max(len(scores), 1)), FEWEST // 2, RESAMPLES))
    if scores.people is not None:
        first, second, people = people_of(scores)
        drawn = draw_people(people, number)
        text = f"bootstrap over {people:,} people, {number:,} resamples, the same for both systems"
        return text, (weigh(first, second, times) for times in drawn)
    text = f"bootstrap over comparisons, as if independent, {number:,} resamples, the same for both systems"
    return text, _comparisons(scores.mated, number)


def _comparisons(mated: Bools, number: int) -> Iterator[Weights]:
    random = np.random.default_rng(SEED)
    kinds = [np.flatnonzero(mated), np.flatnonzero(~mated)]
    for _ in range(number):
        weights = np.zeros(len(mated), np.float64)
        for rows in kinds:
            weights[rows] = np.bincount(random.integers(0, len(rows), len(rows)), minlength=len(rows))
        yield weights


@dataclass(frozen=True, slots=True)
class McNemar:
    """Mated comparisons that one system got right and the other did not.

    Args:
        first_only: right in the first alone.
        second_only: right in the second alone.
        p: two-sided exact probability of so uneven a split if both were equally good.
    """

    first_only: int
    second_only: int
    p: float

    def to_dict(self) -> dict[str, float | int]:
        """For JSON: first_only, second_only, p."""
        return {"first_only": self.first_only, "second_only": self.second_only, "p": self.p}


def mcnemar(first: Bools, second: Bools) -> McNemar:
    """McNemar's exact test (1947): the discordant comparisons are a fair coin if both systems are equally good.

    Args:
        first: (n,) bool, right answers of the first system.
        second: (n,) bool, of the second, in the same order.

    Raises:
        ValueError: the two differ in length.
    """
    from scipy.stats import binomtest

    if first.shape != second.shape:
        raise ValueError(f"answers to the same comparisons are wanted, got {first.shape} and {second.shape}")
    one, other = int(np.count_nonzero(first & ~second)), int(np.count_nonzero(~first & second))
    p = float(binomtest(one, one + other).pvalue) if one + other else 1.0
    return McNemar(one, other, p)


def same_order(first: Scores, second: Scores) -> NDArray[np.int64] | None:
    """Rows of `second` in the order of `first`; None when the two did not compare the same things.

    Comparisons are known by their two sides, whichever comes first. Without ids they are taken in the order in which
    they stand, and must agree in what is mated.
    """
    if len(first) != len(second) or (first.a is None) != (second.a is None):
        return None
    rows = np.arange(len(first))
    if first.a is not None:
        numbers = {sample: number for number, sample in enumerate(first.samples)}
        translate = np.array([numbers.get(sample, -1) for sample in second.samples], np.int64)
        keys = _keys(first, np.arange(len(numbers)), len(numbers)), _keys(second, translate, len(numbers))
        orders = [np.argsort(key, kind="stable") for key in keys]
        if not np.array_equal(keys[0][orders[0]], keys[1][orders[1]]):
            return None
        rows[orders[0]] = orders[1]
    return rows if np.array_equal(first.mated, second.mated[rows]) else None


def _keys(scores: Scores, translate: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """One number a comparison, the same for (a, b) and (b, a); negative where a side is unknown."""
    assert scores.a is not None
    assert scores.b is not None
    a, b = translate[scores.a], translate[scores.b]
    known = (a >= 0) & (b >= 0)
    keys: NDArray[np.int64] = np.where(known, np.minimum(a, b) * np.int64(count) + np.maximum(a, b), -1)
    return keys


def take(scores: Scores, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], Bools]:
    """Score and failure in another order."""
    return scores.score[rows], scores.failed[rows]


def interval(drawn: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """95 % percentile interval of each column."""
    low, high = np.percentile(np.array(drawn), [2.5, 97.5], axis=0)
    return list(zip(low.tolist(), high.tolist(), strict=True))
