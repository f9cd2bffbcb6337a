"""Error versus discard."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike

from mien.evaluate.plots.canvas import canvas, line
from mien.evaluate.plots.svg import SOFT

Curves = Mapping[str, tuple[ArrayLike, ArrayLike]]


def edc(curves: Curves, oracle: tuple[ArrayLike, ArrayLike], *, limit: float, title: str, note: str) -> str:
    """FNMR of the comparisons that are left, against the share discarded.

    Args:
        curves: by name, (share discarded, fnmr), steps; each begins with nothing discarded.
        oracle: the same for the best order there is.
        limit: where the axis ends.
        title: what it shows.
        note: data set, numbers and threshold.

    Returns:
        SVG. Grey lines: dashed what discarding at random leaves, dotted the oracle.
    """
    with canvas(title, note, series=list(curves), height=300) as drawn:
        axes = drawn.axes
        starts = [float(np.asarray(rate)[0]) for _, rate in curves.values()]
        for start in set(starts):
            axes.plot([0, limit], [start, start], color=SOFT, lw=1.0, linestyle=(0, (4, 3)))
        axes.step(*_until(oracle, limit), where="post", color=SOFT, lw=1.0, linestyle=(0, (1, 1.5)))
        for number, curve in enumerate(curves.values()):
            axes.step(*_until(curve, limit), where="post", **line(number))
        axes.set(xlabel="Share of mated comparisons discarded", ylabel="FNMR of those left")
        axes.set_xlim(0, limit)
        axes.set_ylim(bottom=0)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(6))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
    return drawn.svg


def _until(curve: tuple[ArrayLike, ArrayLike], limit: float) -> tuple[ArrayLike, ArrayLike]:
    """The steps up to the limit, the last one drawn out to it, one point for each rate."""
    shares, rates = (np.asarray(part, np.float64) for part in curve)
    inside = shares <= limit
    shares, rates = shares[inside], rates[inside]
    _, first = np.unique(np.floor(shares / limit * 1000), return_index=True)  # a pixel has no use for more
    return np.append(shares[first], limit), np.append(rates[first], rates[-1])
