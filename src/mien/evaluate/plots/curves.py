"""Curves on linear axes: CMC, precision and recall, cumulative errors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from mien.evaluate.plots.canvas import canvas, line
from mien.evaluate.plots.supported import thin

Curves = Mapping[str, tuple[ArrayLike, ArrayLike]]


def cmc(curves: Mapping[str, ArrayLike], *, title: str, note: str) -> str:
    """Cumulative match characteristic: share of mated searches whose subject is among the first ranks.

    Args:
        curves: by name, (ranks,) in [0, 1]; entry r is for rank r + 1.
        title: what it shows.
        note: gallery size, numbers and interval.
    """
    with canvas(title, note, series=list(curves)) as drawn:
        axes = drawn.axes
        for number, rates in enumerate(curves.values()):
            y = np.asarray(rates, np.float64)
            axes.plot(np.arange(1, len(y) + 1), y, **line(number))
        axes.set(xlabel="Rank", ylabel="Identified at this rank or above")
        longest = max((np.size(rates) for rates in curves.values()), default=1)
        axes.set_xlim(1, max(longest, 2))
        axes.set_xticks(_ranks(longest))
        axes.set_ylim(top=1.0)
        axes.yaxis.set_major_locator(MaxNLocator(6))
    return drawn.svg


def precision_recall(curves: Curves, *, title: str, note: str) -> str:
    """Precision against recall.

    Args:
        curves: by name, (recall, precision), each (n,) in [0, 1].
        title: what it shows.
        note: data set, numbers and interval.
    """
    with canvas(title, note, series=list(curves)) as drawn:
        axes = drawn.axes
        for number, (recall, precision) in enumerate(curves.values()):
            x, y = thin(np.asarray(recall, np.float64), np.asarray(precision, np.float64))
            axes.plot(x, y, **line(number))
        axes.set(xlabel="Recall", ylabel="Precision")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.005)
    return drawn.svg


def cumulative_errors(curves: Mapping[str, ArrayLike], *, limit: float, title: str, note: str) -> str:
    """Share of faces whose error is no greater than a number.

    Args:
        curves: by name, (n,) errors of all faces, infinite where one was missed.
        limit: where the axis ends.
        title: what it shows.
        note: data set, numbers and what errors are divided by.
    """
    with canvas(title, note, series=list(curves)) as drawn:
        axes = drawn.axes
        for number, errors in enumerate(curves.values()):
            values = np.sort(np.asarray(errors, np.float64))
            x = np.linspace(0, limit, 201)
            axes.plot(x, np.searchsorted(values, x, side="right") / max(len(values), 1), **line(number))
        axes.set(xlabel="Normalised mean error", ylabel="Faces with no greater error")
        axes.set_xlim(0, limit)
        axes.set_ylim(0, 1.005)
    return drawn.svg


def _ranks(longest: int) -> list[int]:
    """Ranks to write below the axis: the first, and round ones."""
    step = next(step * 10**d for d in range(19) for step in (1, 2, 5) if longest <= 6 * step * 10**d)
    return sorted({1, *range(step, longest + 1, step)})
