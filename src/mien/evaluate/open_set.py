"""Open-set identification at stated rates: where these probes put the threshold, and what mien's own one does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.compare import at_fpir
from mien.errors import UsageError
from mien.evaluate.metrics.identification import Searches, fnir, fpir, subject_interval, threshold_at_fpir
from mien.evaluate.rates import Rate
from mien.types.score import OperatingPoint, OperatingTable


@dataclass(frozen=True, slots=True)
class Measured:
    """A rate with both intervals: Clopper-Pearson in it, and (low, high) over people where probes share them."""

    rate: Rate
    over_people: tuple[float, float] | None

    @property
    def widest(self) -> tuple[float, float] | None:
        """The lower low and the higher high; None without trials."""
        low, high = self.rate.low, self.rate.high
        if low is None or high is None:
            return None
        a, b = self.over_people or (low, high)
        return min(a, low), max(b, high)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the rate's fields, and ``over_people``."""
        return {**self.rate.to_dict(), "over_people": list(self.over_people) if self.over_people else None}


@dataclass(frozen=True, slots=True)
class OpenSetRow:
    """FNIR where these probes' own FPIR is at most the rate; threshold None = too few probes for it."""

    rate: float
    threshold: float | None
    fnir: Measured | None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON; ``dir`` is 1 - FNIR."""
        missed = self.fnir.rate.value if self.fnir else None
        return {
            "fpir": self.rate,
            "threshold": self.threshold,
            "fnir": self.fnir.to_dict() if self.fnir else None,
            "dir": None if missed is None else 1 - missed,
            "reason": self.reason or None,
        }


@dataclass(frozen=True, slots=True)
class PromiseRow:
    """The threshold that the card's table gives for an asked FPIR, and what it really did.

    Args:
        asked: FPIR.
        point: None where the table supports no such rate; `reason` says so.
        fpir, fnir: measured at its threshold.
        reason: why there is no point.
    """

    asked: float
    point: OperatingPoint | None
    fpir: Measured | None
    fnir: Measured | None
    reason: str = ""

    @property
    def verdict(self) -> str:
        """``agrees``: the asked rate lies in the interval; else ``above`` or ``below`` it, or ``undefined``."""
        interval = self.fpir.widest if self.fpir else None
        if interval is None:
            return "undefined"
        return "above" if interval[0] > self.asked else "below" if interval[1] < self.asked else "agrees"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "asked": self.asked,
            "threshold": self.point.threshold if self.point else None,
            "extrapolated": self.point.extrapolated if self.point else None,
            "fpir": self.fpir.to_dict() if self.fpir else None,
            "fnir": self.fnir.to_dict() if self.fnir else None,
            "verdict": self.verdict,
            "reason": self.reason or None,
        }


def open_set_row(searches: Searches, rate: float, rank: int) -> OpenSetRow:
    """FNIR where the FPIR of these probes is at most `rate`."""
    threshold = threshold_at_fpir(searches, rate)
    trials = int(searches.strangers.sum())
    if threshold is None:
        return OpenSetRow(rate, None, None, f"{trials:,} non-mated probes support no FPIR below {_least(trials)}")
    return OpenSetRow(rate, threshold, missed(searches, threshold, rank))


def promise_row(searches: Searches, table: OperatingTable, rate: float, rank: int) -> PromiseRow:
    """The threshold that `mien.compare.at_fpir` gives for a rate in a gallery of this size, and what it does here."""
    try:
        point = at_fpir(table, rate, max(1, searches.references))
    except UsageError as error:
        return PromiseRow(rate, None, None, None, str(error))
    strangers = searches.strangers
    wrong = searches.rival[strangers] >= point.threshold
    false = Measured(fpir(searches, point.threshold), subject_interval(wrong, searches.people[strangers]))
    return PromiseRow(rate, point, false, missed(searches, point.threshold, rank))


def missed(searches: Searches, threshold: float, rank: int) -> Measured:
    """FNIR with both intervals."""
    wrong: NDArray[np.bool_] = ~searches.found(threshold, rank)[searches.mated]
    over_people = subject_interval(wrong, searches.people[searches.mated])
    return Measured(fnir(searches, threshold, rank), over_people)


def _least(trials: int) -> str:
    return f"{3 / trials:.2g}" if trials else "1"
