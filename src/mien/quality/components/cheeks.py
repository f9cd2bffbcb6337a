"""What the two cheeks tell: whether the light comes from one side, and whether skin has the colour of skin."""

from __future__ import annotations

from math import hypot, nan

import cv2
import numpy as np

from mien.quality.components import component
from mien.quality.conversion import bounded, falling
from mien.quality.portrait import F8, Portrait, linear, shares

_TO_XYZ = np.array([[0.43605, 0.38508, 0.14309], [0.22249, 0.71689, 0.06062], [0.01393, 0.09710, 0.71419]])
_WHITE = np.array([0.964221, 1.0, 0.825211])
"""Linear sRGB to XYZ of the white point D50, and that white."""
_SMALL, _SLOPE = 216 / 24389, 24389 / 27
"""Where CIELAB turns from a cube root into a line, and the line's slope."""
A_RANGE, B_RANGE = (5.0, 25.0), (5.0, 35.0)
"""CIELAB a and b that OFIQ takes for natural skin, of all people."""
FAR = 100.0
"""Native value of colours that are green or blue."""


def quality_of_overlap(share: float) -> float:
    """OFIQ: 100 times share to the power of 0.3."""
    return bounded(100 * share**0.3)


@component("illumination_uniformity", quality_of_overlap, advice="turn to the light, so that both cheeks are lit alike")
def illumination_uniformity(portrait: Portrait) -> float:
    """Overlap of the luminance histograms of both cheeks; what of a cheek lies outside the hull counts as black."""
    skin = portrait.skin
    left, right = (skin.luminance[cheek] * skin.inside[cheek] for cheek in skin.cheeks)
    if not left.size or not right.size:
        return nan
    return float(np.minimum(shares(left), shares(right)).sum())


@component("natural_colour", falling(0.0, 10.0, 200.0), advice="neutral light and white balance, no colour filter")
def natural_colour(portrait: Portrait) -> float:
    """Distance of the cheeks' mean colour from natural skin, in CIELAB a and b; 100 for green or blue."""
    skin = portrait.skin
    parts = [(skin.pixels[cheek] * skin.inside[cheek][..., None]).reshape(-1, 3) for cheek in skin.cheeks]
    pixels = np.concatenate(parts)
    if not len(pixels):
        return FAR
    a, b = lab(np.array(cv2.mean(pixels.reshape(-1, 1, 3))[:3]))
    if a < 0 or b < 0:
        return FAR
    return hypot(_outside(a, A_RANGE), _outside(b, B_RANGE))


def lab(colour: F8) -> tuple[float, float]:
    """CIELAB a and b, of the white point D50, of (3,) sRGB in 0..255."""
    share = _TO_XYZ @ linear(colour / 255) / _WHITE
    x, y, z = np.where(share <= _SMALL, (_SLOPE * share + 16) / 116, np.cbrt(share))
    return float(500 * (x - y)), float(200 * (y - z))


def _outside(value: float, limits: tuple[float, float]) -> float:
    low, high = limits
    return max(0.0, low - value, value - high)
