"""Figures of reports, as SVG text: each says what it shows, on how many comparisons, and where the counts end."""

from mien.evaluate.plots.curves import cmc, cumulative_errors, precision_recall
from mien.evaluate.plots.edc import edc
from mien.evaluate.plots.histogram import histogram
from mien.evaluate.plots.intervals import intervals
from mien.evaluate.plots.reliability import reliability
from mien.evaluate.plots.tradeoff import det, fpir_fnir, roc

__all__ = [
    "cmc",
    "cumulative_errors",
    "det",
    "edc",
    "fpir_fnir",
    "histogram",
    "intervals",
    "precision_recall",
    "reliability",
    "roc",
]
