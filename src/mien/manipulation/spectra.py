"""The strength of a picture's detail by its fineness."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from mien.types.arrays import FloatArray, Pixels

BINS = 80
"""Radii from the mean (left out) to the finest detail that rows and columns can hold."""


def azimuthal(luminance: FloatArray, bins: int = BINS) -> FloatArray:
    """Logarithm of the power spectrum, averaged around each ring (Durall, Keuper & Keuper, CVPR 2020).

    The picture is brought to fall off at its border by a Hann window, or the step from one side to the other would
    be taken for detail. Radii are shares of half the sampling rate, so pictures of any size give the same rings.

    Args:
        luminance: (h, w) float32.
        bins: radii at which the profile is told, evenly up to 1; at least 2 pixels a side are needed.

    Returns:
        (bins,) float32, natural logarithm, less the first: a change of contrast changes nothing.
    """
    height, width = luminance.shape
    window, ring, counts = _rings(height, width)
    power = np.abs(np.fft.rfft2((luminance - luminance.mean()) * window)) ** 2
    mean = np.bincount(ring, power.ravel(), len(counts) + 1)[: len(counts)] / counts
    radii = np.arange(1, len(counts) + 1) / len(counts)
    profile = np.interp(np.arange(1, bins + 1) / bins, radii, np.log(mean + 1e-3))
    return np.asarray(profile - profile[0], np.float32)


def luminance(pixels: Pixels) -> FloatArray:
    """(h, w) float32 of (h, w, 3) uint8 RGB: 0.299 R + 0.587 G + 0.114 B."""
    grey: FloatArray = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return grey


@cache
def _rings(height: int, width: int) -> tuple[FloatArray, NDArray[np.int64], NDArray[np.float64]]:
    """Window, ring of each coefficient (the last: none), and coefficients of each ring; one ring a wave."""
    window = np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)
    y, x = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    count = min(height, width) // 2
    ring = np.rint(np.hypot(y, x) * min(height, width)).astype(np.int64) - 1
    ring[(ring < 0) | (ring >= count)] = count
    return window, ring.ravel(), np.bincount(ring.ravel(), minlength=count + 1)[:count].astype(np.float64)
