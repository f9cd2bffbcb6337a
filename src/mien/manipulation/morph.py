"""One face made of two: both moved to a geometry between them, then blended (Ferrara et al., IJCB 2014)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np

from mien.geometry.align import similarity
from mien.manipulation.warp import Marks, border, piecewise_map, triangulate, warp
from mien.types.arrays import AnyArray, Pixels

Splice: TypeAlias = Literal["whole", "feather", "poisson"]
"""What of the blend is kept: all; or the face alone, in the first parent's picture, with a soft edge or by Poisson."""


@dataclass(frozen=True, slots=True)
class Parent:
    """A photograph and the 68 points of the face in it.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        points: (68, 2) pixels, in the order of iBUG 300-W.
    """

    pixels: Pixels
    points: Marks

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.pixels.shape[1], self.pixels.shape[0]


@dataclass(frozen=True, slots=True)
class Blend:
    """Two faces moved to one geometry.

    Args:
        mixed: (h, w, 3) uint8, both pictures blended.
        ground: the first picture alone, in the new shape.
        points: (68, 2) of the face in both.
    """

    mixed: Pixels
    ground: Pixels
    points: Marks

    def spliced(self, splice: Splice) -> Pixels:
        """The blend as it is, or its face in the first picture.

        Raises:
            ValueError: the face lies outside the picture.
        """
        if splice == "whole":
            return self.mixed
        mask = face_mask(self.points, (self.ground.shape[1], self.ground.shape[0]))
        if not mask.any():
            raise ValueError("the face lies outside the picture")
        if splice == "poisson":
            x, y, width, height = cv2.boundingRect(mask)
            centre = x + width // 2, y + height // 2
            return np.asarray(cv2.seamlessClone(self.mixed, self.ground, mask, centre, cv2.NORMAL_CLONE), np.uint8)
        edge = max(1.0, 0.05 * float(np.ptp(self.points[:, 0])))
        inner = cv2.erode(mask, np.ones((3, 3), np.uint8), iterations=round(edge))
        weight = cv2.GaussianBlur(inner, (0, 0), edge)[..., None].astype(np.float32) / 255
        return np.asarray(np.rint(self.ground + (self.mixed.astype(np.float32) - self.ground) * weight), np.uint8)


def morph(first: Parent, second: Parent, *, alpha: float = 0.5, splice: Splice = "whole") -> Pixels:
    """A face between two, in the frame of the first.

    Args:
        first: the one whose frame it is.
        second: the other.
        alpha: share of the second, of shape and of pixels alike; 0 gives the first picture back.
        splice: with ``feather`` or ``poisson`` (Pérez et al. 2003) hair, clothes and background are the first's, warped
            to the new shape but not blended, and there are no ghosts of a second outline.

    Returns:
        (h, w, 3) uint8 RGB, of the first picture's size.

    Raises:
        ValueError: alpha is outside 0..1, or the points do not span a plane.
    """
    return blend(first, second, alpha).spliced(splice)


def blend(first: Parent, second: Parent, alpha: float) -> Blend:
    """Both faces in the geometry between them; arguments and errors as those of `morph`.

    The second face is first turned, scaled and shifted onto the first, so that only shapes are averaged and not places.
    The points of both and eight of the frame are then triangulated in the geometry between them, and each picture is
    read once, triangle by triangle.
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must lie in 0..1, got {alpha:g}")
    size, frame = first.size, border(first.size)
    turn = similarity(first.points[None].astype(np.float32), second.points.astype(np.float32))[
        0
    ]  # first frame -> second picture
    there = first.points, _moved(second.points, cv2.invertAffineTransform(turn))
    marks = np.concatenate([(1 - alpha) * there[0] + alpha * there[1], frame])
    triangles = triangulate(marks)
    sources = np.concatenate([first.points, frame]), np.concatenate([second.points, _moved(frame, turn)])
    one, two = (
        warp(parent.pixels, piecewise_map(marks, source, triangles, size))
        for parent, source in zip((first, second), sources, strict=True)
    )
    return Blend(np.asarray(cv2.addWeighted(one, 1 - alpha, two, alpha, 0.0), np.uint8), one, marks[:68])


def _moved(marks: Marks, matrix: AnyArray) -> Marks:
    """Marks through a (2, 3) matrix."""
    moved: Marks = marks @ matrix[:, :2].T + matrix[:, 2]
    return moved


def face_mask(points: Marks, size: tuple[int, int]) -> Pixels:
    """(h, w) uint8: 255 inside the hull of 68 points, shrunk by a thirtieth; a pixel at each side is always outside."""
    middle = points.mean(axis=0)
    hull = cv2.convexHull(np.rint(middle + (points - middle) * (29 / 30)).astype(np.int32))
    mask = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillConvexPoly(mask, hull, 255)
    mask[[0, -1]] = 0
    mask[:, [0, -1]] = 0
    return mask
