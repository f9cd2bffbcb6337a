"""The whole picture in a square, seen from one face: RoI Tanh-polar (Lin et al., Image and Vision Computing 112, 2021).

A column of the square is a distance from the middle of the box, a row is an angle. The ellipse with the box's middle,
proportions and area lies at distance 1; a pixel at distance d is found in column tanh(d) of the width, so that the
ellipse always takes the first tanh(1) = 76 % of the columns, however large the face is, and the whole rest of the
picture, to infinity, the others. Turning the picture about the middle moves the rows round, nothing else.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.types.arrays import AnyArray, Boxes, FloatArray, Pixels

F8: TypeAlias = NDArray[np.float64]
FACE_SHARE: Final = float(np.tanh(1.0))
"""Share of the columns that the box's ellipse takes."""
SIDE: Final = 128
"""Rows and columns where nothing else is asked for."""


def to_polar(points: F8, box: FloatArray) -> F8:
    """Where points of the picture lie in the square.

    Args:
        points: (..., 2) x y in pixels, edges as in boxes: the first pixel's middle is at 0.5.
        box: (4,) x0 y0 x1 y1.

    Returns:
        (..., 2): tanh of the distance, 0..1, and the angle in turns, 0..1, from the right clockwise.
    """
    middle, radii = _ellipse(box)
    away = points - middle
    distance = np.hypot(*np.moveaxis(away / radii, -1, 0))
    turns = np.arctan2(away[..., 1], away[..., 0]) / (2 * np.pi) % 1.0
    return np.stack([np.tanh(distance), turns], axis=-1)


def from_polar(places: F8, box: FloatArray) -> F8:
    """The inverse of `to_polar`: (..., 2) of column 0..1, below 1, and turns to (..., 2) pixels."""
    middle, radii = _ellipse(box)
    angle = 2 * np.pi * places[..., 1]
    direction = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    unit = np.hypot(*np.moveaxis(direction / radii, -1, 0))
    points: F8 = middle + direction * (np.arctanh(places[..., 0]) / unit)[..., None]
    return points


def warp_faces(pixels: Pixels, boxes: Boxes, side: int = SIDE, *, labels: bool = False) -> AnyArray:
    """The picture as each face sees it.

    Args:
        pixels: (h, w, 3) uint8 RGB, or (h, w) uint8.
        boxes: (n, 4) x0 y0 x1 y1 in pixels of that picture.
        side: rows and columns of a square.
        labels: the values are names of classes: the nearest is taken, nothing is mixed.

    Returns:
        (n, side, side, 3), or (n, side, side), uint8; black where there is no picture.

    Raises:
        ValueError: a box without area.
    """
    warped = np.zeros((len(boxes), side, side, *pixels.shape[2:]), np.uint8)
    for box, target in zip(boxes, warped, strict=True):
        source, factor = (pixels, 1.0) if labels else _reduced(pixels, box, side)
        places = from_polar(cells(side), box) * factor - 0.5
        how = cv2.INTER_NEAREST if labels else cv2.INTER_LINEAR
        target[:] = cv2.remap(source, *_maps(places), how, borderMode=cv2.BORDER_CONSTANT)
    return warped


def restore(
    warped: AnyArray, box: FloatArray, size: tuple[int, int], *, top: int = 0, labels: bool = False
) -> AnyArray:
    """The inverse of `warp_faces` for one face: what it says of every pixel of a picture.

    Args:
        warped: (side, side) or (side, side, k) uint8 or float32.
        box: (4,) that it was warped by.
        size: (width, height) of the picture, or of a band of its rows.
        top: the band's first row.
        labels: as for `warp_faces`.

    Returns:
        (height, width) or (height, width, k) of the same type.
    """
    side, (width, height) = len(warped), size
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(top, top + height) + 0.5)
    columns, rows = np.moveaxis(to_polar(np.stack([x, y], axis=-1), box), -1, 0)
    # Across the middle lies the cell of the opposite angle; angles go round.
    whole = np.concatenate([np.roll(warped[:, :1], side // 2, axis=0), warped, warped[:, -1:]], axis=1)
    whole = np.concatenate([whole[-1:], whole, whole[:1]], axis=0)
    places = np.stack([columns, rows], axis=-1) * side + 0.5
    how = cv2.INTER_NEAREST if labels else cv2.INTER_LINEAR
    return np.asarray(cv2.remap(np.ascontiguousarray(whole), *_maps(places), how, borderMode=cv2.BORDER_REPLICATE))


def cells(side: int) -> F8:
    """(side, side, 2) column and turns, 0..1, of the middle of every cell."""
    steps = (np.arange(side) + 0.5) / side
    return np.stack(np.meshgrid(steps, steps), axis=-1)


def areas(side: int) -> FloatArray:
    """(side, side) how much of the picture a cell stands for, in areas of the ellipse; the last column to infinity.

    With r = arctanh(column) an element is r dr of every turn; the cells up to column tanh(1) sum to 1.
    """
    edges = np.arctanh(np.arange(side) / side)
    rings = np.append(np.diff(edges**2), np.inf) / side
    return np.broadcast_to(rings.astype(np.float32), (side, side))


def _ellipse(box: FloatArray) -> tuple[F8, F8]:
    """Middle and half axes of the ellipse of the box's proportions and area."""
    low, high = np.asarray(box[:2], np.float64), np.asarray(box[2:], np.float64)
    if not (high > low).all():
        raise ValueError(f"a box must have an area, got {np.asarray(box).tolist()}")
    return (low + high) / 2, (high - low) / np.sqrt(np.pi)


def _reduced(pixels: Pixels, box: FloatArray, side: int) -> tuple[Pixels, float]:
    """The picture made smaller where a cell at the middle is more than two of its pixels wide, and by how much."""
    factor = int(_ellipse(box)[1].min() / side)
    if factor < 2:
        return pixels, 1.0
    height, width = (length // factor * factor for length in pixels.shape[:2])
    size = (width // factor, height // factor)
    return np.asarray(cv2.resize(pixels[:height, :width], size, interpolation=cv2.INTER_AREA), np.uint8), 1 / factor


def _maps(places: F8) -> tuple[FloatArray, FloatArray]:
    # Beyond 2^15 OpenCV's fixed-point coordinates overflow; nothing is there in any case.
    x, y = np.moveaxis(np.clip(places, -1e4, 3.2e4).astype(np.float32), -1, 0)
    return np.ascontiguousarray(x), np.ascontiguousarray(y)
