"""Which of two systems is better on the same comparisons, and whether the difference is more than chance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mien.errors import UsageError
from mien.evaluate.metrics.accuracy import fold_accuracy
from mien.evaluate.metrics.paired import McNemar, Weighted, interval, mcnemar, resample, same_order
from mien.evaluate.metrics.verification import Curve, eer, threshold_at
from mien.evaluate.rates import rule_of_three, supported
from mien.evaluate.report import Report, Section, Table
from mien.evaluate.scores import Scores, require_both
from mien.evaluate.verification import FMRS


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of both systems, and second minus first with its 95 % interval."""

    figure: str
    first: float
    second: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Which system is better, if the interval leaves out zero."""
        if self.low <= 0 <= self.high:
            return "not told apart"
        better = (self.low > 0) != self.figure.startswith("EER")
        return "second is better" if better else "first is better"

    def to_dict(self) -> dict[str, Any]:
        """For JSON: figure, first, second, difference, low, high, verdict."""
        return {
            "figure": self.figure,
            "first": self.first,
            "second": self.second,
            "difference": self.second - self.first,
            "low": self.low,
            "high": self.high,
            "verdict": self.verdict,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems on the same comparisons.

    Args:
        names: of the first and the second.
        pairs: counts of comparisons; failures of each system.
        differences: EER, accuracy where there are folds, TAR at each supported FMR.
        fmr: where McNemar's test was made.
        test: on the mated comparisons, each system at its own threshold of that FMR.
        basis: how the intervals were made.
    """

    names: tuple[str, str]
    pairs: dict[str, Any]
    differences: tuple[Difference, ...]
    fmr: float
    test: McNemar
    basis: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "first": self.names[0],
            "second": self.names[1],
            "pairs": self.pairs,
            "differences": [difference.to_dict() for difference in self.differences],
            "mcnemar": {"fmr": self.fmr, **self.test.to_dict()},
            "interval": self.basis,
        }


def compare_systems(first: Scores, second: Scores, *, fmr: float = 1e-3) -> Comparison:
    """Paired differences.

    Accuracy is compared at the thresholds chosen on all data; EER and TAR choose theirs anew in each resample.

    Args:
        first: scores of one system.
        second: scores of the same comparisons by another, in any order.
        fmr: false match rate at which McNemar's test is made.

    Raises:
        UsageError: the comparisons differ, are of one class, or do not support `fmr`.
    """
    rows = same_order(first, second)
    if rows is None:
        raise UsageError(
            f"{first.name} and {second.name} did not make the same comparisons, so a difference means nothing; "
            "run both on one pair list",
            code="comparisons-differ",
        )
    second = replace(
        second,
        score=second.score[rows],
        failed=second.failed[rows],
        mated=first.mated,
        **{name: getattr(first, name) for name in ("fold", "a", "b", "samples", "subjects", "groups")},
    )
    for scores in (first, second):
        require_both(scores, scores.name)
    curves = [Curve.of(scores) for scores in (first, second)]
    trials = int(min(curve.nonmated_total for curve in curves))
    if not supported(fmr, trials):
        least = rule_of_three(trials)
        raise UsageError(f"{trials:,} non-mated comparisons support no FMR below {least:.1g}, {fmr:g} was asked for")
    differences, basis = _differences(first, second, curves, [rate for rate in FMRS if supported(rate, trials)])
    right = [s.score[s.mated] >= threshold_at(curve, fmr) for s, curve in zip((first, second), curves, strict=True)]
    lost = [scores.pairs["failed"] for scores in (first, second)]
    pairs = first.pairs | {"failed": lost}
    return Comparison((first.name, second.name), pairs, differences, fmr, mcnemar(right[0], right[1]), basis)


def _differences(
    first: Scores, second: Scores, curves: list[Curve], fmrs: list[float]
) -> tuple[tuple[Difference, ...], str]:
    names = ["EER", *(f"TAR at FMR {fmr:g}" for fmr in fmrs)]
    right = None
    values = [_figures(curve, fmrs) for curve in curves]
    if first.fold is not None and len(np.unique(first.fold)) > 1:
        folds = [fold_accuracy(s.score, s.mated, s.failed, first.fold) for s in (first, second)]
        right = folds[1].right.astype(np.float64) - folds[0].right
        names.append("accuracy")
        for row, fold in zip(values, folds, strict=True):
            row.append(float(fold.right.mean()))
    systems = [Weighted(scores) for scores in (first, second)]
    basis, weights = resample(first)
    drawn = []
    for weight in weights:
        one, other = (system.curve(weight) for system in systems)
        if one is None or other is None:
            continue
        row = [b - a for a, b in zip(_figures(one, fmrs), _figures(other, fmrs), strict=True)]
        drawn.append(row if right is None else [*row, float(np.average(right, weights=weight))])
    if not drawn:
        raise UsageError("too few people to draw again: every resample lacks mated or non-mated comparisons")
    ends = interval(drawn)
    return tuple(
        Difference(name, a, b, *end) for name, a, b, end in zip(names, values[0], values[1], ends, strict=True)
    ), basis


def _figures(curve: Curve, fmrs: list[float]) -> list[float]:
    return [eer(curve)[0], *(1 - float(curve.fnmr(threshold_at(curve, fmr))) for fmr in fmrs)]


def comparison_report(result: Comparison, command: str) -> Report:
    """The page of a comparison."""
    first, second = result.names
    rows = tuple(
        (
            d.figure,
            f"{d.first:.3%}",
            f"{d.second:.3%}",
            f"{d.second - d.first:+.3%} (95 % {d.low:+.3%} to {d.high:+.3%})",
            d.verdict,
        )
        for d in result.differences
    )
    caption = f"{result.pairs['mated']:,} mated and {result.pairs['nonmated']:,} non-mated comparisons; {result.basis}"
    figures = Table(caption, ("figure", first, second, "second - first", "verdict"), rows)
    test = result.test
    told = Table(
        f"Mated comparisons at FMR {result.fmr:g}, each system at its own threshold",
        ("right in the first alone", "right in the second alone", "McNemar's exact p"),
        ((f"{test.first_only:,}", f"{test.second_only:,}", f"{test.p:.3g}"),),
    )
    text = (
        "Both systems are measured on the same draws, so what is hard for both cancels out. A verdict is given where "
        "the interval of the difference leaves out zero; with several figures, one in twenty does so by chance. "
        "McNemar's test takes comparisons for independent, which those that share a person are not."
    )
    return Report(
        f"{first} and {second}",
        (Section("Differences", "", (figures,)), Section("McNemar's test", "", (told,)), Section("Method", text)),
        result.to_dict(),
        command,
    )
