"""Figures of reports, as SVG text: each says what it shows, on how many comparisons, and where the counts end."""

from mien.evaluate.plots.curves import cmc, det, fpir_fnir, precision_recall, roc
from mien.evaluate.plots.histogram import histogram
from mien.evaluate.plots.intervals import intervals
from mien.evaluate.plots.reliability import reliability

__all__ = ["cmc", "det", "fpir_fnir", "histogram", "intervals", "precision_recall", "reliability", "roc"]
