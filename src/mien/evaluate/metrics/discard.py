"""Error versus discard: what a quality score is worth, by the errors that are left when poor pairs are left out.

Schlett et al., Considerations on the Evaluation of Biometric Quality Assessment Algorithms, 2023, arXiv 2303.13294.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import UsageError
from mien.evaluate.metrics.verification import Curve, threshold_at
from mien.evaluate.scores import Scores

SHARES = np.linspace(0.0, 0.3, 31)


@dataclass(frozen=True, slots=True)
class Discard:
    """FNMR by the share of mated comparisons left out, the threshold standing where it was with all of them.

    Args:
        shares: (s,) left out, ascending from 0.
        fnmr: (s,) of those that are left.
        threshold: that holds the false match rate over all comparisons.
    """

    shares: NDArray[np.float64]
    fnmr: NDArray[np.float64]
    threshold: float

    @property
    def area(self) -> float:
        """Mean FNMR over the shares; that of random leaving out is `random`."""
        return float(np.trapezoid(self.fnmr, self.shares) / (self.shares[-1] - self.shares[0]))

    @property
    def random(self) -> float:
        """What leaving out at random gives at every share, on average over draws: the FNMR of all."""
        return float(self.fnmr[0])


def discard_curve(scores: Scores, quality: ArrayLike, *, fmr: float = 0.01, shares: ArrayLike = SHARES) -> Discard:
    """Leave out the mated comparisons of least quality first.

    Args:
        scores: comparisons; a failed one is a miss until it is left out.
        quality: (n,) of each comparison, usually the lower of its two pictures'; of equal ones all go in part.
        fmr: at which the threshold is set.
        shares: in [0, 1), ascending from 0.

    Raises:
        UsageError: no quality for each comparison, or no mated one.
    """
    quality, shares = np.asarray(quality, np.float64), np.asarray(shares, np.float64)
    if quality.shape != scores.score.shape or not scores.mated.any():
        raise UsageError(f"{len(scores)} comparisons, some of them mated, need as many qualities, got {quality.shape}")
    threshold = threshold_at(Curve.of(scores), fmr)
    missed = (scores.failed | ~(scores.score >= threshold))[scores.mated]
    _, place, count = np.unique(quality[scores.mated], return_inverse=True, return_counts=True)
    even = np.bincount(place, missed) / count  # of a level of quality that is left out in part, its own mean goes
    before = np.concatenate([[0.0], np.cumsum((even[place])[np.argsort(place, kind="stable")])])
    gone = shares * len(missed)
    rate = (before[-1] - np.interp(gone, np.arange(len(before)), before)) / (len(missed) - gone)
    return Discard(shares, rate, float(threshold))
