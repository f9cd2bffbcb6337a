"""What fits the budgets, for people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.evaluate import plots
from mien.evaluate.fruits import STAGES, TABLE_FMR, Timing
from mien.evaluate.report import Report, Section, Table, undefined

METHOD = f"""
Time is from decoded pixels to a score: detection, alignment of the largest face, embedding, one comparison (FRUITS of
WebFace260M, Zhu et al., CVPR 2021). Networks run on one thread and the process is held on one core where the system
can. The first run of each picture is not counted. A configuration fits a budget when 95 of 100 runs stay within it.

TAR is that of the embedder's card at FMR {TABLE_FMR:g}. Where the card was measured with another detector, side or
precision than the row runs, the figure is not that of the row and the table says what differs; `mien evaluate
verification` with the same options measures it.
"""


def fruits_report(
    timings: Sequence[Timing], budgets: Sequence[float], command: str, *, pinned: bool, skipped: Sequence[str] = ()
) -> Report:
    """The report of a run.

    Args:
        timings: one a configuration.
        budgets: milliseconds, ascending.
        command: as typed.
        pinned: the process was held on one core.
        skipped: configurations that could not run, and why.
    """
    ordered = sorted(timings, key=lambda t: float(np.percentile(t.total, 95)))
    sizes = f"{ordered[0].pictures:,} pictures" if ordered else "no pictures"
    core = "held on one core" if pinned else "one thread a network; this system cannot hold a process on a core"
    on = f"{sizes}, {core}"
    notes = [f"{on}.", *_busy(ordered), *skipped]
    facts = {
        "pinned": pinned,
        "budgets": [_budget(ordered, budget) for budget in budgets],
        "results": [timing.to_dict() for timing in ordered],
        "warnings": _busy(ordered),
        "skipped": list(skipped),
    }
    sections = (
        Section("What fits", "\n\n".join(notes), tuple(_fitting(ordered, b) for b in budgets)),
        Section("Every configuration", "", (_stages(ordered),), _figure(ordered, on)),
        Section("How it was measured", METHOD),
    )
    return Report("What fits a time budget", sections, facts, command)


def _busy(timings: Sequence[Timing]) -> list[str]:
    """A warning where other processes had the core for more than a tenth of the time."""
    slow = [t for t in timings if t.cores < 0.9]
    if not slow:
        return []
    least = min(t.cores for t in slow)
    return [
        f"Other processes had the core during {len(slow)} of {len(timings)} configurations (down to {least:.0%} of it "
        "was left): times are too long by as much; run it again on an idle machine."
    ]


def _budget(timings: Sequence[Timing], budget: float) -> dict[str, object]:
    fitting = by_error([t for t in timings if t.fits(budget)])
    best = next((t for t in fitting if t.error.measured), None)
    return {
        "milliseconds": budget,
        "fits": [str(t.configuration) for t in fitting],
        "best_measured": str(best.configuration) if best else None,
    }


def by_error(timings: Sequence[Timing]) -> list[Timing]:
    """Best first: measured before not, then by TAR, then by time."""

    def key(timing: Timing) -> tuple[bool, float, float]:
        tar = timing.error.tar.value if timing.error.tar else None
        return not timing.error.measured, -(tar or 0.0), float(np.percentile(timing.total, 95))

    return sorted(timings, key=key)


def _fitting(timings: Sequence[Timing], budget: float) -> Table:
    fitting = by_error([t for t in timings if t.fits(budget)])
    rows = tuple((*_name(t), _ms(t, 95), _tar(t), t.error.reason) for t in fitting)
    caption = f"{budget:g} ms: {len(fitting)} of {len(timings)} configurations fit, best first"
    columns = ("detector", "embedder", "engine", "ms, 95 of 100", f"TAR at FMR {TABLE_FMR:g}", "as measured?")
    return Table(caption, columns, rows)


def _stages(timings: Sequence[Timing]) -> Table:
    rows = tuple(
        (
            *_name(t),
            _ms(t, 50),
            _ms(t, 95),
            *(f"{np.median(t.milliseconds[stage]):.2f}" for stage in STAGES),
            f"{t.processor:.1f}",
            f"{t.cores:.2f}",
        )
        for t in timings
    )
    columns = ("detector", "embedder", "engine", "median", "95 of 100", *STAGES, "processor", "cores used")
    return Table("Milliseconds; stages as medians, processor time as mean", columns, rows)


def _figure(timings: Sequence[Timing], on: str) -> tuple[str, ...]:
    rows = [
        (str(t.configuration), float(np.median(t.total)), float(t.total.min()), float(np.percentile(t.total, 95)))
        for t in timings
    ]
    note = f"{on}. Dot: median; line: from the least to the 95th of 100."
    return (plots.intervals(rows, log=True, title="Pixels to score", note=note, label="ms"),) if rows else ()


def _name(timing: Timing) -> tuple[str, str, str]:
    c = timing.configuration
    return f"{c.detector} at {timing.side}", c.embedder, f"{c.engine} {c.precision}"


def _ms(timing: Timing, percent: float) -> str:
    return f"{np.percentile(timing.total, percent):.1f}"


def _tar(timing: Timing) -> str:
    tar = timing.error.tar
    if tar is None:
        return undefined("not measured")
    return str(tar) if timing.error.measured else undefined(f"not measured so; the card's is {tar.value:.4g}")
