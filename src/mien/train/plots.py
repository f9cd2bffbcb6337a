"""Curves of a run that has ended: how loss and accuracy moved, and the ROC of the last network."""

from __future__ import annotations

from pathlib import Path

from matplotlib.ticker import MaxNLocator

from mien.evaluate.metrics.verification import det_points
from mien.evaluate.plots import roc
from mien.evaluate.plots.canvas import canvas, line
from mien.train.logs import column, read_metrics
from mien.train.validate import Validation


def draw(folder: Path, last: Validation | None) -> list[Path]:
    """Write ``loss.svg``, and where there was a validation ``accuracy.svg`` and ``roc.svg``; gives their paths."""
    rows = read_metrics(folder)
    figures = {"loss.svg": _over_steps(rows, "loss", "Loss", "Mean over the steps between two rows of the log.")}
    if last is not None:
        note = f"{last.measurement.scores.meta['data']}: {last.accuracy}."
        figures["accuracy.svg"] = _over_steps(rows, "accuracy", "Verification accuracy", note)
        scores = last.measurement.scores
        trials = {scores.name: (int(last.measurement.curve.nonmated_total), int(last.measurement.curve.mated_total))}
        curve = {scores.name: det_points(last.measurement.curve)[1:]}
        figures["roc.svg"] = roc(curve, title="True accept rate", note=note, trials=trials)
    for name, svg in figures.items():
        (folder / name).write_text(svg, "utf-8")
    return [folder / name for name in figures]


def _over_steps(rows: list[dict[str, str]], key: str, label: str, note: str) -> str:
    steps, values = column(rows, key)
    with canvas(f"{label} while learning", note) as drawn:
        drawn.axes.plot(steps, values, **line(0))
        drawn.axes.set(xlabel="Step", ylabel=label)
        drawn.axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return drawn.svg
