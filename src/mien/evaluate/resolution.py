"""Pictures seen at another resolution; their coordinates stay those of the full picture."""

from __future__ import annotations

import cv2
import numpy as np

from mien.types.image import Image


def seen(image: Image, *, reduce: int | None = None, enlarge: int = 0) -> Image:
    """Reduced to a long side, then enlarged to one; None and 0 leave it."""
    image = image if reduce is None else reduced(image, reduce)
    return enlarged(image, enlarge) if enlarge else image


def reduced(image: Image, side: int) -> Image:
    """Its long side at most `side` pixels: what a smaller picture of the same scene would show."""
    return _resized(image, min(1.0, side / max(image.size)), cv2.INTER_AREA)


def enlarged(image: Image, side: int) -> Image:
    """Its long side at least `side` pixels; nothing is added but room between the pixels."""
    return _resized(image, max(1.0, side / max(image.size)), cv2.INTER_CUBIC)


def _resized(image: Image, factor: float, method: int) -> Image:
    if factor == 1:
        return image
    width, height = (max(1, round(side * factor)) for side in image.size)
    pixels = cv2.resize(image.pixels, (width, height), interpolation=method)
    return Image(np.asarray(pixels, np.uint8), image.full_size, image.source)
