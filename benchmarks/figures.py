"""Figures that stand on their own: an SVG file that is readable on light and on dark paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_STYLE = """<style>
:root { color: #1c1b19; --s0: #0067a5; --s1: #b84a00; --s2: #00795a; --s3: #a2408f; --s4: #846500; --s5: #555b66; }
@media (prefers-color-scheme: dark) {
  :root { color: #eeece6; --s0: #64b8f0; --s1: #ff9d62; --s2: #48cfa6; --s3: #ef9cd7; --s4: #dfbd4a; --s5: #b9bfca; }
}
.soft { opacity: .6; } .grid { opacity: .14; }
.k0 { stroke: var(--s0); } .k1 { stroke: var(--s1); } .k2 { stroke: var(--s2); }
.k3 { stroke: var(--s3); } .k4 { stroke: var(--s4); } .k5 { stroke: var(--s5); }
.f0 { fill: var(--s0); } .f1 { fill: var(--s1); } .f2 { fill: var(--s2); }
.f3 { fill: var(--s3); } .f4 { fill: var(--s4); } .f5 { fill: var(--s5); }
</style>"""


def on_its_own(svg: str) -> str:
    """A report's figure (`mien.evaluate.plots`) as a file: with the colours that a report's page would give it."""
    end = svg.index(">") + 1
    return f"{svg[:end]}{_STYLE}{svg[end:]}\n"


def scaling(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, title: str, note: str, label: str) -> str:
    """Seconds over work, both logarithmic, a curve a name, as a report's figure.

    Args:
        curves: by name, (work, seconds).
        title: what it shows.
        note: machine and date.
        label: what the work is.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    from mien.evaluate.plots.canvas import canvas, line

    with canvas(title, note, series=list(curves), height=300) as drawn:
        axes = drawn.axes
        for number, (work, seconds) in enumerate(curves.values()):
            axes.plot(work, seconds, **line(number), marker="o", markersize=3)
        axes.set(xscale="log", yscale="log", xlabel=label, ylabel="time")
        for axis, text in ((axes.xaxis, count_text), (axes.yaxis, time_text)):
            axis.set_major_locator(LogLocator(10, numticks=12))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(FuncFormatter(lambda value, _, text=text: text(value)))
    return drawn.svg


def three(value: float) -> str:
    """Three digits that count, never as a power of ten: 0.123, 12.3, 1,230."""
    return f"{float(f'{value:.3g}'):,.6g}"


def count_text(value: float) -> str:
    """1, 100, 10k, 1M."""
    for factor, unit in ((1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:g}{unit}"
    return f"{value:g}"


def time_text(seconds: float) -> str:
    """10 µs, 1 ms, 100 s."""
    for factor, unit in ((1.0, "s"), (1e3, "ms")):
        if seconds * factor > 0.99:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"
