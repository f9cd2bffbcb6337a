"""Trade-offs of two error rates: DET, ROC, open-set identification.

Error axes are logarithmic on both sides, as NIST draws them in FRTE since errors of interest span decades; the probit
axes of Martin et al. 1997 ("The DET curve in assessment of detection task performance") suit error rates above 1 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from mien.evaluate.plots.axis import log_rates
from mien.evaluate.plots.canvas import canvas
from mien.evaluate.plots.supported import Supported

Curves = Mapping[str, tuple[ArrayLike, ArrayLike]]
Trials = Mapping[str, tuple[int, int]]


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
    data = _read(curves, trials)
    low = _lowest(curve.end[0] for curve in data.values())
    with canvas(title, _stated(note, data, both=False), series=list(curves)) as drawn:
        axes = drawn.axes
        axes.set(xscale="log", xlim=(low, 1), xlabel="False match rate (FMR)", ylabel="True accept rate (1 − FNMR)")
        for number, curve in enumerate(data.values()):
            curve.draw(axes, number, lambda y: 1 - y, both=False)
        axes.set_ylim(top=1.0)
        axes.yaxis.set_major_locator(MaxNLocator(6))
        log_rates(axes.xaxis, low, 1)
    return drawn.svg


def _errors(curves: Curves, title: str, note: str, trials: Trials | None, labels: tuple[str, str]) -> str:
    data = _read(curves, trials)
    low_x = _lowest(curve.end[0] for curve in data.values())
    low_y = _lowest(curve.end[1] for curve in data.values())
    with canvas(title, _stated(note, data, both=True), series=list(curves), height=300) as drawn:
        axes = drawn.axes
        axes.set(xscale="log", yscale="log", xlim=(low_x, 1), xlabel=labels[0], ylabel=labels[1])
        for number, curve in enumerate(data.values()):
            curve.draw(axes, number, lambda y: y, both=True)
        high_y = _top([curve.highest for curve in data.values()], low_y)
        axes.set_ylim(low_y, high_y)
        log_rates(axes.xaxis, low_x, 1)
        log_rates(axes.yaxis, low_y, high_y)
    return drawn.svg


def _read(curves: Curves, trials: Trials | None) -> dict[str, Supported]:
    return {name: Supported(*pair, (trials or {}).get(name)) for name, pair in curves.items()}


def _lowest(ends: Iterable[float]) -> float:
    """Where an axis starts: at one error in N, and a decade below 1 at the least."""
    return min((*ends, 0.1))


def _top(highest: Sequence[float], low: float) -> float:
    """Where an axis ends: at the next of 1, 2 and 5 above the curves, and a decade above its start at the least."""
    needed = min(1.0, max((*highest, 10 * low)))
    return min((step * 10.0**-d for d in range(9) for step in (1, 2, 5) if needed <= step * 10.0**-d <= 1), default=1.0)


def _stated(note: str, data: Mapping[str, Supported], *, both: bool) -> str:
    """The note, and what the counts do not support."""
    parts = [note]
    if any(curve.doubtful(both=both) for curve in data.values()):
        parts.append("Dotted: rates below 3/N, of fewer than three errors.")
    if empty := [name for name, curve in data.items() if curve.empty(both=both)]:
        parts.append(
            f"No line for {', '.join(empty)}: no threshold has {'errors of both kinds' if both else 'a false match'}."
        )
    return " ".join(part for part in parts if part)
