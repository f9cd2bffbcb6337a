"""Light on the face: exposure, dynamic range, mean and variance of the luminance.

All look at the luminance histogram inside the hull of the landmarks. OFIQ leaves what a segmentation network takes for
covered out of the exposure measures; here the whole hull counts.
"""

from __future__ import annotations

from math import pi, sin
from typing import Final

import numpy as np

from mien.quality.components import component
from mien.quality.conversion import Sigmoid, bounded, logistic
from mien.quality.portrait import Portrait

DARK: Final = 25
"""Highest luminance that counts as too dark, of 255."""
BRIGHT: Final = 247
"""Lowest that counts as blown out."""


def quality_of_bright(share: float) -> float:
    """OFIQ: 1 / (share + 0.01)."""
    return bounded(1 / (share + 0.01))


def quality_of_entropy(bits: float) -> float:
    """OFIQ: 12.5 a bit, so that 8 bits are 100."""
    return bounded(12.5 * bits)


def quality_of_mean(mean: float) -> float:
    """OFIQ: high between 0.2 and 0.8."""
    return bounded(100 * logistic((mean - 0.2) / 0.05) * (1 - logistic((mean - 0.8) / 0.05)))


def quality_of_variance(variance: float) -> float:
    """OFIQ: a sine over 60 v / (60 v + 1), highest at 1/60."""
    return bounded(100 * sin(60 * variance / (60 * variance + 1) * pi))


@component("under_exposure_prevention", Sigmoid(0.92, 0.05, 120.0, 0.832, -1.0), advice="more light on the face")
def under_exposure(portrait: Portrait) -> float:
    """Share of pixels that are nearly black."""
    return float(portrait.skin.histogram[: DARK + 1].sum())


@component("over_exposure_prevention", quality_of_bright, advice="less light on the face, or a shorter exposure")
def over_exposure(portrait: Portrait) -> float:
    """Share of pixels that are nearly white."""
    return float(portrait.skin.histogram[BRIGHT:].sum())


@component("dynamic_range", quality_of_entropy, unit="bits", advice="softer light, neither flat nor harsh")
def dynamic_range(portrait: Portrait) -> float:
    """Entropy of the luminance."""
    histogram = portrait.skin.histogram
    filled = histogram[histogram != 0]
    return float(-(filled * np.log2(filled)).sum())


@component("luminance_mean", quality_of_mean, advice="even light on the face, neither dark nor glaring")
def luminance_mean(portrait: Portrait) -> float:
    """Mean luminance of 0..1."""
    return float(portrait.skin.histogram @ np.arange(256)) / 255


@component("luminance_variance", quality_of_variance, advice="softer light, neither flat nor harsh")
def luminance_variance(portrait: Portrait) -> float:
    """Variance of the luminance of 0..1."""
    levels, histogram = np.arange(256) / 255, portrait.skin.histogram
    return float(histogram @ (levels - histogram @ levels) ** 2)
