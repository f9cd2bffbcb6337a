"""Histograms of scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.evaluate.plots.canvas import canvas, line
from mien.evaluate.plots.svg import SOFT

_BINS = (24, 64)
"""Fewest and most bins over the whole range."""


def histogram(mated: ArrayLike, nonmated: ArrayLike, *, title: str, note: str, threshold: float | None = None) -> str:
    """How the scores of mated and non-mated comparisons are spread.

    Args:
        mated: (n,) scores; -inf (no score) is left out and counted in the note.
        nonmated: (m,) scores, likewise.
        title: what it shows.
        note: data set and numbers.
        threshold: drawn as an upright line, if given.

    Returns:
        SVG; the area under each outline is 1.
    """
    kinds = [np.asarray(mated, np.float64), np.asarray(nonmated, np.float64)]
    found = [scores[np.isfinite(scores)] for scores in kinds]
    lost = sum(len(scores) for scores in kinds) - sum(len(scores) for scores in found)
    if lost:
        note = f"{note} {lost:,} comparisons without a score are left out.".strip()
    edges = _edges([scores for scores in found if scores.size])
    with canvas(title, note, series=["mated", "non-mated"], height=230) as drawn:
        axes = drawn.axes
        for number, scores in enumerate(found):
            if scores.size:
                density = np.histogram(scores, edges, density=True)[0]
                axes.stairs(density, edges, fill=True, color=line(number)["color"], alpha=0.16, lw=0)
                axes.stairs(density, edges, lw=1.4, **line(number))
        if threshold is not None:
            axes.axvline(threshold, lw=1.0, color=SOFT)
        axes.set_xlabel("Score")
        axes.set_ylabel("Density")
        axes.set_ylim(bottom=0)
        axes.set_xlim(edges[0], edges[-1])
    return drawn.svg


def _edges(kinds: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Bins over all scores. The smaller kind fills about half of them, and follows Rice's rule there (2 cbrt n)."""
    if not kinds:
        return np.linspace(0.0, 1.0, 2)
    low, high = min(float(s.min()) for s in kinds), max(float(s.max()) for s in kinds)
    number = int(np.clip(4 * min(map(len, kinds)) ** (1 / 3), *_BINS))
    return np.linspace(low, high if high > low else low + 1, number + 1)
