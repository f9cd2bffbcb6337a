"""The paper that every figure is drawn on: size, type, axes, legend. Matplotlib's global state stays as it was."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mien.evaluate.plots.svg import GRID, INK, SERIES, SOFT, page_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 360.0
"""Units of a figure's width: what a phone shows at full size, so that letters of 11 units can be read there."""
_LEFT, _RIGHT, _TOP, _BOTTOM, _LINE = 60.0, 12.0, 10.0, 42.0, 17.0
_HANDLE, _LETTER = 46.0, 6.0  # of an entry of the legend
_DASHES: tuple[Any, ...] = ("solid", (0, (6, 2)), (0, (2, 1.2)), (0, (8, 2, 2, 2)), (0, (5, 1.5, 1, 1.5)), (0, (1, 1)))
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "mien",
    "font.size": 11.0,
    "axes.labelsize": 11.0,
    "xtick.labelsize": 10.5,
    "ytick.labelsize": 10.5,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.useoffset": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.8,
}


@dataclass(slots=True)
class Canvas:
    """One figure while it is drawn; `svg` is there once the drawing has ended."""

    axes: Axes
    svg: str = ""


@contextmanager
def canvas(
    title: str, note: str, *, series: Sequence[str] = (), height: float = 270.0, left: float = _LEFT
) -> Iterator[Canvas]:
    """A figure to draw on.

    Args:
        title: what it shows.
        note: data set, numbers and interval.
        series: names of the curves, for the legend above the axes; one curve needs none.
        height: units of the figure without the legend.
        left: units to the left of the axes.
    """
    with style.context(["default", _STYLE]):
        names = list(series) if len(series) > 1 else []
        columns = _columns(names)
        rows = -(-len(names) // columns) if names else 0
        total = height + rows * _LINE
        figure = Figure(figsize=(WIDTH / 72, total / 72), frameon=False)
        top = (total - _TOP - rows * _LINE) / total
        axes = figure.add_axes(
            (left / WIDTH, _BOTTOM / total, (WIDTH - left - _RIGHT) / WIDTH, top - _BOTTOM / total), facecolor="none"
        )
        drawn = Canvas(axes)
        yield drawn
        if names:
            handles = [Line2D([], [], **line(number)) for number in range(len(names))]
            figure.legend(
                handles,
                names,
                loc="upper left",
                bbox_to_anchor=(left / WIDTH, 1.0),
                ncols=columns,
                frameon=False,
                handlelength=2.6,
                borderpad=0,
                borderaxespad=0.2,
                columnspacing=1.4,
                labelspacing=0.35,
            )
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    drawn.svg = page_svg(text.getvalue(), title, note)


def line(number: int) -> dict[str, Any]:
    """Colour and dash of a curve; they differ in both, and 36 of them in one of the two."""
    return {"color": SERIES[number % 6], "linestyle": _DASHES[(number + number // 6) % 6]}


def _columns(names: Sequence[str]) -> int:
    """As many as fit beside each other; a legend fills its columns from the left, top to bottom."""
    for columns in range(min(4, len(names)), 1, -1):
        rows = -(-len(names) // columns)
        widest = [max(map(len, names[i : i + rows])) for i in range(0, len(names), rows)]
        if sum(_HANDLE + _LETTER * letters for letters in widest) <= WIDTH - _LEFT:
            return columns
    return 1
