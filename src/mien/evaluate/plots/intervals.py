"""Values with their 95 % intervals, one row each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.ticker import MaxNLocator

from mien.evaluate.plots.axis import log_rates
from mien.evaluate.plots.canvas import WIDTH, canvas
from mien.evaluate.plots.svg import SERIES, SOFT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = tuple[str, float | None, float | None, float | None]
_LETTER = 6.4
_BESIDE = int(0.4 * WIDTH / _LETTER)
"""Letters of a label that stands beside its row; with longer ones all labels stand above their rows."""


def intervals(rows: Sequence[Row], *, log: bool, title: str, note: str, label: str = "") -> str:
    """A dot and a line from low to high for each row.

    Args:
        rows: (label, value, low, high); None = undefined, shown as "–".
        log: logarithmic axis; a bound of 0 is drawn to the edge, a value of 0 as the bound alone.
        title: what it shows.
        note: data set, numbers and which interval.
        label: of the axis.
    """
    longest = max((len(name) for name, *_ in rows), default=0)
    beside = longest <= _BESIDE
    height = 56 + (21.0 if beside else 36.0) * max(len(rows), 1)
    with canvas(title, note, height=height, left=16 + _LETTER * longest if beside else 8.0) as drawn:
        axes = drawn.axes
        low, high = _limits(rows, log)
        axes.set_xscale("log" if log else "linear")
        axes.set_xlim(low, high)
        if log:
            log_rates(axes.xaxis, low, high)
        else:
            axes.xaxis.set_major_locator(MaxNLocator(5 if beside else 7))
        for place, (_, *row) in enumerate(rows):
            _row(axes, place, row, low, log=log)
        if not log and low < 0 < high:
            axes.axvline(0, color=SOFT, lw=0.8, zorder=0.5)
        _names(axes, [name for name, *_ in rows], beside=beside)
        axes.set_xlabel(label)
    return drawn.svg


def _row(axes: Axes, place: int, row: Sequence[float | None], low: float, *, log: bool) -> None:
    value, least, most = row
    if least is not None and most is not None:
        axes.plot([max(least, low), most], [place, place], color=SERIES[0], lw=1.6, solid_capstyle="butt")
    if value is None:
        axes.text(0.01, place, "–", va="center", transform=axes.get_yaxis_transform())
    elif value > 0 or not log:
        axes.plot([value], [place], "o", ms=5.5, mew=0, color=SERIES[0])


def _names(axes: Axes, names: Sequence[str], *, beside: bool) -> None:
    axes.set_yticks(range(len(names)), names if beside else [""] * len(names))
    axes.set_ylim(len(names) - 0.4, -0.6 if beside else -0.75)
    if not beside:
        for place, name in enumerate(names):
            axes.text(0.0, place - 0.28, name, va="bottom", transform=axes.get_yaxis_transform())
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")


def _limits(rows: Sequence[Row], log: bool) -> tuple[float, float]:
    values = [v for _, *row in rows for v in row if v is not None and (v > 0 or not log)]
    if not values:
        return (1e-3, 1.0) if log else (0.0, 1.0)
    low, high = min(values), max(values)
    if log:
        return low / 1.5, high * 1.5
    room = 0.06 * (high - low) or 0.05
    return low - room, high + room
