"""Differential performance: whether some groups of people are falsely matched, or missed, more often than others.

One threshold for everybody, all comparisons among the pictures of a list, error rates within each group and across
each two (ISO/IEC 19795-10:2024). Intervals and ratios come from a bootstrap over people, since comparisons that share a
person are dependent. A group with fewer than 30 errors (rule of 30) enters no summary.

Summaries over groups with rates x_1..x_n, all at the one threshold:

- worst to best, max x / min x; worst to geometric mean, max x / (x_1 ... x_n)^(1/n) (Grother, NISTIR 8429, 2022);
- inequity ratio IR = (max FMR / min FMR)^a (max FNMR / min FNMR)^(1-a) (Grother 2021, in Howard et al. 2022);
- FDR = 1 - (a max|FMR_i - FMR_j| + (1-a) max|FNMR_i - FNMR_j|), 1 = no difference (fairness discrepancy rate: de
  Freitas Pereira & Marcel, Fairness in biometrics, IEEE T-BIOM 4, 2022);
- GARBE = a G(FMR) + (1-a) G(FNMR) with the Gini coefficient G(x) = n/(n-1) sum_ij |x_i - x_j| / (2 n^2 mean x), 0 = no
  difference (Howard et al., Evaluating proposed fairness models for face recognition algorithms, ICPR workshops 2022).

a = 1/2; without mated comparisons a = 1, which is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.rates import ENOUGH_ERRORS
from mien.types.arrays import FloatArray

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]

RESAMPLES = 1000
SEED = 19795
BLOCK = 1024


@dataclass(frozen=True, slots=True)
class GroupRate:
    """A rate with its counts, and the 95 % interval of the bootstrap over people; None = no trials.

    Args:
        errors, trials: counts.
        low, high: of the interval.
    """

    errors: int
    trials: int
    low: float | None
    high: float | None

    @property
    def value(self) -> float | None:
        """Errors / trials."""
        return self.errors / self.trials if self.trials else None

    @property
    def enough(self) -> bool:
        """At least 30 errors."""
        return self.errors >= ENOUGH_ERRORS

    def to_dict(self) -> dict[str, Any]:
        """For JSON; `note` says when there are too few errors for a ratio."""
        facts = {"value": self.value, "low": self.low, "high": self.high, "errors": self.errors, "trials": self.trials}
        return facts if self.enough else {**facts, "note": "too few errors" if self.trials else "no comparisons"}


@dataclass(frozen=True, slots=True)
class Summary:
    """A figure over groups and its interval; `value` is None where it is undefined, and `reason` says why."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        facts = {"value": self.value, "low": self.low, "high": self.high}
        return facts if not self.reason else {**facts, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Differential:
    """Error rates by group at one threshold.

    Args:
        groups: names, in the order of all rows.
        people: of each group.
        threshold: cosine; match when score >= threshold.
        fmr: within groups; `cross` holds those of two different groups by (row, row), lower first.
        fnmr: within groups; all without trials when everybody has one picture.
        within, between: FMR over all comparisons of one group, and of two.
        summaries: by name.
        alpha: weight of the false matches in the summaries of both errors.
    """

    groups: tuple[str, ...]
    people: tuple[int, ...]
    threshold: float
    fmr: tuple[GroupRate, ...]
    fnmr: tuple[GroupRate, ...]
    cross: dict[tuple[int, int], GroupRate]
    within: GroupRate
    between: GroupRate
    summaries: dict[str, Summary] = field(default_factory=dict)
    alpha: float = 1.0

    def ranked(self) -> list[int]:
        """Rows of the groups with enough false matches, the most often falsely matched first."""
        rows = [i for i, rate in enumerate(self.fmr) if rate.enough]
        return sorted(rows, key=lambda i: -(self.fmr[i].value or 0))

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        rows = zip(self.groups, self.people, self.fmr, self.fnmr, strict=True)
        return {
            "threshold": self.threshold,
            "groups": [
                {"group": g, "people": n, "fmr": fmr.to_dict(), "fnmr": fnmr.to_dict()} for g, n, fmr, fnmr in rows
            ],
            "cross": [
                {"groups": [self.groups[i], self.groups[j]], "fmr": rate.to_dict()}
                for (i, j), rate in self.cross.items()
            ],
            "within": self.within.to_dict(),
            "between": self.between.to_dict(),
            "summaries": {name: summary.to_dict() for name, summary in self.summaries.items()},
            "alpha": self.alpha,
        }


@dataclass(frozen=True, slots=True)
class Errors:
    """What went wrong at a threshold, as pairs of rows.

    Args:
        left, right: (k,) rows of two people that match.
        mated_left, mated_right: (m,) rows of every mated comparison.
        missed: (m,) bool, those that do not match, or have no template.
    """

    left: Ids
    right: Ids
    mated_left: Ids
    mated_right: Ids
    missed: NDArray[np.bool_]


def find_errors(vectors: FloatArray, people: Ids, threshold: float, failed: NDArray[np.bool_] | None = None) -> Errors:
    """Compare every row with every other, once.

    A failed row makes no false match and is no trial for one; its mated comparisons count as missed (FTA in FNMR).

    Args:
        vectors: (n, d) float32, unit rows; anything where failed.
        people: (n,) int64.
        threshold: cosine.
        failed: (n,) bool.
    """
    failed = np.zeros(len(people), np.bool_) if failed is None else failed
    found: list[tuple[Ids, Ids, Ids, Ids, NDArray[np.bool_]]] = []
    for start in range(0, len(vectors), BLOCK):
        scores = vectors[start : start + BLOCK] @ vectors[start:].T
        same = people[start : start + BLOCK, None] == people[None, start:]
        none = failed[start : start + BLOCK, None] | failed[None, start:]
        upper = np.triu(np.ones_like(same), 1)
        match = (scores >= threshold) & ~none
        wrong = np.nonzero(upper & ~same & match)
        mated = np.nonzero(upper & same)
        found.append((wrong[0] + start, wrong[1] + start, mated[0] + start, mated[1] + start, ~match[mated]))
    return Errors(*(np.concatenate(column) for column in zip(*found, strict=True)))


def differential(
    vectors: FloatArray,
    people: Ids,
    groups: NDArray[np.str_],
    threshold: float,
    *,
    failed: NDArray[np.bool_] | None = None,
    resamples: int = RESAMPLES,
) -> Differential:
    """Error rates within and across groups, at one threshold.

    Args:
        vectors: (n, d) float32, unit rows.
        people: (n,) int64 in 0..people-1.
        groups: (n,) names.
        threshold: cosine.
        failed: (n,) bool, rows without a template.
        resamples: of the bootstrap.
    """
    names, group = np.unique(groups, return_inverse=True)
    group = group.ravel().astype(np.int64)
    count = _Count(people, group, find_errors(vectors, people, threshold, failed), failed)
    random = np.random.default_rng(SEED)
    number = int(people.max()) + 1
    seen = count.rates(np.ones(number))
    drawn = [
        count.rates(np.bincount(random.integers(0, number, number), minlength=number).astype(np.float64))
        for _ in range(resamples)
    ]
    fmr = [
        [_rate(seen.wrong, seen.trials, [d.fmr for d in drawn], i, j) for j in range(len(names))]
        for i in range(len(names))
    ]
    fnmr = tuple(_rate(seen.missed, seen.mated, [d.fnmr for d in drawn], i) for i in range(len(names)))
    own = tuple(fmr[i][i] for i in range(len(names)))
    summaries, alpha = summarise(own, fnmr, [np.diagonal(d.fmr) for d in drawn], [d.fnmr for d in drawn])
    within, between = (_pooled(seen, drawn, diagonal) for diagonal in (True, False))
    summaries["same to different group"] = _ratio_of(within, between, [d.pooled for d in drawn])
    return Differential(
        groups=tuple(str(name) for name in names),
        people=tuple(len(np.unique(people[group == i])) for i in range(len(names))),
        threshold=threshold,
        fmr=own,
        fnmr=fnmr,
        cross={(i, j): fmr[i][j] for i in range(len(names)) for j in range(i + 1, len(names))},
        within=within,
        between=between,
        summaries=summaries,
        alpha=alpha,
    )


@dataclass(frozen=True, slots=True)
class _Counts:
    """Weighted counts of one resample: (g, g) symmetric, and (g,)."""

    wrong: Floats
    trials: Floats
    missed: Floats
    mated: Floats

    @property
    def fmr(self) -> Floats:
        return cast(Floats, _divide(self.wrong, self.trials))

    @property
    def fnmr(self) -> Floats:
        return cast(Floats, _divide(self.missed, self.mated))

    def sums(self, diagonal: bool) -> tuple[float, float]:
        """Errors and trials within groups, or between two."""
        part = np.eye(len(self.wrong), dtype=bool) if diagonal else np.triu(np.ones_like(self.wrong, bool), 1)
        return float(self.wrong[part].sum()), float(self.trials[part].sum())

    @property
    def pooled(self) -> tuple[float, float]:
        """FMR within groups, and between two."""
        (a, b), (c, d) = self.sums(True), self.sums(False)
        return a / b if b else np.nan, c / d if d else np.nan


class _Count:
    """Counts errors and trials when people weigh differently; trials of all pairs in closed form.

    With d[s, g] the weighted pictures of person s in group g, the trials of two groups are
    sum_s d[s, g] * sum_s d[s, h] - sum_s d[s, g] d[s, h], half of that within one.
    """

    def __init__(self, people: Ids, group: Ids, errors: Errors, failed: NDArray[np.bool_] | None) -> None:
        self._size = int(group.max()) + 1
        usable = np.ones(len(people), bool) if failed is None else ~failed
        self._pictures = np.zeros((int(people.max()) + 1, self._size))
        np.add.at(self._pictures, (people[usable], group[usable]), 1)
        low = np.minimum(group[errors.left], group[errors.right])
        high = np.maximum(group[errors.left], group[errors.right])
        self._cell = low * self._size + high
        self._left, self._right = people[errors.left], people[errors.right]
        own = group[errors.mated_left] == group[errors.mated_right]
        self._owner, self._group = people[errors.mated_left][own], group[errors.mated_left][own]
        self._missed = errors.missed[own].astype(np.float64)

    def rates(self, weight: Floats) -> _Counts:
        """Counts with each person weighing so much."""
        size = self._size
        wrong = np.bincount(self._cell, weight[self._left] * weight[self._right], size * size).reshape(size, size)
        wrong = wrong + np.triu(wrong, 1).T
        drawn = self._pictures * weight[:, None]
        total = drawn.sum(axis=0)
        trials = np.outer(total, total) - drawn.T @ drawn
        np.fill_diagonal(trials, np.diagonal(trials) / 2)
        owner = weight[self._owner]
        missed = np.bincount(self._group, owner * self._missed, size)
        counts = (wrong, trials, missed, np.bincount(self._group, owner, size))
        return _Counts(*(column.astype(np.float64) for column in counts))


def summarise(
    fmr: tuple[GroupRate, ...], fnmr: tuple[GroupRate, ...], fmrs: list[Floats], fnmrs: list[Floats]
) -> tuple[dict[str, Summary], float]:
    """All figures over groups, and the weight of the false matches in them.

    Args:
        fmr: false match rates, one a group.
        fnmr: false non-match rates, one a group.
        fmrs: (groups,) false match rates of every resample.
        fnmrs: (groups,) false non-match rates of every resample.
    """
    matches, misses = _Side("false matches", fmr, fmrs), _Side("false non-matches", fnmr, fnmrs)
    found = {}
    for prefix, side in (("fmr", matches), ("fnmr", misses)):
        found[f"{prefix} worst to best"] = side.figure(worst_to_best)
        found[f"{prefix} worst to geometric mean"] = side.figure(worst_to_mean)
    alpha = 1.0 if all(not rate.trials for rate in fnmr) else 0.5
    found["garbe"] = _both(matches, misses, gini, gini, alpha, lambda a, b: alpha * a + (1 - alpha) * b)
    found["fdr"] = _both(matches, misses, spread, spread, alpha, lambda a, b: 1 - alpha * a - (1 - alpha) * b)
    found["inequity ratio"] = _both(
        matches, misses, worst_to_best, worst_to_best, alpha, lambda a, b: a**alpha * b ** (1 - alpha)
    )
    return found, alpha


def worst_to_best(rates: Floats) -> float:
    """Max / min."""
    return float(_divide(rates.max(), rates.min()))


def worst_to_mean(rates: Floats) -> float:
    """Max / geometric mean."""
    with np.errstate(divide="ignore"):
        return float(_divide(rates.max(), np.exp(np.log(rates).mean())))


def spread(rates: Floats) -> float:
    """Max - min."""
    return float(rates.max() - rates.min())


def gini(rates: Floats) -> float:
    """Gini coefficient, corrected for the number of groups: 0 = all alike, 1 = one has all."""
    n = len(rates)
    distance = np.abs(rates[:, None] - rates[None, :]).sum()
    return float(_divide(distance, 2 * n * n * rates.mean()) * n / (n - 1))


class _Side:
    """One kind of error over the groups that have enough of it."""

    def __init__(self, errors: str, rates: tuple[GroupRate, ...], drawn: list[Floats]) -> None:
        rows = [i for i, rate in enumerate(rates) if rate.enough]
        self.reason = "" if len(rows) > 1 else f"fewer than two groups have {ENOUGH_ERRORS} {errors}"
        self.seen = np.array([rates[i].value for i in rows])
        self.drawn = [row[rows] for row in drawn]

    def figure(self, of: Callable[[Floats], float]) -> Summary:
        if self.reason:
            return Summary(None, reason=self.reason)
        return Summary(of(self.seen), *_interval([of(row) for row in self.drawn]))


def _both(
    matches: _Side,
    misses: _Side,
    of_matches: Callable[[Floats], float],
    of_misses: Callable[[Floats], float],
    alpha: float,
    join: Callable[[float, float], float],
) -> Summary:
    """A figure of both errors; of the false matches alone where alpha is 1."""
    if matches.reason or (alpha < 1 and misses.reason):
        return Summary(None, reason=matches.reason or misses.reason)
    if alpha == 1:
        return Summary(
            join(of_matches(matches.seen), 1.0), *_interval([join(of_matches(row), 1.0) for row in matches.drawn])
        )
    pairs = zip(matches.drawn, misses.drawn, strict=True)
    return Summary(
        join(of_matches(matches.seen), of_misses(misses.seen)),
        *_interval([join(of_matches(a), of_misses(b)) for a, b in pairs]),
    )


def _rate(errors: Floats, trials: Floats, drawn: list[Floats], *cell: int) -> GroupRate:
    return GroupRate(round(errors[cell]), round(trials[cell]), *_interval([row[cell] for row in drawn]))


def _pooled(seen: _Counts, drawn: list[_Counts], diagonal: bool) -> GroupRate:
    errors, trials = seen.sums(diagonal)
    return GroupRate(round(errors), round(trials), *_interval([d.pooled[0 if diagonal else 1] for d in drawn]))


def _ratio_of(above: GroupRate, below: GroupRate, drawn: list[tuple[float, float]]) -> Summary:
    if not (above.enough and below.enough):
        return Summary(None, reason=f"fewer than {ENOUGH_ERRORS} errors")
    return Summary((above.value or 0) / (below.value or np.nan), *_interval([float(_divide(a, b)) for a, b in drawn]))


def _interval(values: list[Any]) -> tuple[float, float] | tuple[None, None]:
    """Ends of the middle 95 %; of those resamples in which the figure is defined."""
    defined = np.array(values, np.float64)
    defined = defined[np.isfinite(defined)]
    if not len(defined):
        return None, None
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)


def _divide(above: Any, below: Any) -> Any:
    """Quotients; NaN where there is nothing to divide by, which never leaves this module."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(below) > 0, np.divide(above, below), np.nan)
