"""Pictures moved triangle by triangle, so that points of one lie where those of another do."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.types.arrays import Pixels

Marks: TypeAlias = NDArray[np.float64]
"""(k, 2) float64, x and y in pixels; pixel centres have whole coordinates."""
Triangles: TypeAlias = NDArray[np.int64]
"""(t, 3) rows of some `Marks`."""


def border(size: tuple[int, int]) -> Marks:
    """(8, 2) corners of a picture of (width, height) and the middles of its sides."""
    right, bottom = size[0] - 1.0, size[1] - 1.0
    x, y = right / 2, bottom / 2
    return np.array([[0, 0], [x, 0], [right, 0], [right, y], [right, bottom], [x, bottom], [0, bottom], [0, y]])


def triangulate(marks: Marks) -> Triangles:
    """Delaunay's triangles over all the marks.

    Raises:
        ValueError: fewer than three marks, or all on one line.
    """
    from scipy.spatial import Delaunay, QhullError

    try:
        return np.asarray(Delaunay(marks).simplices, np.int64)
    except (QhullError, ValueError) as error:
        raise ValueError("marks must be three or more that are not on one line") from error


def piecewise_map(marks: Marks, source: Marks, triangles: Triangles, size: tuple[int, int]) -> NDArray[np.float32]:
    """Where each pixel of a new picture comes from: in each triangle the affine map of its three corners.

    Args:
        marks: in the new picture.
        source: the same marks in the picture that is read.
        triangles: of `marks`; they cover the new picture.
        size: (width, height) of the new picture.

    Returns:
        (height, width, 2) float32 x and y in the picture that is read.
    """
    affine = np.stack([_affine(marks[corners], source[corners]) for corners in triangles])
    which = np.zeros((size[1], size[0]), np.int32)
    for number, corners in enumerate(triangles):
        # A pixel beside an edge may go to the neighbour; the two maps agree there.
        cv2.fillConvexPoly(which, np.rint(marks[corners]).astype(np.int32), number)
    chosen = affine.astype(np.float32)[which]
    x, y = np.arange(size[0], dtype=np.float32)[None], np.arange(size[1], dtype=np.float32)[:, None]
    return np.stack([chosen[..., i, 0] * x + chosen[..., i, 1] * y + chosen[..., i, 2] for i in (0, 1)], axis=-1)


def warp(pixels: Pixels, places: NDArray[np.float32]) -> Pixels:
    """A picture read at (h, w, 2) places, linear between pixels; outside, the nearest pixel of its border."""
    x, y = np.ascontiguousarray(places[..., 0]), np.ascontiguousarray(places[..., 1])
    moved = cv2.remap(pixels, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def _affine(marks: Marks, source: Marks) -> NDArray[np.float64]:
    """(2, 3) from three marks to three others; of a triangle without area, the shift of its first corner."""
    corners = np.column_stack([marks, np.ones(3)])
    if abs(np.linalg.det(corners)) < 1e-9:
        return np.column_stack([np.eye(2), source[0] - marks[0]])
    return np.asarray(np.linalg.solve(corners, source).T, np.float64)
