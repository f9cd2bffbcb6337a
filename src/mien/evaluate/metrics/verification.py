"""1:1 error rates against threshold (ISO/IEC 19795-1, clause 8).

A comparison matches when score >= threshold. A failed one never matches: FNMR counts it as an error, as the standard's
generalised GFRR does. FMR counts only comparisons that have a score: to put failures into its trials, as GFAR does,
would let a system look safer by refusing pictures. So no failure ever improves a rate.
"""

from __future__ import annotations

import math
import operator
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.scores import Scores

FloatColumn = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """Both error rates as functions of the threshold.

    Args:
        mated, nonmated: scores in ascending order, failures left out; of the non-mated the highest are enough.
        misses: (len(mated) + 1,) weight of the mated comparisons that miss at a threshold just above so many scores,
            failures included: all of them at the end.
        matches: (len(nonmated) + 1,) weight of the non-mated comparisons from each score upwards; 0 at the end.
        mated_total: weight of the mated comparisons, failures included.
        nonmated_total: weight of the non-mated comparisons that have a score.
    """

    mated: FloatColumn
    nonmated: FloatColumn
    misses: FloatColumn
    matches: FloatColumn
    mated_total: float
    nonmated_total: float

    @classmethod
    def of(cls, scores: Scores) -> Curve:
        """Every comparison counts once. Sorts once; all else is look-up."""
        mated = np.sort(scores.score[scores.mated & ~scores.failed])
        nonmated = np.sort(scores.score[~scores.mated & ~scores.failed])
        total = scores.pairs["mated"]
        failed = total - len(mated)
        misses = np.arange(len(mated) + 1, dtype=np.float64) + failed
        matches = np.arange(len(nonmated), -1, -1, dtype=np.float64)
        return cls(mated, nonmated, misses, matches, total, len(nonmated))

    def missed(self, threshold: float | FloatColumn) -> FloatColumn:
        """Weight of the mated comparisons below the thresholds, failures included."""
        return self.misses[np.searchsorted(self.mated, threshold)]

    def matched(self, threshold: float | FloatColumn) -> FloatColumn:
        """Weight of the non-mated comparisons at or above the thresholds."""
        return self.matches[np.searchsorted(self.nonmated, threshold)]

    def fnmr(self, threshold: float | FloatColumn) -> FloatColumn:
        """False non-match rate at the thresholds."""
        return self.missed(threshold) / self.mated_total

    def fmr(self, threshold: float | FloatColumn) -> FloatColumn:
        """False match rate at the thresholds."""
        return self.matched(threshold) / self.nonmated_total


def threshold_at(curve: Curve, fmr: float) -> float:
    """The threshold with the most matches whose false match rate is at most `fmr`.

    It lies half-way between the non-mated score that must not match and the next score of either kind, so that it
    survives being printed with fewer digits.
    """
    allowed = fmr * curve.nonmated_total * (1 + 1e-9)
    first = bisect_left(curve.matches, -allowed, key=operator.neg)  # matches fall; scores from here on may match
    if not first:
        return _least(curve.nonmated, curve.mated)
    barred = curve.nonmated[first - 1]
    following = _least(*(side[np.searchsorted(side, barred, "right") :] for side in (curve.mated, curve.nonmated)))
    if following == math.inf:
        return float(np.nextafter(barred, math.inf))
    middle = float(barred + (following - barred) / 2)
    return middle if middle > barred else following


def _least(*ascending: FloatColumn) -> float:
    return float(min((side[0] for side in ascending if len(side)), default=math.inf))


def eer(curve: Curve) -> tuple[float, float]:
    """Equal error rate: where the DET curve, its points joined by straight lines, crosses FMR = FNMR.

    Returns:
        (rate, threshold): the threshold is the nearer of the two scores whose points are joined there.
    """
    low, high = _crossing(curve)
    fmr, fnmr = curve.fmr(np.array([low, high])), curve.fnmr(np.array([low, high]))
    gap = fmr - fnmr  # positive before, not positive after
    share = gap[0] / (gap[0] - gap[1]) if gap[0] > gap[1] else 0.0
    return float(fmr[0] + share * (fmr[1] - fmr[0])), low if share < 0.5 and low > -math.inf else high


def _crossing(curve: Curve) -> tuple[float, float]:
    """Two neighbouring thresholds, before and after FMR falls to FNMR.

    A threshold above all scores is +inf, one that all scores pass -inf. By bisection, so that ten million scores cost
    as much as a hundred.
    """
    low, high = -math.inf, math.inf
    for side in (curve.nonmated, curve.mated):
        first, last = int(np.searchsorted(side, low, "right")), int(np.searchsorted(side, high))
        inside = side[first:last]
        before, after = 0, len(inside)  # how many of them lie surely before; from where they lie surely after
        while before < after:
            middle = (before + after) // 2
            if curve.fmr(inside[middle]) > curve.fnmr(inside[middle]):
                before = int(np.searchsorted(inside, inside[middle], "right"))
            else:
                after = int(np.searchsorted(inside, inside[middle]))
        low = float(inside[before - 1]) if before else low
        high = float(inside[before]) if before < len(inside) else high
    return low, high


def det_points(curve: Curve, most: int = 400) -> tuple[FloatColumn, FloatColumn, FloatColumn]:
    """Points of the DET curve, thresholds ascending: all of them, or about `most` spread evenly over both log axes.

    Returns:
        (threshold, fmr, fnmr), each (k,) float64; rates of 0 are left to the caller, who may want them on a ROC.
    """
    thresholds = np.unique(np.concatenate([_spread(curve.nonmated[::-1], most // 2), _spread(curve.mated, most // 2)]))
    return thresholds, curve.fmr(thresholds), curve.fnmr(thresholds)


def _spread(ordered: FloatColumn, most: int) -> FloatColumn:
    """About so many of the values: dense at both ends, where rates are small."""
    if len(ordered) <= most:
        return ordered
    steps = np.geomspace(1, len(ordered) // 2, most // 2).astype(np.int64) - 1
    chosen: FloatColumn = ordered[np.unique(np.concatenate([steps, len(ordered) - 1 - steps]))]
    return chosen
