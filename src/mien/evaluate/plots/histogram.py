"""Histograms of scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mien.evaluate.plots.canvas import canvas, line

_BINS = 80


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
    every = [scores for scores in found if scores.size]
    low, high = (min(s.min() for s in every), max(s.max() for s in every)) if every else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    names = ["mated", "non-mated"]
    with canvas(title, note, series=names, height=250) as drawn:
        axes = drawn.axes
        for number, scores in enumerate(found):
            if scores.size:
                density = np.histogram(scores, edges, density=True)[0]
                axes.stairs(density, edges, fill=True, color=line(number)["color"], alpha=0.16, lw=0)
                axes.stairs(density, edges, lw=1.4, **line(number))
        if threshold is not None:
            axes.axvline(threshold, lw=1.0, color="#000002")
        axes.set_xlabel("Score")
        axes.set_ylabel("Density")
        axes.set_ylim(bottom=0)
        axes.set_xlim(edges[0], edges[-1])
    return drawn.svg
