"""What in a picture of a face speaks for a print, a screen or a cut-out: a few cheap numbers, each with a name.

A raster is looked for in pixels as they are: resizing would move or wipe it out. It shows as peaks of a whitened
spectrum; other cues are reflections, fine detail and colours, as in Patel, Han & Jain 2016 ("Secure face unlock: spoof
detection on smartphones") and Wen, Han & Jain 2015 ("Face spoof detection with image distortion analysis").
"""

from __future__ import annotations

from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.types.arrays import AnyArray, FloatArray, Pixels

F8 = NDArray[np.float64]

CUES: Final = {
    "raster": "a regular raster in brightness, as of halftone dots or a screen's pixels",
    "colour-raster": "a regular raster or moiré in colour",
    "detail": "share of the finest detail",
    "grain": "roughness of the skin",
    "eyes": "eyes more finely drawn than the cheeks, as through holes in a sheet",
    "glare": "white reflections on the face",
    "lines": "long straight edges about the face, as of a sheet or a bezel",
    "black": "how light the darkest parts are",
    "white": "how light the brightest parts are",
    "saturation": "strength of the skin's colour",
    "gamut": "spread of the colours of the face",
    "cast": "bluish (positive) or yellowish light on what is bright",
}
"""Names of the numbers, in their order, and what each looks for."""

WINDOW: Final = 64
"""Pixels of a side in which a spectrum is taken; smaller faces are enlarged to it."""
WINDOWS: Final = 5
"""Windows across a face and down it."""
AROUND: Final = 2.2
"""Sides of the surroundings in sides of the box."""
SMALL: Final = 96
"""Pixels of a side of the reduced surroundings."""
BLOWN: Final = 210
"""Of the darkest of the three channels, from which skin is taken for a reflection."""
SLOPES: Final = tuple(np.linspace(-0.25, 0.25, 11).tolist())
"""Pixels across for one along, of the edges that are looked for: up to 14 degrees."""


def cues(pixels: Pixels, box: AnyArray, points: AnyArray) -> FloatArray:
    """The numbers of one face.

    Args:
        pixels: (h, w, 3) uint8 RGB, the whole picture.
        box: (4,) x0 y0 x1 y1 in its pixels; may pass its border.
        points: (5, 2) eyes, nose tip and mouth corners, as `Faces.points`.

    Returns:
        (k,) float32 in the order of `CUES`; finite.
    """
    face, places = _face(pixels, box, points)
    luma, blue, red = _planes(face)
    around, inner = _around(pixels, box)
    small, small_blue, small_red = _planes(around)
    spectrum = _spectrum(luma)
    chroma = np.maximum(_whitened(_spectrum(blue)), _whitened(_spectrum(red)))
    bright = small >= np.percentile(small, 90)
    values = (
        np.log10(_whitened(spectrum)[_band(8, 8)].max()),
        np.log10(chroma[_band(3, 4)].max()),
        _share(spectrum),
        np.log10(_roughness(luma) + 0.1),
        _eyes(luma, places),
        np.log10(float(((around.min(axis=2) > BLOWN) & inner).sum()) / inner.sum() + 1e-3),
        _lines(small, inner),
        np.percentile(small, 1) / 255,
        np.percentile(small, 99) / 255,
        np.log10(float(np.hypot(blue.mean(), red.mean())) + 1),
        np.log10(float(np.hypot(blue.std(), red.std())) + 0.1),
        float((small_blue - small_red)[bright].mean()) / 20,
    )
    return np.array(values, np.float32)


def _face(pixels: Pixels, box: AnyArray, points: AnyArray) -> tuple[Pixels, F8]:
    """The box as it stands in the picture, enlarged where it is smaller than a window, and the points in it."""
    height, width = pixels.shape[:2]
    low = np.clip(np.floor(box[:2]), 0, (width - 2, height - 2)).astype(int)
    high = np.clip(np.ceil(box[2:]), low + 2, (width, height)).astype(int)
    part: AnyArray = pixels[low[1] : high[1], low[0] : high[0]]
    factor = max(1.0, WINDOW / min(part.shape[:2]))
    if factor > 1:
        size = tuple(int(np.ceil(side * factor)) for side in part.shape[1::-1])
        part = cv2.resize(part, size, interpolation=cv2.INTER_LINEAR)
    return part, (points.astype(np.float64) - low) * factor


def _around(pixels: Pixels, box: AnyArray) -> tuple[Pixels, NDArray[np.bool_]]:
    """The surroundings reduced to `SMALL`, and which of their pixels the box covers."""
    height, width = pixels.shape[:2]
    middle, side = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]).max() * AROUND
    low = np.clip(np.floor(middle - side / 2), 0, (width - 2, height - 2)).astype(int)
    high = np.clip(np.ceil(middle + side / 2), low + 2, (width, height)).astype(int)
    part = pixels[low[1] : high[1], low[0] : high[0]]
    shrinks = min(part.shape[:2]) >= SMALL
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    inner = np.zeros((SMALL, SMALL), np.bool_)
    start, end = ((np.clip(edge, low, high) - low) / (high - low) * SMALL for edge in (box[:2], box[2:]))
    inner[int(start[1]) : int(np.ceil(end[1])) + 1, int(start[0]) : int(np.ceil(end[0])) + 1] = True
    reduced: AnyArray = cv2.resize(part, (SMALL, SMALL), interpolation=method)
    return reduced, inner


def _planes(pixels: Pixels) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Brightness 0..255, and the differences B - Y and R - Y scaled as in JPEG (ITU-T T.871)."""
    red, green, blue = (pixels[..., i].astype(np.float32) for i in range(3))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return luma, 0.564 * (blue - luma), 0.713 * (red - luma)


def _spectrum(plane: FloatArray) -> F8:
    """Mean power spectrum of Hann windows over the face (Welch 1967), (WINDOW, WINDOW / 2 + 1)."""
    rows, columns = (np.linspace(0, side - WINDOW, WINDOWS).astype(int) for side in plane.shape)
    parts = np.stack([plane[y : y + WINDOW, x : x + WINDOW] for y in rows for x in columns])
    parts = (parts - parts.mean(axis=(1, 2), keepdims=True)) * _hann()
    powers: F8 = (np.abs(np.fft.rfft2(parts)) ** 2).mean(axis=0)
    return powers + 1e-3 * WINDOW**2  # below what rounding to whole numbers leaves


@cache
def _hann() -> FloatArray:
    one = np.hanning(WINDOW + 1)[:-1]
    return np.outer(one, one).astype(np.float32)


@cache
def _frequencies() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Periods a window down, across, and in any direction, whole."""
    down = np.abs(np.fft.fftfreq(WINDOW, 1 / WINDOW)).astype(np.int64)[:, None]
    across = np.arange(WINDOW // 2 + 1)[None]
    return (
        np.broadcast_to(down, (WINDOW, WINDOW // 2 + 1)),
        np.broadcast_to(across, (WINDOW, WINDOW // 2 + 1)),
        np.rint(np.hypot(down, across)).astype(np.int64),
    )


def _whitened(powers: F8) -> F8:
    """Each power in medians of its ring of equal frequency."""
    _, _, ring = _frequencies()
    medians = np.array([np.median(powers[ring == r]) for r in range(ring.max() + 1)])
    values: F8 = powers / medians[ring]
    return values


@cache
def _band(lowest: int, block: int) -> NDArray[np.bool_]:
    """From a frequency on, without those at which the blocks of JPEG repeat, every `block` periods a window."""
    down, across, ring = _frequencies()
    slack = block // 8  # brightness peaks spread to their neighbours; colours would be left with nothing
    blocks = ((down <= 1) & (_off(across, block) <= slack)) | ((across <= 1) & (_off(down, block) <= slack))
    found: NDArray[np.bool_] = (ring >= lowest) & (ring <= WINDOW // 2) & ~blocks
    return found


def _off(values: NDArray[np.int64], block: int) -> NDArray[np.int64]:
    """How far from the nearest multiple."""
    return np.minimum(values % block, block - values % block)


def _share(powers: F8) -> float:
    """Decimal logarithm of the power of the finest half of the frequencies over that of the middle ones."""
    _, _, ring = _frequencies()
    fine, middle = powers[(ring >= 16) & (ring <= 32)].mean(), powers[(ring >= 4) & (ring < 16)].mean()
    return float(np.log10(fine / middle))


def _roughness(luma: FloatArray) -> float:
    """Median of the absolute Laplacian over the middle of the face: what skin and noise have, not its edges."""
    height, width = luma.shape
    skin = luma[height // 4 : -height // 4, width // 5 : -width // 5]
    return float(np.median(np.abs(cv2.Laplacian(skin, cv2.CV_32F))))


def _eyes(luma: FloatArray, points: F8) -> float:
    """Decimal logarithm of the fine contrast about the eyes over that of the cheeks below them."""
    fine = np.abs(luma - cv2.GaussianBlur(luma, (0, 0), 2.0))
    left, right, mouth = points[0], points[1], points[3:].mean(axis=0)
    apart = max(float(np.linalg.norm(right - left)), 8.0)
    down = (mouth - (left + right) / 2) * 0.5
    eyes, cheeks = (np.mean([_mean(fine, p + d, apart * 0.22) for p in (left, right)]) for d in (0.0, down))
    return float(np.log10((eyes + 0.1) / (cheeks + 0.1)))


def _mean(plane: FloatArray, middle: F8, half: float) -> float:
    """Of a square about a point, cut at the border."""
    low = np.clip((middle - half).astype(int), 0, np.array(plane.shape[::-1]) - 2)
    high = np.clip((middle + half).astype(int) + 1, low + 1, plane.shape[::-1])
    return float(plane[low[1] : high[1], low[0] : high[0]].mean())


def _lines(luma: FloatArray, inner: NDArray[np.bool_]) -> float:
    """Mean step of brightness along the straightest long edge outside the box, upright or level."""
    return max(_upright(luma, inner), _upright(luma.T, inner.T))


def _upright(luma: FloatArray, inner: NDArray[np.bool_]) -> float:
    step = np.zeros_like(luma)
    step[:, 1:-1] = np.clip(luma[:, 2:] - luma[:, :-2], -24, 24)  # a long weak edge counts more than a short strong one
    step[inner] = 0
    rows = np.arange(SMALL)
    best = 0.0
    for slope in SLOPES:
        shifted = np.arange(SMALL)[None] + np.rint(slope * (rows - SMALL / 2)).astype(int)[:, None]
        kept = (shifted >= 0) & (shifted < SMALL)
        along = np.where(kept, step[rows[:, None], np.clip(shifted, 0, SMALL - 1)], 0).sum(axis=0)
        best = max(best, float(np.abs(along).max()) / SMALL)
    return best / 10
