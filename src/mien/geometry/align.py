"""Five points to an upright face of a fixed size."""

from __future__ import annotations

from math import hypot
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.types.arrays import Crops, FloatArray, Pixels, Points

ARCFACE: Final = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)
"""(5, 2) where ArcFace and its kin expect the five points in a face of 112x112 pixels (Deng et al., CVPR 2019)."""

CHIP: Final = np.array(
    [[34.186, 33.712], [76.225, 33.699], [55.210, 57.250], [36.332, 78.419], [74.088, 78.419]], np.float32
)
"""(5, 2) the same for networks that were trained on dlib's face chips with a padding of 0.2, in 112x112 pixels: dlib's
mean face of 68 points, its eyes as the middles of their corners."""


def similarity(points: Points, target: FloatArray) -> FloatArray:
    """Rotation, scale and shift that bring each face's points nearest to the target, in the sense of least squares.

    As complex numbers the map is z -> a z + b with one closed form for a and b; it is the solution of Umeyama
    (PAMI 1991) for two dimensions without reflection.

    Args:
        points: (n, k, 2) float32, pixels.
        target: (k, 2) float32, pixels of the crop.

    Returns:
        (n, 2, 3) float64 matrices, picture to crop.

    Raises:
        ValueError: the points of a face coincide or are not finite.
    """
    z = points.astype(np.float64) @ np.array([1, 1j])
    w = target.astype(np.float64) @ np.array([1, 1j])
    middle, goal = z.mean(axis=1, keepdims=True), w.mean()
    spread = np.sum(np.abs(z - middle) ** 2, axis=1)
    if not (np.isfinite(spread) & (spread > 0)).all():
        raise ValueError("the points of a face must be finite and apart from each other")
    a = np.conj(z - middle) @ (w - goal) / spread
    b = goal - a * middle[:, 0]
    rows = [[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]]
    return np.moveaxis(np.array(rows), 2, 0)


def align_faces(pixels: Pixels, points: Points, size: int = 112, target: FloatArray = ARCFACE) -> Crops:
    """Every face turned upright and scaled to a template, that of ArcFace unless told otherwise.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        points: (n, 5, 2) float32, pixels of that picture.
        size: side of a crop in pixels.
        target: (5, 2) where the points come to lie in a crop of 112 pixels.

    Returns:
        (n, size, size, 3) uint8 RGB; black where the face leaves the picture.

    Raises:
        ValueError: the points of a face coincide or are not finite.
    """
    crops = np.zeros((len(points), size, size, 3), np.uint8)
    for crop, matrix in zip(crops, similarity(points, target * np.float32(size / 112)), strict=True):
        source, matrix = _reduced(pixels, matrix, size)
        if source.size:
            cv2.warpAffine(source, matrix, (size, size), dst=crop, flags=cv2.INTER_LINEAR)
    return crops


def _reduced(pixels: Pixels, matrix: NDArray[Any], size: int) -> tuple[Pixels, NDArray[Any]]:
    """The region a crop is cut from, averaged over blocks when it is more than twice as large as the crop.

    Linear interpolation looks at 2x2 pixels only; of a larger face it would pick single pixels, noise and all.
    """
    factor = int(1 / hypot(matrix[0, 0], matrix[1, 0]))
    if factor < 2:
        return pixels, matrix
    corners = np.array([[0, 0, 1], [size, 0, 1], [0, size, 1], [size, size, 1]])
    around = corners @ cv2.invertAffineTransform(matrix).T
    height, width = pixels.shape[:2]
    x0, y0 = np.clip(np.floor(around.min(axis=0)) - 2 * factor, 0, (width, height)).astype(int)
    x1, y1 = np.clip(np.ceil(around.max(axis=0)) + 2 * factor, 0, (width, height)).astype(int)
    columns, rows = (x1 - x0) // factor, (y1 - y0) // factor
    if columns <= 0 or rows <= 0:
        return np.empty((0, 0, 3), np.uint8), matrix
    region = pixels[y0 : y0 + rows * factor, x0 : x0 + columns * factor]
    # pixel i of the reduced region has its centre at origin + factor * i + (factor - 1) / 2 of the picture
    origin = np.array([x0, y0]) + (factor - 1) / 2
    linear = matrix[:, :2]
    moved = np.column_stack([linear * factor, linear @ origin + matrix[:, 2]])
    return np.asarray(cv2.resize(region, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8), moved
