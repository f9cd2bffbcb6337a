"""Error versus discard: what a quality score is worth, by the errors that are left when the poorest pairs are left out.

Grother & Tabassi, "Performance of Biometric Quality Measures", PAMI 2007, and ISO/IEC 29794-1: the threshold is set
once, for a false match rate over all comparisons; then the mated comparisons of least quality are discarded, and the
curve is the false non-match rate of those that are left, against the share that was discarded. The quality of a
comparison is the lower of its two pictures'.

The curve is a step: comparisons of equal quality go together or stay together, as they do behind any threshold on
quality, and between two levels the rate is that of the last level reached (Schlett et al., "Considerations on the
Evaluation of Biometric Quality Assessment Algorithms", arXiv 2303.13294). A comparison that failed, because a picture
gave no face, has nothing that could be rated: several qualities are compared on the others, and its number is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import UsageError
from mien.evaluate.metrics.resampling import TAIL, SubjectBootstrap, people_of, weigh
from mien.evaluate.metrics.verification import Curve, threshold_at
from mien.evaluate.rates import Rate
from mien.evaluate.scores import Scores

F8 = NDArray[np.float64]
SHARES = (0.0, 0.05, 0.1, 0.2)
"""Of the comparisons, that the tables discard."""
LIMIT = 0.3
"""How far the partial area goes; beyond, few would discard."""
_NEAR = 1e-9  # of a share, so that one in ten of ten is not missed by a rounding


@dataclass(frozen=True, slots=True)
class Edc:
    """FNMR by the share of mated comparisons discarded; a step from each entry to the next.

    Args:
        shares: (k,) shares that some threshold on quality discards, ascending from 0, all below 1.
        fnmr: (k,) of the comparisons that are left there.
    """

    shares: F8
    fnmr: F8

    @property
    def random(self) -> float:
        """What discarding at random leaves at any share, on average over draws: the FNMR of all."""
        return float(self.fnmr[0])

    def row(self, share: float) -> int:
        """Entry that holds at a share: the last that discards no more."""
        return int(np.searchsorted(self.shares, share + _NEAR, "right")) - 1

    def at(self, share: float) -> float:
        """FNMR when at most this share is discarded."""
        return float(self.fnmr[self.row(share)])

    def area(self, limit: float = LIMIT) -> float:
        """Mean FNMR over shares from 0 to `limit`: the partial area over its width. That of random is `random`."""
        last = self.row(limit)
        widths = np.diff(np.append(self.shares[: last + 1], limit))
        return float((self.fnmr[: last + 1] * np.maximum(widths, 0)).sum() / limit)


class Order:
    """Mated comparisons in the order in which they are discarded.

    Args:
        quality: (n,) of each; equal ones go together. NaN and -inf, no quality, go first.
    """

    def __init__(self, quality: ArrayLike) -> None:
        values = np.nan_to_num(np.asarray(quality, np.float64), nan=-np.inf, posinf=np.inf, neginf=-np.inf)
        self.rows = np.argsort(values, kind="stable")
        ordered = values[self.rows]
        self._ends = np.flatnonzero(ordered[1:] != ordered[:-1])  # last row of every level but the best

    def curve(self, missed: NDArray[np.bool_], weights: F8 | None = None) -> Edc:
        """The curve when comparison i counts ``weights[i]`` times, once by default.

        Args:
            missed: (n,) bool: mated, and below the threshold or failed.
            weights: (n,) not negative, some positive.
        """
        counts = np.ones(len(self.rows)) if weights is None else weights[self.rows]
        gone, lost = np.cumsum(counts), np.cumsum(counts * missed[self.rows])
        total, misses = gone[-1], lost[-1]
        gone, lost = (np.concatenate([[0.0], part[self._ends]]) for part in (gone, lost))
        left = total - gone
        some = left > _NEAR * total
        return Edc(gone[some] / total, (misses - lost[some]) / left[some])

    def left(self, missed: NDArray[np.bool_], share: float) -> Rate:
        """Misses among the comparisons that are left when at most a share is discarded."""
        allowed = (share + _NEAR) * len(self.rows)
        reached = [0, *(end + 1 for end in self._ends.tolist() if end + 1 <= allowed)][-1]
        kept = missed[self.rows[reached:]]
        return Rate(int(kept.sum()), len(kept))


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and its 95 % interval over people."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """For JSON."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class Left:
    """What is left at one share.

    Args:
        share: asked for.
        discarded: share of the mated comparisons that goes; smaller where many have the same quality.
        misses: of the comparisons that are left.
        fnmr: the same as a rate, with its interval over people.
        gain: FNMR of discarding at random less this one; above 0 the quality does better.
    """

    share: float
    discarded: float
    misses: Rate
    fnmr: Interval
    gain: Interval


@dataclass(frozen=True, slots=True)
class Worth:
    """One quality score on one set of comparisons.

    Args:
        curve: error versus discard.
        left: at each share asked for.
        area: mean FNMR over shares from 0 to the limit.
        gain: that of discarding at random less `area`.
        reached: `gain` over that of the oracle: 0 is random, 1 the best there can be; None where nothing misses.
    """

    curve: Edc
    left: tuple[Left, ...]
    area: Interval
    gain: Interval
    reached: Interval | None


@dataclass(frozen=True, slots=True)
class Discards:
    """Several quality scores on the same comparisons.

    Args:
        fmr: asked for.
        threshold: with the most matches at no more than that, over all comparisons.
        matches: non-mated comparisons at or above it.
        misses: mated comparisons below it, of those that have a score.
        failures: mated comparisons without a score; in no figure here.
        limit: of the partial areas.
        worths: by the name of the quality.
        oracle: the curve when the mated comparisons of the lowest score are discarded first.
        oracle_area: its mean FNMR over shares from 0 to the limit.
        interval: how the intervals were made.
    """

    fmr: float
    threshold: float
    matches: Rate
    misses: Rate
    failures: int
    limit: float
    worths: Mapping[str, Worth]
    oracle: Edc
    oracle_area: float
    interval: str


def pair_quality(scores: Scores, quality: ArrayLike) -> F8:
    """(n,) quality of each comparison: the lower of its two samples', none where it failed.

    Args:
        scores: with `a` and `b`.
        quality: (len(scores.samples),) of each sample; NaN where there is none.

    Raises:
        ValueError: the scores do not say what was compared, or the length differs.
    """
    values = np.asarray(quality, np.float64)
    if scores.a is None or scores.b is None or values.shape != (len(scores.samples),):
        raise ValueError(f"one quality for each of {len(scores.samples)} samples is wanted, got {values.shape}")
    lower: F8 = np.minimum(values[scores.a], values[scores.b])  # NaN wins
    lower[scores.failed] = np.nan
    return lower


def edc(scores: Scores, quality: ArrayLike, *, fmr: float) -> Edc:
    """The curve of one quality.

    Args:
        scores: comparisons, some of them mated.
        quality: (n,) of each comparison; NaN where there is none.
        fmr: at which the threshold is set.

    Raises:
        UsageError: no quality for each comparison, or no mated one.
    """
    values, mated = np.asarray(quality, np.float64), np.flatnonzero(scores.mated)
    if values.shape != scores.score.shape or not len(mated):
        raise UsageError(f"{len(scores)} comparisons, some of them mated, need as many qualities, got {values.shape}")
    return Order(values[mated]).curve(_missed(scores, mated, threshold_at(Curve.of(scores), fmr)))


def discards(
    scores: Scores,
    qualities: Mapping[str, ArrayLike],
    *,
    fmr: float,
    shares: Sequence[float] = SHARES,
    limit: float = LIMIT,
) -> Discards:
    """Error versus discard for each quality, and the best that any order could do.

    Args:
        scores: comparisons with `people`.
        qualities: by name, (len(scores.samples),) of each sample.
        fmr: at which the threshold is set, anew in each resample.
        shares: of the tables, in [0, 1).
        limit: of the partial areas, in (0, 1).

    Raises:
        UsageError: no mated comparison has a score.
        ValueError: as `pair_quality`, or the people are not known.
    """
    mated = np.flatnonzero(scores.mated & ~scores.failed)
    if not len(mated):
        raise UsageError(f"{scores.name}: no mated comparison has a score, so nothing to discard", code="one-class")
    orders = {name: Order(pair_quality(scores, quality)[mated]) for name, quality in qualities.items()}
    whole = Curve.of(scores)
    threshold = threshold_at(whole, fmr)
    missed = _missed(scores, mated, threshold)
    oracle = Order(scores.score[mated])
    drawn = _Drawn(scores, orders, oracle, fmr, shares, limit)
    best = oracle.curve(missed)
    return Discards(
        fmr,
        threshold,
        Rate(round(float(whole.matched(threshold))), int(whole.nonmated_total)),
        Rate(int(missed.sum()), len(missed)),
        int((scores.mated & scores.failed).sum()),
        limit,
        {name: drawn.worth(name, order, missed, best.area(limit)) for name, order in orders.items()},
        best,
        best.area(limit),
        drawn.text,
    )


def _missed(scores: Scores, mated: NDArray[np.int64], threshold: float) -> NDArray[np.bool_]:
    """(m,) of the mated comparisons."""
    missed: NDArray[np.bool_] = scores.failed[mated] | ~(scores.score[mated] >= threshold)
    return missed


class _Drawn:
    """Figures of all qualities in the same resamples of people."""

    def __init__(
        self,
        scores: Scores,
        orders: Mapping[str, Order],
        oracle: Order,
        fmr: float,
        shares: Sequence[float],
        limit: float,
    ) -> None:
        self._shares, self._limit = shares, limit
        mated = np.flatnonzero(scores.mated & ~scores.failed)
        first, second, people = people_of(scores)
        first, second = first[mated], second[mated]
        self._rows: dict[str, list[list[float]]] = {name: [] for name in orders}
        number = 0
        for times, curve in SubjectBootstrap(scores, max(TAIL, 3 * fmr)).drawn():
            weights, missed = weigh(first, second, times), _missed(scores, mated, threshold_at(curve, fmr))
            best = oracle.curve(missed, weights).area(limit)
            for name, order in orders.items():
                self._rows[name].append(self._figures(order.curve(missed, weights), best))
            number += 1
        self.text = f"bootstrap over {people:,} people, {number:,} resamples, the same for every quality"

    def _figures(self, curve: Edc, best: float) -> list[float]:
        """FNMR at each share, gain at each, area, gain of the area, share of the oracle's (NaN where it has none)."""
        at, area = [curve.at(share) for share in self._shares], curve.area(self._limit)
        gain, possible = curve.random - area, curve.random - best
        return [*at, *(curve.random - value for value in at), area, gain, gain / possible if possible > 0 else np.nan]

    def worth(self, name: str, order: Order, missed: NDArray[np.bool_], best: float) -> Worth:
        """The figures of a quality with their intervals."""
        curve, count = order.curve(missed), len(self._shares)
        values = self._figures(curve, best)
        columns = np.array(self._rows[name]).reshape(-1, len(values)).T
        ends = [_around(value, column) for value, column in zip(values, columns, strict=True)]
        left = tuple(
            _left(share, curve, order.left(missed, share), ends[i], ends[count + i])
            for i, share in enumerate(self._shares)
        )
        return Worth(curve, left, ends[-3], ends[-2], None if np.isnan(values[-1]) else ends[-1])


def _left(share: float, curve: Edc, misses: Rate, fnmr: Interval, gain: Interval) -> Left:
    """Where nothing misses a bootstrap has no width, and the exact interval stands."""
    if not misses.errors and misses.high is not None:
        fnmr = Interval(0.0, 0.0, max(fnmr.high, misses.high))
    return Left(share, float(curve.shares[curve.row(share)]), misses, fnmr, gain)


def _around(value: float, drawn: F8) -> Interval:
    """A figure with the percentiles of its resamples, those in which it is undefined left out."""
    drawn = drawn[~np.isnan(drawn)]
    low, high = np.percentile(drawn, [2.5, 97.5]).tolist() if len(drawn) else (value, value)
    return Interval(value, min(value, low), max(value, high))
