"""Values with their 95 % intervals, one row each."""

from __future__ import annotations

from collections.abc import Sequence

from mien.evaluate.plots.axis import log_rates
from mien.evaluate.plots.canvas import WIDTH, canvas
from mien.evaluate.plots.svg import SERIES, SOFT

Row = tuple[str, float | None, float | None, float | None]


def intervals(rows: Sequence[Row], *, log: bool, title: str, note: str, label: str = "") -> str:
    """A dot and a line from low to high for each row.

    Args:
        rows: (label, value, low, high); None = undefined, shown as "–".
        log: logarithmic axis; a bound of 0 is drawn to the edge, a value of 0 as the bound alone.
        title: what it shows.
        note: data set, numbers and which interval.
        label: of the axis.
    """
    left = min(0.42 * WIDTH, 16 + 6.4 * max((len(name) for name, *_ in rows), default=0))
    with canvas(title, note, height=62 + 21.0 * max(len(rows), 1), left=left) as drawn:
        axes = drawn.axes
        low, high = _limits(rows, log)
        if log:
            axes.set_xscale("log")
        axes.set_xlim(low, high)
        if log:
            log_rates(axes.xaxis, low, high)
        for y, (_, value, least, most) in enumerate(rows):
            if least is not None and most is not None:
                axes.plot([max(least, low), most], [y, y], color=SERIES[0], lw=1.6, solid_capstyle="butt")
            if value is None:
                axes.text(0.01, y, "–", va="center", color=SOFT, transform=axes.get_yaxis_transform())
            elif value > 0 or not log:
                axes.plot([value], [y], "o", ms=5.5, mew=0, color=SERIES[0])
        axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(label)
    return drawn.svg


def _limits(rows: Sequence[Row], log: bool) -> tuple[float, float]:
    values = [v for _, *row in rows for v in row if v is not None and (v > 0 or not log)]
    if not values:
        return (1e-3, 1.0) if log else (0.0, 1.0)
    low, high = min(values), max(values)
    if log:
        return low / 1.5, high * 1.5
    room = 0.06 * (high - low) or 0.05
    return low - room, high + room
