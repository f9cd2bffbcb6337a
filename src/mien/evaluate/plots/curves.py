"""Trade-off curves: DET, ROC, open-set identification, CMC, precision and recall.

Error axes are logarithmic on both sides, as NIST draws them in FRTE since errors of interest span decades; the probit
axes of Martin et al. 1997 ("The DET curve in assessment of detection task performance") suit error rates above 1 %.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from mien.evaluate.plots.axis import log_rates
from mien.evaluate.plots.canvas import canvas, line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curves = Mapping[str, tuple[ArrayLike, ArrayLike]]
Trials = Mapping[str, tuple[int, int]]
_Floats = NDArray[np.float64]


def det(curves: Curves, *, title: str, note: str, trials: Trials | None = None) -> str:
    """Detection error trade-off: FNMR against FMR, both logarithmic.

    Args:
        curves: by name, (fmr, fnmr), each (n,) in [0, 1] over all thresholds.
        title: what it shows.
        note: data set, numbers and interval.
        trials: by name, (non-mated, mated) numbers of comparisons; without them a curve's least rate counts as 1/N.

    Returns:
        SVG. Rates below 3/N are dotted, those below 1/N are not drawn, and the note says so.
    """
    return _errors(curves, title, note, trials, ("False match rate (FMR)", "False non-match rate (FNMR)"))


def fpir_fnir(curves: Curves, *, title: str, note: str, trials: Trials | None = None) -> str:
    """Open-set identification: FNIR against FPIR, both logarithmic.

    Args:
        curves: by name, (fpir, fnir), each (n,) in [0, 1] over all thresholds.
        title: what it shows.
        note: gallery size, rank, numbers and interval.
        trials: by name, (non-mated, mated) numbers of searches; as for `det`.
    """
    axes = ("False positive identification rate (FPIR)", "False negative identification rate (FNIR)")
    return _errors(curves, title, note, trials, axes)


def roc(curves: Curves, *, title: str, note: str, trials: Trials | None = None) -> str:
    """True accept rate against FMR on a logarithmic axis.

    Args:
        curves: by name, (fmr, fnmr) as for `det`; 1 - fnmr is drawn.
        title: as for `det`.
        note: as for `det`.
        trials: as for `det`.
    """
    data = {name: _Curve(*pair, (trials or {}).get(name)) for name, pair in curves.items()}
    low = min((c.end[0] for c in data.values()), default=1e-4)
    with canvas(title, _stated(note, data), series=list(curves)) as drawn:
        axes = drawn.axes
        axes.set_xscale("log")
        axes.set_xlim(low, 1)
        log_rates(axes.xaxis, low, 1)
        _labels(axes, "False match rate (FMR)", "True accept rate (1 − FNMR)")
        for number, curve in enumerate(data.values()):
            curve.draw(axes, number, lambda y: 1 - y, least_y=False)
        axes.set_ylim(top=1.0)
    return drawn.svg


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
        _labels(axes, "Rank", "Identified at this rank or above")
        longest = max((np.size(rates) for rates in curves.values()), default=1)
        axes.set_xlim(1, max(longest, 2))
        axes.set_ylim(top=1.0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
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
            x, y = _thin(np.asarray(recall, np.float64), np.asarray(precision, np.float64))
            axes.plot(x, y, **line(number))
        _labels(axes, "Recall", "Precision")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.005)
    return drawn.svg


def _errors(curves: Curves, title: str, note: str, trials: Trials | None, labels: tuple[str, str]) -> str:
    data = {name: _Curve(*pair, (trials or {}).get(name)) for name, pair in curves.items()}
    low_x = min((c.end[0] for c in data.values()), default=1e-4)
    low_y = min((c.end[1] for c in data.values()), default=1e-3)
    with canvas(title, _stated(note, data), series=list(curves), height=330) as drawn:
        axes = drawn.axes
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(low_x, 1)
        axes.set_ylim(low_y, 1)
        log_rates(axes.xaxis, low_x, 1)
        log_rates(axes.yaxis, low_y, 1)
        _labels(axes, *labels)
        for number, curve in enumerate(data.values()):
            curve.draw(axes, number, lambda y: y, least_y=True)
    return drawn.svg


class _Curve:
    """One trade-off: its points, and down to which rates the counts support it."""

    def __init__(self, x: ArrayLike, y: ArrayLike, trials: tuple[int, int] | None) -> None:
        order = np.lexsort((-np.asarray(y, np.float64), np.asarray(x, np.float64)))
        self.x = np.asarray(x, np.float64)[order]
        self.y = np.asarray(y, np.float64)[order]
        self.end = (1 / trials[0], 1 / trials[1]) if trials else (_least(self.x), _least(self.y))
        """One error in N: nothing is drawn below."""
        self.floor = (3 * self.end[0], 3 * self.end[1])
        """Rule of three: nothing is solid below."""

    @property
    def doubtful(self) -> bool:
        """Whether a part of it is dotted."""
        x, y = self.floor
        return bool(((self.x > 0) & (self.x < x)).any() or ((self.y > 0) & (self.y < y)).any())

    def draw(self, axes: Axes, number: int, shown: Callable[[_Floats], _Floats], *, least_y: bool) -> None:
        x, y = self.x, self.y
        visible = (x >= self.end[0]) & ((y >= self.end[1]) | (not least_y))
        sure = visible & (x >= self.floor[0]) & ((y >= self.floor[1]) | (not least_y))
        look = line(number)
        axes.plot(*_thin(np.where(visible & ~_inner(sure), x, np.nan), shown(y)), color=look["color"], ls=":", lw=1.0)
        axes.plot(*_thin(np.where(sure, x, np.nan), shown(y)), **look)


def _inner(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mask without its border points, so that the dotted part joins the solid one."""
    padded = np.concatenate(([True], mask, [True]))
    return mask & padded[:-2] & padded[2:]


def _least(rates: _Floats) -> float:
    positive = rates[rates > 0]
    return float(positive.min()) if positive.size else 1.0


def _thin(x: _Floats, y: _Floats) -> tuple[_Floats, _Floats]:
    """Points that would fall on the same half unit of the paper are drawn once; millions become hundreds."""
    with np.errstate(divide="ignore", invalid="ignore"):
        place = np.stack(
            [np.round(np.log10(x) * 150), np.round(x * 800), np.round(np.log10(y) * 150), np.round(y * 800)]
        )
    change = np.ones(len(x), bool)
    change[1:] = (np.nan_to_num(place[:, 1:], nan=-9e9) != np.nan_to_num(place[:, :-1], nan=-9e9)).any(axis=0)
    change[-1:] = True
    return x[change], y[change]


def _stated(note: str, data: Mapping[str, _Curve]) -> str:
    if not any(curve.doubtful for curve in data.values()):
        return note
    return f"{note} Dotted: rates below 3/N, of fewer than three errors.".strip()


def _labels(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
