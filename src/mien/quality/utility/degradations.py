"""Photographs made worse on purpose, by seed: what poor quality is, where its kind and strength must be known.

Strengths are drawn in distances between the eyes, so a large face loses as much as a small one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import cv2
import numpy as np

from mien.image import Limits, encode_jpeg, open_photo
from mien.types.arrays import AnyArray, Crops, Pixels

GAMMA: Final = 2.2
_LINEAR: Final = ((np.arange(256) / 255) ** GAMMA).astype(np.float32)
LOST_SIDES: Final = (4, 7)
"""Pixels a side that are left of an aligned face, both included: about one between the eyes."""


def blur(pixels: Pixels, eyes_px: float, random: np.random.Generator) -> Pixels:
    """Gaussian blur, sigma 0.04 to 0.12 distances between the eyes."""
    return _pixels(cv2.GaussianBlur(pixels, (0, 0), eyes_px * random.uniform(0.04, 0.12)))


def dark(pixels: Pixels, eyes_px: float, random: np.random.Generator) -> Pixels:
    """1/8 to 1/60 of the light, with the noise of a sensor at 250 electrons in white, brightened again."""
    light = np.float32(10 ** -random.uniform(0.9, 1.8)) * _LINEAR[pixels]
    noise = random.standard_normal(light.shape, np.float32) * np.sqrt(250 * light + 1)  # of photons and of reading
    seen = light + noise / 250
    top = max(float(np.percentile(seen[::4, ::4], 99)), 1e-6)
    return _pixels(np.clip(seen / top, 0, 1) ** (1 / GAMMA) * 255)


def lowres(pixels: Pixels, eyes_px: float, random: np.random.Generator) -> Pixels:
    """So small that 5 to 12 pixels lie between the eyes, and enlarged again."""
    return _enlarged(_reduced(pixels, eyes_px, random.uniform(5, 12)), pixels)


def jpeg(pixels: Pixels, eyes_px: float, random: np.random.Generator) -> Pixels:
    """20 pixels between the eyes, saved as a JPEG of quality 4 to 15, and enlarged again."""
    small = encode_jpeg(_reduced(pixels, eyes_px, 20), int(random.integers(4, 16)))
    return _enlarged(open_photo(small, limits=Limits(min_side=1)).decode().pixels, pixels)


Degradation = Callable[[Pixels, float, np.random.Generator], Pixels]

degradations: Final[Mapping[str, Degradation]] = {"blur": blur, "dark": dark, "lowres": lowres, "jpeg": jpeg}
"""By name: (h, w, 3) uint8 RGB pixels, pixels between the eyes, and what draws the strength."""


def unrecognisable(crops: Crops, seed: int = 0) -> Crops:
    """Aligned faces reduced to `LOST_SIDES` pixels a side and enlarged: nothing but a blob of a face is left.

    Args:
        crops: (n, 112, 112, 3) uint8.
        seed: of the sides.
    """
    sides = np.random.default_rng(seed).integers(LOST_SIDES[0], LOST_SIDES[1] + 1, len(crops)).tolist()
    lost = [
        cv2.resize(cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA), crop.shape[1::-1])
        for crop, side in zip(crops, sides, strict=True)
    ]
    return np.stack(lost).astype(np.uint8)


def _reduced(pixels: Pixels, eyes_px: float, wanted_px: float) -> Pixels:
    share = min(1.0, wanted_px / eyes_px)
    size = tuple(max(16, round(side * share)) for side in pixels.shape[1::-1])
    return _pixels(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def _enlarged(small: Pixels, like: Pixels) -> Pixels:
    return _pixels(cv2.resize(small, like.shape[1::-1], interpolation=cv2.INTER_LINEAR))


def _pixels(values: AnyArray | object) -> Pixels:
    return np.ascontiguousarray(np.asarray(values), np.uint8)
