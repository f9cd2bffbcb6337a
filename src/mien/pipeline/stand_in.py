"""Faces of nobody: drawn with ellipses from a number, after no photograph and no person."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.geometry.align import ARCFACE, similarity
from mien.types.arrays import FloatArray, Pixels

SIDE: Final = 320
"""Side of a drawing in pixels."""
POINTS: Final[FloatArray] = ((ARCFACE + 24) * 2).astype(np.float32)
"""(5, 2) where the eyes, nose tip and mouth corners of every drawing are."""
_FINE: Final = 4  # OpenCV draws at sixteenths of a pixel: shift of 4 bits
_TONES: Final = ((216, 210, 202), (202, 200, 198), (206, 202, 190), (196, 202, 204), (208, 200, 204))
"""Of plaster: nobody's skin, so that nothing is said about whose face was there."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn face.

    Args:
        pixels: (SIDE, SIDE, 3) uint8 RGB.
        alpha: (SIDE, SIDE) float32, 1 where the head is, 0 around it.
        tone: RGB of the ground.
    """

    pixels: Pixels
    alpha: FloatArray
    tone: tuple[int, int, int]


@lru_cache(maxsize=64)
def draw(seed: int) -> Drawing:
    """The face of nobody with this number; the same each time."""
    random = np.random.default_rng(seed)
    tone = _TONES[random.integers(len(_TONES))]
    canvas = np.full((SIDE, SIDE, 3), tone, np.uint8)
    centre = POINTS.mean(axis=0) + np.array([0, -4])
    head = (92 + random.uniform(-6, 6), 122 + random.uniform(-8, 8))
    _shade(canvas, centre, head)
    hair = tuple(int(v) for v in np.array(tone) * random.uniform(0.2, 0.5))
    eyes = _Eyes(
        (17 + random.uniform(-2, 2), 7.5 + random.uniform(-1, 1)),
        tuple(int(v) for v in np.array([75, 80, 90]) + random.integers(-25, 26, 3)),
        hair,
        (24, 11 + random.uniform(-2, 3)),
        int(random.integers(5, 9)),
    )
    _eye(canvas, POINTS[0], -1, eyes)
    _eye(canvas, POINTS[1], 1, eyes)
    _nose(canvas, tone, random)
    _mouth(canvas, tone, random)
    pixels = cv2.GaussianBlur(canvas, (0, 0), 1.6)
    grain = random.normal(0, 2.5, (SIDE, SIDE, 1))
    alpha = np.zeros((SIDE, SIDE), np.float32)
    _ellipse(alpha, centre, head, 1.0)
    soft = np.asarray(cv2.GaussianBlur(alpha, (0, 0), 4), np.float32)
    return Drawing(np.clip(pixels + grain, 0, 255).astype(np.uint8), soft, tone)


def paste(patch: Pixels, points: FloatArray, drawing: Drawing) -> Pixels:
    """A patch with the drawing turned and scaled onto five points.

    Args:
        patch: (h, w, 3) uint8 RGB.
        points: (5, 2) float32, pixels of the patch; may lie outside it.
        drawing: the face.

    Raises:
        ValueError: the points coincide or are not finite.
    """
    matrix = similarity(points[None], POINTS)[0]
    reduction = max(1, min(SIDE // 8, int(np.hypot(matrix[0, 0], matrix[1, 0]))))
    side = SIDE // reduction
    matrix = matrix * (side / SIDE)  # a drawing much larger than the face is averaged down first
    layers = np.dstack([drawing.pixels.astype(np.float32), drawing.alpha])
    layers = np.asarray(cv2.resize(layers, (side, side), interpolation=cv2.INTER_AREA), np.float32)
    height, width = patch.shape[:2]
    moved = cv2.warpAffine(layers, matrix, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    alpha = moved[:, :, 3:]
    return np.rint(patch * (1 - alpha) + moved[:, :, :3] * alpha).astype(np.uint8)


def _shade(canvas: Pixels, centre: NDArray[np.floating], head: tuple[float, float]) -> None:
    """Light from the front, which fades to the tone itself at the outline of the head."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    far = ((columns - centre[0]) / head[0]) ** 2 + ((rows - centre[1]) / head[1]) ** 2
    light = 1.12 - 0.12 * np.clip(far, 0, 1)
    canvas[:] = np.clip(canvas * light[:, :, None], 0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class _Eyes:
    """Half width and height of the opening, colours of iris and brow, half axes and thickness of the brow; pixels."""

    opening: tuple[float, float]
    iris: tuple[int, ...]
    hair: tuple[int, ...]
    brow: tuple[float, float]
    thickness: int


def _eye(canvas: Pixels, at: FloatArray, outwards: int, eyes: _Eyes) -> None:
    width, height = eyes.opening
    _ellipse(canvas, at, (width + 2, height + 3), tuple(int(v * 0.75) for v in canvas[int(at[1]), int(at[0])]))
    _ellipse(canvas, at, (width, height), (232, 228, 224))
    _ellipse(canvas, at, (7.5, 7.5), eyes.iris)
    _ellipse(canvas, at, (3.5, 3.5), (15, 12, 12))
    _arc(canvas, at, (width + 1, height + 1.5), (188, 352), eyes.hair, 3)
    _arc(canvas, at + np.array([outwards * 2, -13]), eyes.brow, (200, 340), eyes.hair, eyes.thickness)


def _nose(canvas: Pixels, tone: tuple[int, ...], random: np.random.Generator) -> None:
    tip, dark = POINTS[2], tuple(int(v * 0.62) for v in tone)
    light = tuple(min(255, int(v * 1.1)) for v in tone)
    _ellipse(canvas, tip - np.array([0, 22]), (5, 26), light)
    _ellipse(canvas, tip, (13 + random.uniform(-2, 2), 9), light)
    for side in (-1, 1):
        _ellipse(canvas, tip + np.array([side * 8, 8]), (4.5, 2.5), tuple(int(v * 0.4) for v in tone))
        _arc(canvas, tip + np.array([side * 13, 3]), (6, 8), (90 - side * 100, 90 - side * 10), dark, 2)


def _mouth(canvas: Pixels, tone: tuple[int, ...], random: np.random.Generator) -> None:
    middle = (POINTS[3] + POINTS[4]) / 2
    width = float(POINTS[4][0] - POINTS[3][0]) / 2
    lips = (int(tone[0] * 0.8), int(tone[1] * 0.55), int(tone[2] * 0.55))
    _ellipse(canvas, middle + np.array([0, 3]), (width, 8 + random.uniform(-1, 3)), lips)
    _ellipse(canvas, middle - np.array([0, 2]), (width, 5 + random.uniform(-1, 2)), tuple(int(v * 0.9) for v in lips))
    _arc(canvas, middle - np.array([0, 3]), (width, 4), (10, 170), tuple(int(v * 0.4) for v in tone), 2)


def _ellipse(
    canvas: Pixels | FloatArray, at: NDArray[np.floating], radii: tuple[float, float], colour: tuple[int, ...] | float
) -> None:
    _arc(canvas, at, radii, (0, 360), colour, cv2.FILLED)


def _arc(
    canvas: Pixels | FloatArray,
    at: NDArray[np.floating],
    radii: tuple[float, float],
    degrees: tuple[int, int],
    colour: tuple[int, ...] | float,
    thickness: int,
) -> None:
    unit = 1 << _FINE
    middle, axes = (round(float(at[0]) * unit), round(float(at[1]) * unit)), tuple(round(r * unit) for r in radii)
    cv2.ellipse(canvas, middle, axes, 0, *degrees, colour, thickness, cv2.LINE_AA, _FINE)
