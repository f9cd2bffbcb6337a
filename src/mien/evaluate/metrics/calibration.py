"""Scores as log-likelihood ratios, and how good they are as such.

A log-likelihood ratio (natural logarithm here) says how much more probable a score is between pictures of one person
than of two; added to the logarithm of the prior odds it gives the posterior ones. `cllr` is its cost in bits over all
priors, 0 for perfect and 1 for knowing nothing; `min_cllr` is what remains when only the order of the scores is kept
(Brummer & du Preez, Application-independent evaluation of speaker detection, Computer Speech & Language 20, 2006).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError

FloatVector: TypeAlias = NDArray[np.float64]
Calibrator: TypeAlias = Callable[[FloatVector], FloatVector]
"""From scores to log-likelihood ratios."""

NEWTON_STEPS = 100
FEWEST = 10
"""Least mated and non-mated comparisons that a calibration is fitted to."""


def cllr(mated: FloatVector, nonmated: FloatVector) -> float:
    """Cost of log-likelihood ratios, in bits, both kinds of comparison weighing the same.

    C_llr = (mean log2(1 + 1/LR) over mated + mean log2(1 + LR) over non-mated) / 2
    """
    _require_both(mated, nonmated)
    cost = np.logaddexp(0, -mated).mean() + np.logaddexp(0, nonmated).mean()
    return float(cost / (2 * np.log(2)))


def min_cllr(mated: FloatVector, nonmated: FloatVector) -> float:
    """The cost after the best monotone map of the scores, found by pool adjacent violators on these very scores."""
    _require_both(mated, nonmated)
    _, share = _pav(mated, nonmated)
    value, which = np.unique(np.concatenate([mated, nonmated]), return_inverse=True)
    share = share[which.ravel()] if len(value) > 1 else np.full(len(mated) + len(nonmated), 0.5)
    with np.errstate(divide="ignore"):
        llr = np.log(share) - np.log1p(-share)
    return cllr(llr[: len(mated)], llr[len(mated) :])


@dataclass(frozen=True, slots=True)
class Platt:
    """llr = slope * score + offset: logistic regression with the prior taken out.

    Platt, Probabilistic outputs for support vector machines, 1999: targets (n+1)/(n+2) and 1/(n+2) instead of 1 and 0,
    so that separable scores do not ask for an infinite slope. Both kinds weigh the same, so the fitted log odds are
    log-likelihood ratios as they stand.
    """

    slope: float
    offset: float

    def __call__(self, scores: FloatVector) -> FloatVector:
        """Log-likelihood ratios of scores."""
        return self.slope * scores + self.offset

    @classmethod
    def fit(cls, mated: FloatVector, nonmated: FloatVector) -> Platt:
        """By Newton's method, with halved steps where the cost would rise.

        Raises:
            UsageError: fewer than `FEWEST` comparisons of a kind.
        """
        _require_enough(mated, nonmated)
        x, target, weight = _balanced(mated, nonmated)
        centre, spread = float(np.average(x, weights=weight)), float(x.std()) or 1.0
        design = np.stack([(x - centre) / spread, np.ones_like(x)], axis=1)
        beta = np.zeros(2)
        cost = _logistic_cost(design @ beta, target, weight)
        for _ in range(NEWTON_STEPS):
            odds = design @ beta
            p = 1 / (1 + np.exp(-odds))
            gradient = design.T @ (weight * (p - target))
            hessian = (design * (weight * p * (1 - p))[:, None]).T @ design
            step = np.linalg.solve(hessian + 1e-12 * np.eye(2), gradient)
            while _logistic_cost(design @ (beta - step), target, weight) > cost and np.abs(step).max() > 1e-12:
                step = step / 2
            beta = beta - step
            cost = _logistic_cost(design @ beta, target, weight)
            if np.abs(step).max() < 1e-10:
                break
        return cls(float(beta[0] / spread), float(beta[1] - beta[0] * centre / spread))


@dataclass(frozen=True, slots=True)
class Isotonic:
    """The best monotone map from scores to log-likelihood ratios, linear between its steps.

    Pool adjacent violators (Ayer et al. 1955); one imagined comparison of each kind beyond both ends keeps the ends
    finite (Laplace's rule, as in the BOSARIS toolkit).

    Args:
        scores: (k,) ascending.
        llrs: (k,) not descending, at those scores.
    """

    scores: FloatVector
    llrs: FloatVector

    def __call__(self, scores: FloatVector) -> FloatVector:
        """Log-likelihood ratios of scores; beyond the fitted range those of its ends."""
        return np.interp(scores, self.scores, self.llrs)

    @classmethod
    def fit(cls, mated: FloatVector, nonmated: FloatVector) -> Isotonic:
        """Fit to scores of the two kinds.

        Raises:
            UsageError: fewer than `FEWEST` comparisons of a kind.
        """
        _require_enough(mated, nonmated)
        ends = np.array([-np.inf, np.inf])
        scores, share = _pav(np.concatenate([mated, ends]), np.concatenate([nonmated, ends]))
        inner = slice(1, -1)
        llrs = np.log(share[inner]) - np.log1p(-share[inner])
        return cls(scores[inner], llrs)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What calibrating scores brings, measured on comparisons that the map was not fitted to.

    Args:
        mated, nonmated: comparisons counted.
        before: cost in bits of the scores taken as log-likelihood ratios.
        platt, isotonic: cost after the map.
        least: cost after the best monotone map of all, fitted to the same comparisons: nothing monotone does better.
        slope, offset: of Platt's map, fitted to all.
    """

    mated: int
    nonmated: int
    before: float
    platt: float
    isotonic: float
    least: float
    slope: float
    offset: float

    def to_dict(self) -> dict[str, float | int]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def cross_validate(
    score: FloatVector, mated: NDArray[np.bool_], left: NDArray[np.int64], right: NDArray[np.int64]
) -> Calibration:
    """Cost before and after calibration, where no person is in both the fitting and the testing part.

    Args:
        score: (n,) higher = more alike.
        mated: (n,) bool.
        left: (n,) int64, the part that the one side's person is in, as `parts_of` gives.
        right: (n,) int64, that of the other side; a comparison across two parts tests nothing.

    Raises:
        UsageError: a part has fewer than `FEWEST` comparisons of a kind to fit to (``too-few-comparisons``).
    """
    llrs = {name: np.full(len(score), np.nan) for name in ("platt", "isotonic")}
    for part in np.unique(left):
        fits, tests = (left != part) & (right != part), (left == part) & (right == part)
        kinds = score[fits & mated], score[fits & ~mated]
        for name, calibrator in (("platt", Platt.fit(*kinds)), ("isotonic", Isotonic.fit(*kinds))):
            llrs[name][tests] = calibrator(score[tests])
    tested = left == right
    yes, no = tested & mated, tested & ~mated
    whole = Platt.fit(score[mated], score[~mated])
    return Calibration(
        mated=int(yes.sum()),
        nonmated=int(no.sum()),
        before=cllr(score[yes], score[no]),
        platt=cllr(llrs["platt"][yes], llrs["platt"][no]),
        isotonic=cllr(llrs["isotonic"][yes], llrs["isotonic"][no]),
        least=min_cllr(score[yes], score[no]),
        slope=whole.slope,
        offset=whole.offset,
    )


def parts_of(people: NDArray[np.int64], parts: int = 5, seed: int = 19795) -> NDArray[np.int64]:
    """A part for each row, whole people together: (n,) int64 in 0..parts-1."""
    order = np.random.default_rng(seed).permutation(int(people.max()) + 1)
    chosen: NDArray[np.int64] = (order % parts)[people]
    return chosen


def _balanced(mated: FloatVector, nonmated: FloatVector) -> tuple[FloatVector, FloatVector, FloatVector]:
    """Scores, Platt's targets, and weights that give both kinds half."""
    m, n = len(mated), len(nonmated)
    target = np.concatenate([np.full(m, (m + 1) / (m + 2)), np.full(n, 1 / (n + 2))])
    weight = np.concatenate([np.full(m, 0.5 / m), np.full(n, 0.5 / n)])
    return np.concatenate([mated, nonmated]), target, weight


def _logistic_cost(odds: FloatVector, target: FloatVector, weight: FloatVector) -> float:
    return float((weight * (np.logaddexp(0, odds) - target * odds)).sum())


def _pav(mated: FloatVector, nonmated: FloatVector) -> tuple[FloatVector, FloatVector]:
    """Distinct scores, and at each the share of mated ones after pooling, both kinds weighing half."""
    from scipy.optimize import isotonic_regression

    values, which = np.unique(np.concatenate([mated, nonmated]), return_inverse=True)
    which = which.ravel()
    yes = np.bincount(which[: len(mated)], minlength=len(values)) / len(mated)
    no = np.bincount(which[len(mated) :], minlength=len(values)) / len(nonmated)
    fitted = isotonic_regression(yes / (yes + no), weights=yes + no)
    return values, np.clip(fitted.x, 0.0, 1.0)


def _require_both(mated: FloatVector, nonmated: FloatVector) -> None:
    if not len(mated) or not len(nonmated):
        raise UsageError("calibration needs mated and non-mated comparisons", code="one-class")


def _require_enough(mated: FloatVector, nonmated: FloatVector) -> None:
    if min(len(mated), len(nonmated)) < FEWEST:
        raise UsageError(
            f"calibration needs {FEWEST} mated and {FEWEST} non-mated comparisons, got {len(mated)} and "
            f"{len(nonmated)}",
            code="too-few-comparisons",
        )
