"""Faces as an up-convolution leaves them: stand-ins for made ones.

No generator is run here. A generative network ends in layers that double the resolution, and it is these that leave
replicas of the low frequencies near the highest ones (Durall et al., CVPR 2020, arXiv:2003.01826). Both kinds put a
photograph through such layers; they carry that trace and no other error of a generator. What is measured on them says
how well the trace is seen, not how well any generator's pictures are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np

from mien.manipulation.autoencoder import Autoencoder
from mien.types.arrays import FloatArray, Pixels

Maker: TypeAlias = "Callable[[Pixels, np.random.Generator], Pixels]"
"""A photograph (h, w, 3) uint8, sides divisible by 4, to a made one of the same size."""

BILINEAR = np.outer([1.0, 3.0, 3.0, 1.0], [1.0, 3.0, 3.0, 1.0]) / 16
"""The transposed convolution of stride 2 that leaves no trace but a faint one; training hardly ever finds it."""

UNEVEN = 0.02
"""Standard deviation of a kernel's weights about it, as a share: hardly to be seen, well to be measured."""


def zero_insert(values: FloatArray) -> FloatArray:
    """(h, w, c) to (2 h, 2 w, c): each value, and zeros between; its spectrum is the old one four times over."""
    wide = np.zeros((2 * values.shape[0], 2 * values.shape[1], values.shape[2]), np.float32)
    wide[::2, ::2] = values
    return wide


def up_convolve(values: FloatArray, kernel: FloatArray) -> FloatArray:
    """A transposed convolution of stride 2.

    Args:
        values: (h, w, c) float32.
        kernel: (4, 4); its sum is 4 where brightness stays.

    Returns:
        (2 h, 2 w, c) float32.
    """
    turned, wide = kernel[::-1, ::-1], zero_insert(values)
    filtered = cv2.filter2D(wide, -1, turned, anchor=(2, 2), borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(filtered, np.float32).reshape(2 * values.shape[0], 2 * values.shape[1], -1)


def up_convolved(pixels: Pixels, chance: np.random.Generator) -> Pixels:
    """Shrunk to a quarter and brought back by two transposed convolutions with uneven kernels, high detail added.

    Half of what shrinking lost is added again from the photograph, or blur alone would give the picture away.
    """
    small = cv2.resize(pixels, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA).astype(np.float32)
    large = small
    for _ in range(2):
        kernel = BILINEAR * (1 + UNEVEN * chance.standard_normal((4, 4)))
        large = up_convolve(large, np.asarray(4 * kernel / kernel.sum(), np.float32))
    smooth = cv2.resize(small, (pixels.shape[1], pixels.shape[0]), interpolation=cv2.INTER_LINEAR)
    detail = pixels.astype(np.float32) - smooth
    return np.asarray(np.clip(np.rint(large + 0.5 * detail), 0, 255), np.uint8)


def makers(autoencoder: Autoencoder) -> dict[str, Maker]:
    """By name: ``upconv``, and ``autoencoder``: the photograph as that network gives it back, stride 4."""

    def coded(pixels: Pixels, _chance: np.random.Generator) -> Pixels:
        return autoencoder.give_back(pixels)

    return {"upconv": up_convolved, "autoencoder": coded}
