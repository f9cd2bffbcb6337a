"""Reliability diagrams: what a calibrated probability promises, and what came."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from mien.evaluate.plots.canvas import canvas, line
from mien.evaluate.plots.svg import SOFT


def reliability(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]], *, title: str, note: str
) -> str:
    """Observed share of mated comparisons against the probability given, by bins; the diagonal is perfect.

    Args:
        curves: by name, (predicted, observed, low, high), each (bins,) in [0, 1]: mean probability of the bin, share
            that was mated, and its 95 % interval.
        title: what it shows.
        note: data set, numbers and interval.
    """
    with canvas(title, note, series=list(curves), height=330) as drawn:
        axes = drawn.axes
        axes.plot([0, 1], [0, 1], color=SOFT, lw=0.8)
        for number, columns in enumerate(curves.values()):
            x, y, low, high = (np.asarray(column, np.float64) for column in columns)
            look = line(number)
            axes.vlines(x, low, high, color=look["color"], lw=1.2)
            axes.plot(x, y, marker="o", ms=4.5, mew=0, **look)
        axes.set_xlabel("Predicted probability of being mated")
        axes.set_ylabel("Observed share")
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
    return drawn.svg
