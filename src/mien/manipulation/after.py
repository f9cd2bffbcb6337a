"""What happens to a picture on its way to the one who must judge it: compression, or print and scan."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np

from mien.image.encode import encode_jpeg
from mien.types.arrays import FloatArray, Pixels

After: TypeAlias = "Callable[[Pixels, np.random.Generator], bytes]"
"""From pixels to the JPEG file that is handed in; chance is drawn from the generator alone."""


def _jpeg(quality: int) -> After:
    def encode(pixels: Pixels, _chance: np.random.Generator) -> bytes:
        return encode_jpeg(pixels, quality)

    return encode


def print_scan(pixels: Pixels, chance: np.random.Generator) -> Pixels:
    """A look of having been printed and scanned: not a model of any printer or scanner.

    The optics of both blur, ink spreads the tones (a power, and a narrower range), colours shift a little, paper and
    sensor add noise of which a part is coarse, and the scan is not quite straight.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        chance: all that differs from print to print.
    """
    height, width = pixels.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(chance.uniform(-0.6, 0.6)), 1.0)
    values = cv2.warpAffine(pixels, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    light = cv2.GaussianBlur(values.astype(np.float32) / 255, (0, 0), float(chance.uniform(0.6, 1.0)))
    light = light ** float(chance.uniform(0.9, 1.15)) * float(chance.uniform(0.86, 0.93)) + 0.04
    light *= chance.uniform(0.97, 1.03, 3).astype(np.float32)
    grain = _noise((height, width), chance) + cv2.resize(
        _noise((-(-height // 3), -(-width // 3)), chance), (width, height), interpolation=cv2.INTER_LINEAR
    )
    return np.asarray(np.clip(np.rint((light + 0.008 * grain[..., None]) * 255), 0, 255), np.uint8)


def _noise(shape: tuple[int, int], chance: np.random.Generator) -> FloatArray:
    noise: FloatArray = chance.standard_normal(shape, dtype=np.float32)
    return noise


def _scanned(pixels: Pixels, chance: np.random.Generator) -> bytes:
    return encode_jpeg(print_scan(pixels, chance), 90)


AFTER: dict[str, After] = {"q95": _jpeg(95), "q75": _jpeg(75), "print-scan": _scanned}
"""By name: JPEG of quality 95 or 75, or printed, scanned and saved at 90."""
