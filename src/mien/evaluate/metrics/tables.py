"""False match rate against threshold, measured on all comparisons among some people: what decisions rest on.

Intervals come from a bootstrap over people, since comparisons that share a person are not independent (ISO/IEC 19795-1,
annex B; Bolle et al., Error analysis of pattern recognition systems: the subsets bootstrap, CVIU 93, 2004). Beyond what
was counted, the highest scores are extrapolated by an exponential fit, for 1:N searches only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.compare import at_fpir
from mien.errors import UsageError
from mien.evaluate.rates import rule_of_three
from mien.types.arrays import FloatArray
from mien.types.score import MeasuredPoint, OperatingTable, ScoreHistogram

Ids = NDArray[np.int64]

STEPS_A_DECADE = 10
RESAMPLES = 1000
SEED = 19795
TAIL_RATE = 1e-3
"""Where the tail begins: the highest thousandth of the scores."""
TAIL_SCORES = 250
"""Least number of scores that a tail is fitted to; of fewer comparisons the tail takes a larger share."""
WIDEST_TAIL = 1e-2
"""Beyond the highest hundredth, scores are the body of the distribution and no tail."""
FPIR_RANGE = (0.005, 0.1)
"""False positive identification rates at which the clumping of false matches is measured."""
FEWEST_PROBES = 5
"""False positives below which a rate of that range is left out."""
BINS_A_UNIT = 50
"""Bins of a histogram to a cosine of 1."""
BINS_A_LINE = 20


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Every comparison among some templates.

    Args:
        top: (k,) float64 highest non-mated scores, descending: a fifth of all.
        left, right: (k,) int64 people of the two sides.
        nonmated: number of non-mated comparisons.
        mated: (m,) float64 mated scores, ascending.
        pictures: (people,) int64 templates of each person.
        best: (n,) float64 each template's highest score with another person, descending.
        histogram: of all scores.
    """

    top: NDArray[np.float64]
    left: Ids
    right: Ids
    nonmated: int
    mated: NDArray[np.float64]
    pictures: Ids
    best: NDArray[np.float64]
    histogram: ScoreHistogram


def compare_all(vectors: FloatArray, people: Ids, skip: NDArray[np.bool_] | None = None) -> Comparisons:
    """Every template with every other, once.

    Memory is about 30 bytes times the square of `n`.

    Args:
        vectors: (n, d) float32, unit rows.
        people: (n,) int64, who each row is, 0..people-1.
        skip: (n, n) bool, comparisons to leave out, such as a picture with its copy.

    Raises:
        UsageError: there are not two people (``one-person``).
    """
    scores = vectors @ vectors.T
    same = people[:, None] == people[None, :]
    upper = np.triu(np.ones_like(same), 1)
    if skip is not None:
        upper &= ~skip
    mated = np.sort(scores[upper & same]).astype(np.float64)
    flat = np.flatnonzero(upper & ~same)
    if not len(flat):
        raise UsageError("false match rates need pictures of at least two people", code="one-person")
    nonmated = scores.ravel()[flat]
    order = np.argsort(-nonmated, kind="stable")[: max(len(flat) // 5, min(len(flat), FEWEST_PROBES))]
    left, right = np.divmod(flat[order], len(vectors))
    scores[same if skip is None else same | skip | skip.T] = -1
    best = np.sort(scores.max(axis=1))[::-1].astype(np.float64)
    return Comparisons(
        nonmated[order].astype(np.float64),
        people[left],
        people[right],
        len(flat),
        mated,
        np.bincount(people),
        best,
        histogram(mated, nonmated),
    )


def histogram(mated: FloatArray | NDArray[np.float64], nonmated: FloatArray) -> ScoreHistogram:
    """Counts of cosines, from the lowest bin that has any to the highest."""
    kinds = [np.floor(scores.astype(np.float64) * BINS_A_UNIT).astype(np.int64) for scores in (mated, nonmated)]
    found = [bins for bins in kinds if len(bins)]
    low, high = min(int(bins.min()) for bins in found), max(int(bins.max()) for bins in found)
    counts = [np.bincount(bins - low, minlength=high - low + 1).tolist() for bins in kinds]
    return ScoreHistogram(low / BINS_A_UNIT, 1 / BINS_A_UNIT, tuple(counts[0]), tuple(counts[1]))


def operating_table(measured: Comparisons, *, data: str, date: str, command: str) -> OperatingTable:
    """The table that thresholds are taken from.

    Args:
        measured: the comparisons.
        data: what was compared, in words.
        date: ISO date.
        command: what makes the table again.

    Raises:
        UsageError: too few comparisons for any row (``too-few-comparisons``).
    """
    rows = measured_rows(measured.top, measured.nonmated)
    if not rows:
        raise UsageError(
            f"{measured.nonmated} non-mated comparisons support no false match rate: add people",
            code="too-few-comparisons",
        )
    low, high = bootstrap(measured, [errors for _, errors in rows])
    misses = np.searchsorted(measured.mated, [threshold for threshold, _ in rows])
    points = (
        MeasuredPoint(threshold, errors, float(a), float(b), int(missed))
        for (threshold, errors), a, b, missed in zip(rows, low, high, misses, strict=True)
    )
    return OperatingTable(
        data=data,
        date=date,
        command=command,
        mated=len(measured.mated),
        nonmated=measured.nonmated,
        subjects=int(np.count_nonzero(measured.pictures)),
        points=tuple(points),
        extremal=extremal_index(measured),
        tail=fit_tail(measured.top, measured.nonmated),
        histogram=measured.histogram,
    )


def measured_rows(top: NDArray[np.float64], trials: int) -> list[tuple[float, int]]:
    """(threshold, errors) with thresholds between two scores, from FMR 1e-1 down to the rule of three.

    Args:
        top: highest non-mated scores, descending, a tenth of all at least.
        trials: number of all.
    """
    rows: list[tuple[float, int]] = []
    least = rule_of_three(trials)
    wanted = 10.0 ** -np.arange(1, 12, 1 / STEPS_A_DECADE)
    for rate in [*wanted[wanted > least], least]:
        allowed = int(rate * trials * (1 + 1e-9))
        if not 0 < allowed < len(top):
            continue
        threshold = np.ceil((top[allowed] + top[allowed - 1]) / 2 * 1e5) / 1e5
        errors = int((top >= threshold).sum())
        if errors and (not rows or errors < rows[-1][1]):
            rows.append((float(threshold), errors))
    return rows


def bootstrap(measured: Comparisons, errors: list[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % interval of the rate at each row, people drawn with replacement.

    Args:
        measured: the comparisons.
        errors: of each row, descending.

    Returns:
        Lower and upper ends, (rows,) each.
    """
    random = np.random.default_rng(SEED)
    number = len(measured.pictures)
    ends = np.array(errors)
    starts = np.concatenate([ends[1:], [0]])[::-1]  # segments of pairs between two rows, the highest scores first
    left, right = measured.left[: ends[0]].astype(np.int32), measured.right[: ends[0]].astype(np.int32)
    rates = np.empty((RESAMPLES, len(errors)))
    for i in range(RESAMPLES):
        weight = np.bincount(random.integers(0, number, number), minlength=number).astype(np.float64)
        drawn = weight * measured.pictures
        trials = (drawn.sum() ** 2 - (drawn**2).sum()) / 2
        segments = np.add.reduceat(weight[left] * weight[right], starts)
        rates[i] = np.cumsum(segments)[::-1] / trials if trials else 0.0
    low, high = np.percentile(rates, [2.5, 97.5], axis=0)
    return low, high


def fit_tail(top: NDArray[np.float64], trials: int) -> tuple[float, float, float] | None:
    """Exponential fit, by maximum likelihood, to the scores above a high one.

    Returns:
        (start, rate, scale): P(score > t) = rate * exp(-(t - start) / scale), by maximum likelihood; None when
        there are fewer than `TAIL_SCORES` scores in the highest hundredth.
    """
    rate = max(TAIL_RATE, TAIL_SCORES / trials)
    above = int(rate * trials)
    if rate > WIDEST_TAIL or above >= len(top):
        return None
    start = top[above]
    return float(start), rate, float(np.mean(top[top > start] - start))


def extremal_index(measured: Comparisons) -> float:
    """Mean of log(1-FPIR) / (N log(1-FMR)) over FPIR 0.5 % to 10 %, every template a probe against all other people.

    False matches come in clumps on few probes, so fewer probes meet one than independent comparisons would give
    (Leadbetter, Extremes and local dependence in stationary sequences, 1983). 1 = independent, also when there are too
    few probes to say.
    """
    probes = len(measured.best)
    references = probes - float((measured.pictures**2).sum()) / probes
    ratios = []
    for fpir in np.geomspace(*FPIR_RANGE, 12):
        if fpir * probes < FEWEST_PROBES:
            continue
        threshold = measured.best[int(fpir * probes)]
        fmr = (measured.top >= threshold).sum() / measured.nonmated
        ratios.append(np.log1p(-fpir) / (references * np.log1p(-fmr)))
    return float(min(1.0, np.mean(ratios))) if ratios else 1.0


@dataclass(frozen=True, slots=True)
class FpirCheck:
    """A promised FPIR and the one that came.

    Args:
        fpir: asked for.
        references: searched.
        threshold: that the table gives for the two.
        extrapolated: it lies on the fitted tail.
        errors, trials: probes of nobody in the gallery that were identified, of so many, over all repeats.
    """

    fpir: float
    references: int
    threshold: float
    extrapolated: bool
    errors: int
    trials: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {
            "measured": self.errors / self.trials if self.trials else None
        }


def check_fpir(
    vectors: FloatArray,
    people: Ids,
    table: OperatingTable,
    rates: Sequence[float] = (0.1, 0.03, 0.01),
    repeats: int = 10,
) -> list[FpirCheck]:
    """Searches of people who are not in a gallery, against the thresholds that a table promises for its size.

    Half of the people, drawn anew each time, are the gallery; every template of the others is a probe.

    Args:
        vectors: (n, d) float32, unit rows.
        people: (n,) int64.
        table: thresholds to check.
        rates: FPIR to ask for; one that the table does not support is left out.
        repeats: random galleries.
    """
    random = np.random.default_rng(SEED)
    number = int(people.max()) + 1
    found: list[FpirCheck] = []
    best: list[NDArray[np.float32]] = []
    size = 0
    for _ in range(repeats):
        inside = random.permutation(number)[people] < number // 2
        size = max(size, int(inside.sum()))  # the promise must hold for the largest
        best.append((vectors[~inside] @ vectors[inside].T).max(axis=1, initial=-1))
    probes = np.concatenate(best)
    for rate in rates:
        try:
            point = at_fpir(table, rate, size)
        except UsageError:
            continue
        errors = int((probes >= point.threshold).sum())
        found.append(FpirCheck(rate, size, point.threshold, point.extrapolated, errors, len(probes)))
    return found


def table_lines(table: OperatingTable) -> list[str]:
    """The table as the ``[operating]`` of a card, in TOML."""
    lines = [
        "[operating]",
        f'data = "{table.data}"',
        f'date = "{table.date}"',
        f'command = "{table.command}"',
        f"mated = {table.mated}",
        f"nonmated = {table.nonmated}",
        f"subjects = {table.subjects}",
        f"extremal = {table.extremal:.3f}",
    ]
    if table.tail is not None:
        start, rate, scale = table.tail
        lines.append(
            f"tail = [{start:.5f}, {rate:g}, {scale:.6f}] # threshold, rate, scale",
        )
    lines.append("points = [ # threshold, false matches, 95 % interval of their rate over subjects, false non-matches")
    rows = (f"    [{p.threshold:.5f}, {p.errors}, {p.low:.3g}, {p.high:.3g}, {p.misses}]," for p in table.points)
    return [*lines, *rows, "]", *(_histogram_lines(table.histogram) if table.histogram else ())]


def _histogram_lines(counts: ScoreHistogram) -> list[str]:
    """The sub-table of all scores, in TOML."""
    lines = [
        "",
        "[operating.histogram] # comparisons in each bin",
        f"start = {counts.start:g}",
        f"step = {counts.step:g}",
    ]
    for name, kind in (("mated", counts.mated), ("nonmated", counts.nonmated)):
        rows = [kind[at : at + BINS_A_LINE] for at in range(0, len(kind), BINS_A_LINE)]
        lines += [f"{name} = [", *(f"    {', '.join(map(str, row))}," for row in rows), "]"]
    return lines
