"""One face as the quality measures see it: landmarks, angles, and its skin brought to a fixed frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import nan
from typing import Any, Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.geometry.align import similarity
from mien.types.arrays import Pixels
from mien.types.image import Image

F8: TypeAlias = NDArray[np.float64]
Plane: TypeAlias = NDArray[np.uint8]
"""(h, w) uint8."""

FRAME: Final = 616
"""Side in pixels of the frame that OFIQ brings faces to."""
TARGET: Final = np.array([[251, 272], [364, 272], [308, 336], [262, 402], [355, 402]], np.float32)
"""(5, 2) where OFIQ expects the middles of the eyes' corners, the tip of the nose and the mouth's corners there."""
LEFT_EYE: Final = (36, 39)
RIGHT_EYE: Final = (42, 45)
"""Corners of the eye left in the picture and of the right one, in the order of the 68 landmarks."""
CHIN: Final = 8
NOSE: Final = 30
MOUTH: Final = (48, 54)
LIPS: Final = (62, 66)
"""Middles of the inner edges of the lips."""
CHEEK: Final = 0.3
"""Side of a cheek's square in eye distances."""


@dataclass(frozen=True)
class Portrait:
    """One face of a picture.

    Args:
        image: the decoded picture, reduced or not.
        landmarks: (68, 2) float64, pixels of the full picture, in the order of iBUG 300-W.
        angles: yaw, pitch and roll in degrees; NaN where nothing says so.
        open_eyes: probability that the eye left in the picture, and the right one, is open; NaN likewise.
        rival: area of the largest other face over that of this one.
        occluded: share of the face that something covers; NaN where nothing says so.
    """

    image: Image
    landmarks: F8
    angles: tuple[float, float, float] = (nan, nan, nan)
    open_eyes: tuple[float, float] = (nan, nan)
    rival: float = 0.0
    occluded: float = nan

    @cached_property
    def eyes(self) -> F8:
        """(2, 2) middles between the corners of each eye, pixels of the full picture."""
        return eye_middles(self.landmarks)

    @property
    def eye_distance(self) -> float:
        """Between the middles of the eyes, pixels of the full picture."""
        return float(np.hypot(*(self.eyes[1] - self.eyes[0])))

    @property
    def length(self) -> float:
        """From between the eyes to the chin, pixels of the full picture: OFIQ's measure T of a head."""
        return float(np.hypot(*(self.landmarks[CHIN] - self.eyes.mean(axis=0))))

    @cached_property
    def skin(self) -> Skin:
        """The face in OFIQ's frame."""
        return cut_skin(self.image, self.landmarks)


def eye_middles(landmarks: F8) -> F8:
    """(2, 2) middles between the corners of each eye, of (68, 2) landmarks."""
    return np.stack([landmarks[list(LEFT_EYE)].mean(axis=0), landmarks[list(RIGHT_EYE)].mean(axis=0)])


@dataclass(frozen=True)
class Skin:
    """The part of OFIQ's frame that holds the face.

    Args:
        pixels: (h, w, 3) uint8 RGB; black where the picture ends.
        inside: (h, w) uint8, 1 inside the convex hull of the landmarks, else 0.
        cheeks: rows and columns of the squares below the eye left in the picture and below the right one.
    """

    pixels: Pixels
    inside: Plane
    cheeks: tuple[tuple[slice, slice], tuple[slice, slice]]

    @cached_property
    def luminance(self) -> Plane:
        """(h, w) uint8: linear light after Rec. 709."""
        return luminance(self.pixels)

    @cached_property
    def histogram(self) -> F8:
        """(256,) shares of the luminance values inside the hull; NaN without a pixel."""
        return shares(self.luminance[self.inside != 0])


def cut_skin(image: Image, landmarks: F8) -> Skin:
    """A face in OFIQ's frame: its own region only, sampled linearly, as OFIQ does."""
    five = np.concatenate([eye_middles(landmarks), landmarks[[NOSE, *MOUTH]]])
    matrix = similarity(five[None].astype(np.float32), TARGET)[0]
    points = np.rint(landmarks @ matrix[:, :2].T + matrix[:, 2])
    hull = cv2.convexHull(points.astype(np.int32)).reshape(-1, 2)
    low = np.clip(hull.min(axis=0), 0, FRAME - 1)
    high = np.clip(hull.max(axis=0) + 1, low + 1, FRAME)
    width, height = (int(v) for v in high - low)
    inside = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(inside, hull - low, 1)
    moved = np.column_stack([matrix[:, :2] / np.array(image.scale), matrix[:, 2] - low])
    pixels = cv2.warpAffine(image.pixels, moved, (width, height), flags=cv2.INTER_LINEAR)
    return Skin(np.asarray(pixels, np.uint8), inside, _cheeks(points - low))


def _cheeks(points: F8) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The two squares that OFIQ compares: 0.3 eye distances wide, from half way between eyes and mouth downwards."""
    eyes = np.rint(eye_middles(points))
    middle, mouth = eyes.mean(axis=0), points[list(LIPS)].mean(axis=0)
    side = int(CHEEK * np.hypot(*(eyes[1] - eyes[0])))
    down = int(np.hypot(*(mouth - middle)) / 2)
    (left, left_row), (right, right_row) = ((int(x), int(y) + down) for x, y in eyes)
    return _square(left, left_row, side), _square(right - side, right_row, side)


def _square(x: int, y: int, side: int) -> tuple[slice, slice]:
    return slice(max(y, 0), max(y + side, 0)), slice(max(x, 0), max(x + side, 0))


def shares(values: NDArray[np.uint8]) -> F8:
    """(256,) share of each value; NaN without a value."""
    counts = np.bincount(values.ravel(), minlength=256).astype(np.float64)
    return counts / (counts.sum() or nan)


def linear(value: Any) -> Any:
    """SRGB of 0..1 to linear light of 0..1 (IEC 61966-2-1)."""
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


_LEVELS: Final = 255 * linear(np.arange(256) / 255)
_LIGHT: Final = (_LEVELS[None, :, None] * np.array([0.2126, 0.7152, 0.0722])).astype(np.float32)
_SUM: Final = np.ones((1, 3), np.float32)


def luminance(pixels: Pixels) -> Plane:
    """(h, w) uint8 linear luminance after Rec. 709 of (h, w, 3) uint8 sRGB, rounded."""
    return np.asarray(cv2.transform(cv2.LUT(pixels, _LIGHT), _SUM) + 0.5, np.uint8)
