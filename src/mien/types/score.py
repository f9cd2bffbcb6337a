"""Scores become decisions at an operating point: a threshold together with the error rate that was measured for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class MeasuredPoint:
    """One measured row: how many of the table's comparisons went wrong at a threshold.

    Args:
        threshold: cosine; a comparison matches when score >= threshold.
        errors: false matches.
        low, high: 95 % interval of their rate, bootstrapped over subjects since pairs that share one are dependent.
        misses: false non-matches.
    """

    threshold: float
    errors: int
    low: float
    high: float
    misses: int


@dataclass(frozen=True, slots=True)
class ScoreHistogram:
    """How the scores behind an operating table are spread.

    Args:
        start: lower edge of the first bin, cosine.
        step: width of each bin, cosine.
        mated, nonmated: comparisons in each bin, as many bins each; a score on an edge counts in the bin above it.
    """

    start: float
    step: float
    mated: tuple[int, ...]
    nonmated: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.step > 0:
            raise ValueError(f"step must be above 0, got {self.step}")
        if not self.mated or len(self.mated) != len(self.nonmated):
            raise ValueError("mated and nonmated must have one count a bin each")
        if any(type(count) is not int or count < 0 for count in (*self.mated, *self.nonmated)):
            raise ValueError("mated and nonmated must be counts")

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> ScoreHistogram:
        """From the ``[operating.histogram]`` table of a card."""
        rest = {k: v for k, v in table.items() if k not in ("mated", "nonmated")}
        return cls(mated=tuple(table["mated"]), nonmated=tuple(table["nonmated"]), **rest)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"start": self.start, "step": self.step, "mated": list(self.mated), "nonmated": list(self.nonmated)}


@dataclass(frozen=True, slots=True)
class OperatingTable:
    """What was measured of a model: false match rate against threshold.

    Args:
        data: the comparisons, in words.
        date: ISO date of the measurement.
        command: what makes the table again.
        mated, nonmated: numbers of comparisons.
        subjects: number of people.
        points: measured rows, thresholds ascending.
        extremal: share in 0..1 of the independent-comparisons FPIR that a probe really meets when it is searched (false
            matches come in clumps on few probes); 1 = independent.
        tail: (threshold, fmr, scale) of the exponential tail fitted to the highest non-mated scores,
            used only for 1:N searches beyond what was counted.
        histogram: of all the scores, or None in tables of before there was one.
    """

    data: str
    date: str
    command: str
    mated: int
    nonmated: int
    subjects: int
    points: tuple[MeasuredPoint, ...]
    extremal: float = 1.0
    tail: tuple[float, float, float] | None = None
    histogram: ScoreHistogram | None = None

    def __post_init__(self) -> None:
        counts = self.histogram
        if counts and (sum(counts.mated), sum(counts.nonmated)) != (self.mated, self.nonmated):
            raise ValueError("the histogram must count every comparison of the table once")

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> OperatingTable:
        """From the ``[operating]`` table of a card; ``points`` is a list of [threshold, errors, low, high, misses]."""
        points = tuple(MeasuredPoint(*row) for row in table["points"])
        rest = {k: v for k, v in table.items() if k not in ("points", "tail", "histogram")}
        tail = tuple(table["tail"]) if "tail" in table else None
        histogram = ScoreHistogram.from_dict(table["histogram"]) if "histogram" in table else None
        return cls(points=points, tail=tail, histogram=histogram, **rest)


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """The threshold in force, and what it rests on.

    Args:
        threshold: cosine; match when score >= threshold.
        fmr: false match rate of one comparison at that threshold, as measured.
        errors, trials: the counts behind `fmr`.
        low, high: its 95 % interval.
        misses, mated: false non-matches at that threshold, of so many mated comparisons.
        data: what it was measured on.
        extrapolated: beyond what was counted, on the fitted tail (1:N only).
    """

    threshold: float
    fmr: float
    errors: int
    trials: int
    low: float
    high: float
    misses: int
    mated: int
    data: str
    extrapolated: bool = False

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "threshold": round(self.threshold, 4),
            "measured_fmr": self.fmr,
            "errors": self.errors,
            "trials": self.trials,
            "interval": [self.low, self.high],
            "misses": self.misses,
            "mated": self.mated,
            "data": self.data,
            "extrapolated": self.extrapolated,
        }


@dataclass(frozen=True, slots=True)
class Candidate:
    """One subject of a candidate list.

    Args:
        subject: the name, or ``#12`` for someone in the gallery without a name.
        score: best cosine over the subject's references.
        rank: 1 = most alike.
        reference: id of the reference that scored best.
        match: score >= threshold.
    """

    subject: str
    score: float
    rank: int
    reference: int
    match: bool

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "subject": self.subject,
            "score": round(self.score, 4),
            "rank": self.rank,
            "reference": self.reference,
            "match": self.match,
        }
