"""The 1:1 figures of a system, from its scores alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.metrics.accuracy import FoldAccuracy, fold_accuracy
from mien.evaluate.metrics.resampling import TAIL, SubjectBootstrap, percentiles
from mien.evaluate.metrics.verification import Curve, eer, threshold_at
from mien.evaluate.rates import ENOUGH_ERRORS, Rate, clopper_pearson, rule_of_three, supported
from mien.evaluate.scores import Scores, require_both

FMRS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """For JSON: value, low, high."""
        return {"value": self.value, "low": self.low, "high": self.high}

    def __str__(self) -> str:
        return f"{self.value:.2%} (95 % {self.low:.2%} to {self.high:.2%})"


@dataclass(frozen=True, slots=True)
class TarPoint:
    """True accept rate at a false match rate.

    Args:
        fmr: the rate asked for.
        tar: 1 - FNMR, failures counted as misses; None when the data do not support `fmr`.
        threshold: the one with the most matches at no more than `fmr`.
        misses: of the mated comparisons, failures included.
        matches: of the non-mated comparisons that have a score.
        reason: why `tar` is None.
    """

    fmr: float
    tar: Estimate | None = None
    threshold: float | None = None
    misses: Rate | None = None
    matches: Rate | None = None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON; value, low, high and threshold are null where the reason says why."""
        tar = self.tar.to_dict() if self.tar else {"value": None, "low": None, "high": None}
        row: dict[str, Any] = {"fmr": self.fmr, **tar, "threshold": self.threshold}
        if self.misses is None or self.matches is None:
            return row | {"reason": self.reason}
        few = self.fmr * self.matches.trials < ENOUGH_ERRORS
        return row | {
            "misses": self.misses.to_dict(),
            "false_matches": self.matches.to_dict(),
            "rule_of_30": not few,
        }


@dataclass(frozen=True, slots=True)
class Measurement:
    """Figures of one system.

    Args:
        scores: what they were computed from.
        curve: both error rates against threshold.
        eer: equal error rate, and the threshold where it lies.
        tar: one a false match rate of `FMRS`.
        accuracy: over folds; None without folds.
        interval: how the intervals were made.
        failures: failures to acquire among the mated and the non-mated comparisons.
    """

    scores: Scores
    curve: Curve
    eer: Estimate
    eer_threshold: float | None
    tar: tuple[TarPoint, ...]
    accuracy: FoldAccuracy | None
    interval: str
    failures: tuple[Rate, Rate]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know before believing the figures."""
        lines = []
        if self.eer.value > 0.5:
            lines.append(
                f"{self.scores.name}: non-mated scores are higher than mated ones; a score must grow with likeness, "
                "so write a distance with a minus sign"
            )
        return tuple(lines)

    def to_dict(self) -> dict[str, Any]:
        """For JSON; see the fields."""
        mated, nonmated = self.failures
        empty: dict[str, Any] = {"mean": None, "std": None, "standard_error": None, "folds": []}
        return {
            "name": self.scores.name,
            "pairs": self.scores.pairs,
            "failures": {"mated": mated.to_dict(), "nonmated": nonmated.to_dict()},
            "eer": {**self.eer.to_dict(), "threshold": self.eer_threshold},
            "accuracy": self.accuracy.to_dict() if self.accuracy else empty,
            "tar": [point.to_dict() for point in self.tar],
            "interval": self.interval,
            "warnings": list(self.warnings),
            "meta": dict(self.scores.meta),
        }


def measure(scores: Scores) -> Measurement:
    """Every 1:1 figure that the scores support.

    Intervals come from a bootstrap over people where they are known, since comparisons that share one are dependent;
    otherwise they are Clopper-Pearson, as if comparisons were independent. The bootstrap chooses the threshold anew in
    each resample; Clopper-Pearson holds it fixed.

    Raises:
        UsageError: all comparisons are mated or all are not, or no non-mated one has a score.
    """
    require_both(scores, scores.name)
    curve = Curve.of(scores)
    rate, threshold = eer(curve)
    points = [_point(curve, fmr) for fmr in FMRS]
    if scores.people is None:
        intervals, how = _independent(curve, rate, points), "Clopper-Pearson, as if comparisons were independent"
    else:
        intervals, how = _over_people(scores, rate, points)
    accuracy = None
    if scores.fold is not None and len(np.unique(scores.fold)) > 1:
        accuracy = fold_accuracy(scores.score, scores.mated, scores.failed, scores.fold)
    estimate = Estimate(rate, *intervals[0])
    rows = zip(points, intervals[1:], strict=True)
    return Measurement(
        scores=scores,
        curve=curve,
        eer=estimate,
        eer_threshold=threshold if np.isfinite(threshold) else None,
        tar=tuple(_with_interval(point, interval) for point, interval in rows),
        accuracy=accuracy,
        interval=how,
        failures=_failures(scores),
    )


def _failures(scores: Scores) -> tuple[Rate, Rate]:
    mated, nonmated = (scores.failed[scores.mated == kind] for kind in (True, False))
    return Rate(int(mated.sum()), len(mated)), Rate(int(nonmated.sum()), len(nonmated))


def _point(curve: Curve, fmr: float) -> TarPoint:
    """The point without its interval."""
    trials = int(curve.nonmated_total)
    if not supported(fmr, trials):
        reason = f"{trials:,} non-mated comparisons support no FMR below {rule_of_three(trials):.1g} (rule of three)"
        return TarPoint(fmr, reason=reason)
    threshold = threshold_at(curve, fmr)
    misses = Rate(round(float(curve.missed(threshold))), int(curve.mated_total))
    return TarPoint(
        fmr, threshold=threshold, misses=misses, matches=Rate(round(float(curve.matched(threshold))), trials)
    )


Interval = tuple[float, float]


def _with_interval(point: TarPoint, interval: Interval) -> TarPoint:
    if point.misses is None:
        return point
    value = 1 - point.misses.errors / point.misses.trials
    low, high = min(interval[0], value), max(interval[1], value)
    return TarPoint(point.fmr, Estimate(value, low, high), point.threshold, point.misses, point.matches)


def _independent(curve: Curve, rate: float, points: list[TarPoint]) -> list[Interval]:
    """Clopper-Pearson intervals of the EER and of each TAR.

    The EER is a proportion of both kinds at once; as one of the rarer kind its interval is on the safe side.
    """
    fewer = int(min(curve.mated_total, curve.nonmated_total))
    return [_proportion(rate, fewer), *(_exact(point.misses) for point in points)]


def _proportion(rate: float, trials: int) -> Interval:
    return clopper_pearson(rate * trials, trials)


def _exact(misses: Rate | None) -> Interval:
    if misses is None:
        return 0.0, 1.0
    low, high = clopper_pearson(misses.errors, misses.trials)
    return 1 - high, 1 - low


def _over_people(scores: Scores, rate: float, points: list[TarPoint]) -> tuple[list[Interval], str]:
    """Percentile intervals over people; where nothing went wrong a bootstrap has no width, and the exact one stands."""
    bootstrap = SubjectBootstrap(scores, max(TAIL, 3 * rate))
    wanted = [point.fmr for point in points if point.misses is not None]
    drawn = np.array([_figures(curve, wanted) for curve in bootstrap.curves()]).reshape(-1, 1 + len(wanted))
    low, high = percentiles(drawn)
    found = iter(zip(low.tolist(), high.tolist(), strict=True))
    first = next(found)
    mated = scores.pairs["mated"]
    intervals = [first if rate else _proportion(0.0, mated)]
    for point in points:
        interval = next(found) if point.misses is not None else (0.0, 1.0)
        intervals.append(_exact(point.misses) if point.misses and not point.misses.errors else interval)
    return intervals, f"bootstrap over {bootstrap.people:,} people, {len(drawn):,} resamples"


def _figures(curve: Curve, fmrs: list[float]) -> list[float]:
    return [eer(curve)[0], *(1 - float(curve.fnmr(threshold_at(curve, fmr))) for fmr in fmrs)]


def histograms(scores: Scores) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mated and non-mated scores, failures left out."""
    scored = ~scores.failed
    return scores.score[scored & scores.mated], scores.score[scored & ~scores.mated]
