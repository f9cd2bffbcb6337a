"""What quality scores are worth, for people."""

from __future__ import annotations

from collections.abc import Sequence

from mien.evaluate import plots
from mien.evaluate.metrics.edc import SHARES, Interval, Left, Worth
from mien.evaluate.quality import Utility
from mien.evaluate.report import UNDEFINED, Report, Section, Table

MOST_CURVES = 6
"""In one figure; more cannot be told apart."""

METHOD = """
Error versus discard (Grother & Tabassi 2007, ISO/IEC 29794-1): the threshold is set once, with the most matches at no
more than the stated FMR over all comparisons. Then the mated comparisons of least quality are discarded, and FNMR is
counted over those that are left. The quality of a comparison is the lower of its two photographs'. One that failed,
because a photograph gave no face, has nothing to rate and is left out; how many there were stands above. Comparisons of
equal quality go together, so a coarse score may discard less than was asked for.

Random: discarding by lot leaves the FNMR as it is, on average. Oracle: the comparisons of the lowest mated scores go
first, which no score of single photographs can know. Area: mean FNMR over the shares from 0 to the limit; share of the
oracle: how much of the oracle's gain over random a measure reaches, 0 % random, 100 % all, below 0 worse than random.

Intervals hold 95 %: a bootstrap over people, the threshold set anew in each resample, which is the same for every
measure. ms: processor time a face on one call, beside what its template takes; components share one head and its time.
"""


def quality_report(results: Sequence[Utility], *, command: str, figures: bool = True) -> Report:
    """The page of one or more embedders; its data is what ``--json`` prints.

    Args:
        results: one an embedder.
        command: as typed.
        figures: draw the curves.
    """
    sections = [section for result in results for section in _sections(result, figures=figures)]
    title = f"Recognition utility on {results[0].data}"
    data = {"results": [result.to_dict() for result in results]}
    return Report(title, (*sections, Section("How it was measured", METHOD)), data, command)


def _sections(result: Utility, *, figures: bool) -> list[Section]:
    d = result.discards
    ordered = sorted(d.worths, key=lambda name: d.worths[name].area.value)
    text = (
        f"{result.system}: {result.photographs:,} photographs of {result.people:,} people{_harmed(result)}; "
        f"{d.misses.trials:,} mated comparisons, {d.misses.errors:,} missed at FMR {d.fmr:g} "
        f"(threshold {d.threshold:.3f}, {d.matches.errors:,} of {d.matches.trials:,} false matches){_lost(result)}. "
        f"{d.interval.capitalize()}."
    )
    tables = (
        Table(
            "FNMR when the poorest are discarded",
            ("measure", *(f"{share:.0%} discarded" for share in SHARES), "ms a face"),
            tuple((name, *(_left(row) for row in d.worths[name].left), _ms(result.ms.get(name))) for name in ordered),
        ),
        Table(
            f"Gain over discarding at random, in points of FNMR, and area up to {d.limit:.0%}",
            ("measure", *(f"at {share:.0%}" for share in SHARES[1:]), "area", "share of the oracle"),
            tuple((name, *_gains(d.worths[name])) for name in ordered),
        ),
    )
    curves = _figures(result, ordered) if figures else ()
    return [Section(f"What discarding the poorest leaves: {result.system}", text, tables, curves)]


def _harmed(result: Utility) -> str:
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in result.harmed.items())
    return f", of which made worse by seed {result.plan.seed}: {kinds}" if kinds else ""


def _lost(result: Utility) -> str:
    lost = sum(result.lost.values())
    return (
        f"; {lost:,} photographs gave no face, {result.discards.failures:,} mated comparisons more failed"
        if lost
        else ""
    )


def _left(row: Left) -> str:
    less = f", {row.discarded:.1%} discarded" if row.share - row.discarded > 0.005 else ""
    return (
        f"{row.fnmr.value:.4f} ({row.misses.errors:,} of {row.misses.trials:,}; "
        f"{row.fnmr.low:.4f} to {row.fnmr.high:.4f}{less})"
    )


def _gains(worth: Worth) -> tuple[str, ...]:
    at = (_points(row.gain) for row in worth.left[1:])
    area = f"{worth.area.value:.4f} ({worth.area.low:.4f} to {worth.area.high:.4f})"
    reached = worth.reached
    share = UNDEFINED if reached is None else f"{reached.value:.0%} ({reached.low:.0%} to {reached.high:.0%})"
    return (*at, area, share)


def _points(gain: Interval) -> str:
    return f"{100 * gain.value:+.2f} ({100 * gain.low:+.2f} to {100 * gain.high:+.2f})"


def _ms(ms: float | None) -> str:
    return UNDEFINED if ms is None else f"{ms:.2f}"


def _figures(result: Utility, ordered: Sequence[str]) -> tuple[str, ...]:
    """Six curves each, the best first."""
    d = result.discards
    note = (
        f"{result.system} on {result.data}: {d.misses.trials:,} mated comparisons, threshold for FMR {d.fmr:g} over "
        "all. Grey: dashed random, dotted the oracle."
    )
    drawn = []
    for start in range(0, len(ordered), MOST_CURVES):
        some = {name: d.worths[name].curve for name in ordered[start : start + MOST_CURVES]}
        curves = {name: (curve.shares, curve.fnmr) for name, curve in some.items()}
        oracle = d.oracle.shares, d.oracle.fnmr
        drawn.append(plots.edc(curves, oracle, limit=d.limit, title="Error versus discard", note=note))
    return tuple(drawn)
