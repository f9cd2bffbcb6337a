"""Pixels to bytes, and the small pictures that pages show. Nothing of the original file's metadata can be in them."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import simplejpeg
from PIL import Image as Pil

from mien.errors import UsageError
from mien.types.arrays import Pixels


def encode_jpeg(pixels: Pixels, quality: int = 90) -> bytes:
    """A JPEG of (h, w, 3) uint8 RGB; quality 1 to 100, colour at half resolution below 90."""
    _check_quality(quality)
    sampling = "444" if quality >= 90 else "420"
    encoded: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality, colorsubsampling=sampling)
    return encoded


def encode_webp(pixels: Pixels, quality: int = 80) -> bytes:
    """A WebP of (h, w, 3) uint8 RGB; about two thirds of the JPEG's bytes, ten times its time."""
    _check_quality(quality)
    out = BytesIO()
    Pil.fromarray(pixels).save(out, "WEBP", quality=quality)
    return out.getvalue()


def thumbnail(
    pixels: Pixels, box: tuple[float, float, float, float], *, size: int = 96, margin: float = 0.25
) -> Pixels:
    """A square around a face.

    The square is moved, and only then made smaller, to stay in the picture: nothing is padded or distorted.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        box: x0 y0 x1 y1 of the face in these pixels; may pass the border.
        size: side of the result in pixels.
        margin: share of the longer side of the box that is added on each side.

    Returns:
        (size, size, 3) uint8 RGB.
    """
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = box
    if not (x1 > x0 and y1 > y0 and size > 0):
        raise UsageError(f"a thumbnail needs a box with an area and a size above 0, got {box} and {size}")
    side = int(min(max(x1 - x0, y1 - y0) * (1 + 2 * margin) + 0.5, width, height)) or 1
    left = int(np.clip((x0 + x1 - side) / 2, 0, width - side))
    top = int(np.clip((y0 + y1 - side) / 2, 0, height - side))
    return _resized(pixels[top : top + side, left : left + side], (size, size))


def preview(pixels: Pixels, side: int) -> Pixels:
    """The whole picture with its long side at most `side` pixels; a smaller one as it is."""
    height, width = pixels.shape[:2]
    factor = side / max(width, height)
    if factor >= 1:
        return pixels
    return _resized(pixels, (max(1, round(width * factor)), max(1, round(height * factor))))


def _resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    picture = Pil.fromarray(np.ascontiguousarray(pixels))
    # Averaging whole blocks down to twice the size first is several times faster and looks the same.
    return np.array(picture.resize(size, Pil.Resampling.LANCZOS, reducing_gap=2.0))


def _check_quality(quality: int) -> None:
    if not 1 <= quality <= 100:
        raise UsageError(f"quality must be 1 to 100, got {quality}")
