"""From a requested error rate to the threshold that was measured for it.

1:1 thresholds are rows of the model's measured table, never interpolated and never beyond what was counted: by the rule
of three, n non-mated comparisons support rates down to 3/n (ISO/IEC 19795-1, annex B).

1:N thresholds follow from the number of references: a probe that is not enrolled is compared with all N of them, so

    FPIR = 1 - (1 - FMR) ** (theta * N)

with theta <= 1, the extremal index, because false matches come in clumps: who resembles one stranger resembles others.
Large galleries need rates that no data set counts; there the exponential tail of the highest scores is used, and
the operating point says so.
"""

from __future__ import annotations

import math
from dataclasses import replace

from mien.errors import UsageError
from mien.types.score import MeasuredPoint, OperatingPoint, OperatingTable

ROUNDING = 1 + 1e-9
"""Rates are written as decimals; 1e-4 must find the row of 1e-4."""
DEEPEST_TAIL = 1e-2
"""How far below the smallest counted rate the fitted tail is believed.

Where other people can be counted, up to a decade below, 0.6 to 1.3 false matches come for each one promised (LFW,
`benchmarks/bench_tail.py`); with a Pareto tail of free shape up to eight came."""


def smallest_fmr(table: OperatingTable) -> float:
    """The smallest false match rate that the table's counts support (rule of three)."""
    return 3 / table.nonmated


def at_fmr(table: OperatingTable, fmr: float) -> OperatingPoint:
    """The measured threshold whose false match rate is at most `fmr`.

    Raises:
        UsageError: `fmr` is no rate, or smaller than the data support.
    """
    check_rate(fmr, "fmr")
    least = smallest_fmr(table)
    if fmr * ROUNDING < least:
        raise UsageError(
            f"an FMR of {fmr:g} is beyond what {table.nonmated:,} non-mated comparisons support; "
            f"the smallest is {_ceil(least):g}",
            code="fmr-unsupported",
        )
    for row in table.points:
        if row.errors <= fmr * table.nonmated * ROUNDING:
            return _point(table, row, row.errors / table.nonmated)
    raise UsageError(f"the table of {table.data} has no row at or below an FMR of {fmr:g}", code="fmr-unsupported")


def fmr_for_pairs(fmr: float, pairs: int) -> float:
    """The FMR each of `pairs` comparisons may have so that any of them falsely matches at a rate of `fmr`.

    Sidak's correction, exact for independent comparisons and on the safe side for the correlated ones of two pictures.
    """
    check_rate(fmr, "fmr")
    return fmr if pairs == 1 else -math.expm1(math.log1p(-fmr) / pairs)


def at_fpir(table: OperatingTable, fpir: float, references: int) -> OperatingPoint:
    """The threshold at which a probe of nobody in a gallery of `references` is falsely identified at a rate of `fpir`.

    Raises:
        UsageError: `fpir` is no rate, or so small at this size that not even the fitted tail supports it.
    """
    check_rate(fpir, "fpir")
    effective = max(1.0, table.extremal * references)
    fmr = -math.expm1(math.log1p(-fpir) / effective)
    least = smallest_fmr(table)
    if fmr * ROUNDING >= least:
        return at_fmr(table, fmr)
    if table.tail is None or fmr < least * DEEPEST_TAIL:
        floor = least * DEEPEST_TAIL if table.tail else least
        smallest = -math.expm1(effective * math.log1p(-floor))
        raise UsageError(
            f"an FPIR of {fpir:g} against {references:,} references is beyond what the model's table supports; "
            f"the smallest is {_ceil(smallest):g}",
            code="fpir-unsupported",
        )
    counted = MeasuredPoint(_tail_threshold(table.tail, fmr), 0, 0.0, least, table.points[-1].misses)
    return replace(_point(table, counted, fmr), extrapolated=True)


def _point(table: OperatingTable, row: MeasuredPoint, fmr: float) -> OperatingPoint:
    return OperatingPoint(
        row.threshold, fmr, row.errors, table.nonmated, row.low, row.high, row.misses, table.mated, table.data
    )


def _tail_threshold(tail: tuple[float, float, float], fmr: float) -> float:
    """Quantile of the exponential tail: P(score > t) = rate * exp(-(t - start) / scale)."""
    start, rate, scale = tail
    return start + scale * math.log(rate / fmr)


def check_rate(rate: float, name: str) -> None:
    """Raise UsageError unless the rate called `name` lies between 0 and 1."""
    if not 0 < rate < 1:
        raise UsageError(f"{name} must lie between 0 and 1, got {rate:g}", code=f"{name}-range")


def _ceil(rate: float) -> float:
    """Rounded up to two digits, so that the suggested rate is accepted."""
    digits = 1 - math.floor(math.log10(rate))
    return math.ceil(rate * 10.0**digits) / 10.0**digits
