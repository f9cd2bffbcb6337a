"""A trade-off between two error rates, and how far down its counts support it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.evaluate.plots.canvas import line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
_GRID = np.union1d(np.geomspace(1e-9, 1, 4000), np.linspace(0, 1, 2000))
"""Rates closer than these are the same on paper, on logarithmic and on linear axes."""
_DOTTED = (0, (1, 2.2))
_ROUNDING = 1 - 1e-9
"""1/N and 1 - (N - 1)/N are the same rate."""


class Supported:
    """The points of a trade-off, with the rates of one and of three errors.

    Args:
        x: (n,) in [0, 1], at each threshold.
        y: (n,) in [0, 1], the other rate.
        trials: numbers of comparisons behind x and y; None = the least rate above 0 counts as one error.
    """

    def __init__(self, x: ArrayLike, y: ArrayLike, trials: tuple[int, int] | None) -> None:
        self.x, self.y = _ascending(np.asarray(x, np.float64), np.asarray(y, np.float64))
        """Sorted; of millions, those that can be told apart on paper."""
        self.end = (1 / trials[0], 1 / trials[1]) if trials else (_least(self.x), _least(self.y))
        """One error in N: nothing is drawn below."""
        self.floor = (3 * self.end[0], 3 * self.end[1])
        """Rule of three: nothing is solid below."""
        kept = _telling(self.x, self.y, self.end)
        self.x, self.y = self.x[kept], self.y[kept]
        self._begin = self._lowest_of_first()

    def doubtful(self, *, both: bool) -> bool:
        """Whether a part of it is dotted; `both` as for `draw`."""
        return bool((self._above(self.end, both=both) & ~self._above(self.floor, both=both)).any())

    @property
    def highest(self) -> float:
        """The largest y that is drawn; 1 if none is."""
        return float(self.y[self._begin :].max(initial=0.0)) or 1.0

    def empty(self, *, both: bool) -> bool:
        """Whether no threshold has errors of x, and of y where it is logarithmic, too."""
        return not self._above(self.end, both=both).any()

    def draw(self, axes: Axes, number: int, shown: Callable[[Floats], Floats], *, both: bool) -> None:
        """Solid where the counts support it, dotted down to one error.

        Args:
            axes: where.
            number: of the curve.
            shown: what is drawn of y.
            both: y is a logarithmic error rate, too, and must be supported.
        """
        visible, sure = self._above(self.end, both=both), self._above(self.floor, both=both)
        look = line(number)
        self._plot(axes, visible & ~_inner(sure), shown, {**look, "linestyle": _DOTTED, "linewidth": 1.0})
        self._plot(axes, sure, shown, look)

    def _plot(
        self, axes: Axes, part: NDArray[np.bool_], shown: Callable[[Floats], Floats], look: dict[str, Any]
    ) -> None:
        if part.any():
            axes.plot(*thin(np.where(part, self.x, np.nan), np.where(part, shown(self.y), np.nan)), **look)

    def _above(self, rates: tuple[float, float], *, both: bool) -> NDArray[np.bool_]:
        mask = (self.x >= rates[0] * _ROUNDING) & ((self.y >= rates[1] * _ROUNDING) | (not both))
        mask[: self._begin] = False
        return mask

    def _lowest_of_first(self) -> int:
        """Row of the least y at the least x that is drawn; the drop to it would be a line along the axis."""
        first = int(np.searchsorted(self.x, self.end[0] * _ROUNDING))
        return max(first, int(np.searchsorted(self.x, self.x[first], "right")) - 1) if first < len(self.x) else first


def _ascending(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """By x, then falling y. Millions of points usually come in order, one way or the other."""
    step = np.diff(x)
    if (step <= 0).all():
        x, y, step = x[::-1], y[::-1], -step[::-1]
    if (step < 0).any() or (np.diff(y) > 0).any():
        order = np.lexsort((-y, x))
        x, y = x[order], y[order]
    return x, y


def _telling(x: Floats, y: Floats, end: tuple[float, float]) -> NDArray[np.intp]:
    """Rows of which one could see that they are missing: looked up on a fine grid of either rate, not one by one."""
    if len(x) <= 2 * len(_GRID):
        return np.arange(len(x))
    last = len(x) - 1
    wanted = np.union1d(_GRID, np.multiply.outer(end, (_ROUNDING, 3 * _ROUNDING)))
    by_x = np.concatenate((np.searchsorted(x, wanted), np.searchsorted(x, wanted, "right") - 1))
    by_y = np.concatenate((np.searchsorted(y[::-1], wanted), np.searchsorted(y[::-1], wanted, "right") - 1))
    return np.unique(np.clip(np.concatenate((by_x, last - by_y)), 0, last))


def _inner(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mask without its border points, so that the dotted part joins the solid one."""
    padded = np.concatenate(([True], mask, [True]))
    return mask & padded[:-2] & padded[2:]


def _least(rates: Floats) -> float:
    positive = rates[rates > 0]
    return float(positive.min()) if positive.size else 1.0


def thin(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Points that would fall on the same half unit of the paper are drawn once; millions become hundreds."""
    with np.errstate(divide="ignore", invalid="ignore"):
        place = np.stack(
            [np.round(np.log10(x) * 150), np.round(x * 800), np.round(np.log10(y) * 150), np.round(y * 800)]
        )
    change = np.ones(len(x), bool)
    change[1:] = (np.nan_to_num(place[:, 1:], nan=-9e9) != np.nan_to_num(place[:, :-1], nan=-9e9)).any(axis=0)
    change[-1:] = True
    return x[change], y[change]
